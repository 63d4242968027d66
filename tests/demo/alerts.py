"""Drift events as the worker of a small airport would raise them."""

from sinks.event import DriftEvent, Phase, Severity, rfc3339
from stream.run.demo.demo import JANUARY
from stream.run.demo.view import Scene

DAY = 86_400_000
T0 = JANUARY[0]


def alert(
    day: int,
    column: str | None,
    phase: Phase = "started",
    severity: Severity = "warning",
    kind: str = "data_drift",
    *,
    mean: tuple[float, float] | None = (10.0, 20.0),
    value: float = 2.0,
    topic: str = "features",
    episode: str = "e",
    onset: int | None = None,
) -> DriftEvent:
    """Make an alert about the `day`-th day of the year, from 0."""
    start, end = T0 + day * DAY, T0 + (day + 1) * DAY
    usual, then = mean or (None, None)
    data: dict[str, object] = {
        "episode_id": episode,
        "summary": f"{column or topic} on day {day}",
        "window": {"start": rfc3339(start), "end": rfc3339(end)},
        "score": {"value": value, "threshold": 1.0},
        "onset": {"estimate": rfc3339(T0 + (day if onset is None else onset) * DAY)},
        "explain": {
            "mean": {"ref": usual, "cur": then},
            "bins": [{"bin": "EV", "ref": 0.15, "cur": 0.11}],
        },
        "replay": [{"topic": topic}],
    }
    return DriftEvent(
        f"{episode}-{column}-{day}", end, "m", "1", {}, column, "psi", phase, severity, kind, data
    )


def scene(*alerts: DriftEvent) -> Scene:
    """Make a scene of the year's hundredth day."""
    return Scene(
        T0, T0 + 200 * DAY, "watching", T0 + 100 * DAY, 12.0, 250_000, 40_000.0, 3_000, 2 * DAY,
        alerts=list(alerts),
    )  # fmt: skip
