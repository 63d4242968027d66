"""How far long work has come, on stderr: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from rich.progress import Progress as Bar
    from rich.progress import TaskID

__all__ = ["LINE_EVERY_S", "Progress"]

LINE_EVERY_S = 5.0
"""Seconds between two lines where there is no terminal."""


class Progress:
    """Tells of some work while it lasts, and once more at its end.

    Args:
        label: what is being done, such as `replay`.
        quiet: tell nothing at all.
        unit: what is counted.
        stream: where to tell; stderr by default.
        clock: seconds that only go forward.

    `part(done, total)` says how much of the input is read, `events(n)` that n more events are done.
    """

    def __init__(
        self,
        label: str,
        *,
        quiet: bool = False,
        unit: str = "events",
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._label = label
        self._stream = stream or sys.stderr
        self._quiet = quiet
        self._unit = unit
        self._clock = clock
        self._start = self._told = clock()
        self._share = 0.0
        self._count = 0
        self._bar: tuple[Bar, TaskID] | None = None

    def __enter__(self) -> Self:
        if not self._quiet and self._stream.isatty():
            self._bar = _bar(self._label, self._stream)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is None:
            self._share = 1.0
        if self._bar is not None:
            self._show()
            self._bar[0].stop()
        elif kind is None and not self._quiet:
            self._line()

    def part(self, done: int, total: int) -> None:
        """Note how much of the input is read, in any unit."""
        self._share = done / total if total else 0.0
        self._tell()

    def events(self, n: int) -> None:
        """Note that n more events are done."""
        self._count += n
        self._tell()

    def _tell(self) -> None:
        if self._quiet:
            return
        if self._bar is not None:
            self._show()
        elif self._clock() - self._told >= LINE_EVERY_S:
            self._line()

    def _rate(self) -> str:
        seconds = max(self._clock() - self._start, 1e-3)
        return f"{self._count:,} {self._unit}, {self._count / seconds:,.0f} a second"

    def _line(self) -> None:
        self._told = self._clock()
        self._stream.write(f"{self._label}: {self._share:.0%}, {self._rate()}\n")
        self._stream.flush()

    def _show(self) -> None:
        if self._bar is not None:
            bar, task = self._bar
            bar.update(task, completed=self._share, rate=self._rate())


def _bar(label: str, stream: TextIO) -> "tuple[Bar, TaskID]":
    from rich.console import Console  # noqa: PLC0415 - needed on a terminal only
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[rate]}"),
        console=Console(file=stream),
    )
    task = bar.add_task(label, total=1.0, rate="")
    bar.start()
    return bar, task
