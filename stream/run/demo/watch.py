"""What the demo concludes from looking at its children: the scene, and when all is done. Pure."""

from collections import deque
from collections.abc import Mapping
from typing import Any

from stream.run.demo.feed import DAY_MS, Told
from stream.run.demo.view import Scene, columns_of

__all__ = ["STALLED_S", "Watch"]

RANK_EVERY_S = 1.0  # more often would be restless
RATE_OVER_S = 3.0
STALLED_S = 60.0
"""A run that does not move for so long is not going to."""


class Watch:
    """Keeps a scene up to date from the worker's status and from what the producer has told.

    Args:
        scene: is changed by `note`.
        now: seconds of a clock that only goes forward.
        paced: the producer holds back on purpose, so that stillness means nothing.
    """

    def __init__(self, scene: Scene, now: float, *, paced: bool) -> None:
        self._scene = scene
        self._paced = paced
        self._moved = (0, 0)
        self._moved_at = now
        self._ranked_at = now
        self._counts: deque[tuple[float, int]] = deque([(now, 0)])

    def note(self, status: Mapping[str, Any], told: Told, now: float) -> None:
        """Bring the scene up to date."""
        scene, topics = self._scene, status["topics"].values()
        scene.events = sum(topic["consumed"] for topic in topics)
        scene.now_ms = min((topic.get("watermark", 0) for topic in topics), default=0)
        scene.lag = max(0, told.produced - scene.events)
        scene.lag_ms = max(0, told.ts_ms - scene.now_ms) if scene.now_ms else 0
        scene.rate = self._rate(now)
        if now - self._ranked_at >= RANK_EVERY_S or told.done:
            self._ranked_at = now
            scene.columns = columns_of(status)

    def _rate(self, now: float) -> float:
        self._counts.append((now, self._scene.events))
        while now - self._counts[0][0] > RATE_OVER_S:
            self._counts.popleft()
        then, events = self._counts[0]
        return (self._scene.events - events) / (now - then) if now > then else 0.0

    def is_over(self, status: Mapping[str, Any], told: Told) -> bool:
        """Whether all that was produced is consumed, judged and told, and was read back here."""
        models = status["models"].values()
        return (
            told.done
            and self._scene.events >= told.produced
            and _is_judged(status)
            and not any(model["outbox"] for model in models)
            and len(self._scene.alerts) >= sum(model["alerts"] for model in models)
        )

    def is_stalled(self, told: Told, now: float) -> bool:
        """Whether nothing has happened for long although something should."""
        moved = (self._scene.events, len(self._scene.alerts))
        if moved != self._moved or (self._paced and self._scene.events and not told.done):
            self._moved, self._moved_at = moved, now
        return now - self._moved_at > STALLED_S


def _is_judged(status: Mapping[str, Any]) -> bool:
    """Whether every series is judged up to the last day that all topics have passed."""
    marks = (topic.get("watermark", 0) for topic in status["topics"].values())
    passed = min(marks, default=0) // DAY_MS * DAY_MS
    windows = [
        series.get("window") for model in status["models"].values() for series in model["series"]
    ]
    return bool(windows) and all(window and window["end"] >= passed for window in windows)
