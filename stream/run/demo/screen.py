"""Where the demo is shown: a picture that is redrawn on a terminal, lines now and then elsewhere."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console, RenderableType
from rich.live import Live

from stream.run.demo.view import Scene, alert_line, progress_line, render

__all__ = ["Screen"]

LINE_EVERY_S = 3.0
"""Seconds between two lines of progress where there is no terminal."""
HEIGHT_MAX, WIDTH_MAX = 40, 130
PLAIN_WIDTH = 160


class Screen:
    """Shows `scene` while the context lasts; `show` tells that it has changed.

    On a terminal the picture is drawn over itself four times a second and vanishes at the end, to
    leave the summary alone. Elsewhere each new alert is a line, and progress one now and then.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.scene = Scene(0, 1)
        self._console = console
        self._clock = clock
        self._told_at = float("-inf")
        self._told_step = self._told_line = ""
        self._told_alerts = 0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(
                console=self._console, get_renderable=self._draw, refresh_per_second=4,
                transient=True, vertical_overflow="crop",
            )  # fmt: skip
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()
        elif kind is None:
            self._lines(float("inf"))

    def show(self) -> None:
        """Let the change of the scene be seen, at the next redrawing or as lines."""
        if self._live is None:
            self._lines(self._clock())

    def close(self, told: RenderableType) -> None:
        """Print what stays."""
        if self._live is None:
            self._console.width = max(self._console.width, PLAIN_WIDTH)
        self._console.print(told)

    def _draw(self) -> RenderableType:
        width, height = self._console.size
        return render(self.scene, min(width, WIDTH_MAX), min(height - 1, HEIGHT_MAX))

    def _lines(self, now: float) -> None:
        scene = self.scene
        for alert in scene.alerts[self._told_alerts :]:
            self._line(f"  {alert_line(alert).plain}")
        self._told_alerts = len(scene.alerts)
        step = scene.step.split(":")[0]
        if step == self._told_step and now - self._told_at < LINE_EVERY_S:
            return
        self._told_at = now
        if step != self._told_step or not scene.events:
            self._line(scene.step)
        if scene.events:
            self._line(progress_line(scene))
        self._told_step = step

    def _line(self, text: str) -> None:
        if text == self._told_line:
            return
        self._told_line = text
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)
