"""What the demo shows: a calm picture on a terminal, plain lines elsewhere. Pure: scenes in, text out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from sinks.event import DriftEvent
from stream.run.demo.story import day
from stream.run.terminal.arguments import plain

__all__ = ["Column", "Scene", "alert_line", "columns_of", "progress_line", "render"]

SEVERITY_STYLES = {"info": "cyan", "warning": "yellow", "error": "red", "critical": "bold red"}
OWN_SCALE = frozenset({"volume", "silence", "frozen"})
"""Detectors that are not the louder the larger their statistic is; they count when they alarm."""
STRENGTH_MAX = 9.9
BAR_MIN, BAR_MAX, BAR_TOP = 18, 42, 3.0
BESIDE_BAR = 66  # characters of a column's line
WIDTH_MIN, HEIGHT_MIN = 50, 12
HEADER, TOP_COLUMNS = 6, 16
DRIFTING_TOLD = 4
FLOW = "flights > features, predictions, labels > driftbus worker > drift-alerts > here"
SIGNS = {
    "psi": "other mix of values", "kolmogorov_smirnov": "other distribution",
    "chi_square": "other shares", "location": "shifted", "spread": "other spread", "shape": "other shape",
    "missing": "missing values", "invalid": "wrong type", "unseen": "unknown values",
    "out_of_range": "out of range", "frozen": "always the same", "volume": "number of events",
    "silence": "silence",
}  # fmt: skip
"""What a detector finds, in plain words."""


class Column(NamedTuple):
    """How a column stands: its strongest statistic in units of the threshold, and its incident."""

    name: str
    strength: float
    detector: str
    incident: str | None


@dataclass(slots=True)
class Scene:
    """What is to be seen at a moment.

    Attributes:
        step: what is going on, in words.
        start_ms, end_ms: the range of event time that is watched.
        now_ms: how far event time is.
        elapsed_s: seconds since the beginning.
        events, rate: events consumed, and consumed a second.
        lag, lag_ms: how far the worker is behind the producer.
        columns: the columns, those that drift most first.
        alerts: the alerts read back, in the order in which they came.
    """

    start_ms: int
    end_ms: int
    step: str = ""
    now_ms: int = 0
    elapsed_s: float = 0.0
    events: int = 0
    rate: float = 0.0
    lag: int = 0
    lag_ms: int = 0
    columns: list[Column] = field(default_factory=list)
    alerts: list[DriftEvent] = field(default_factory=list)

    @property
    def share(self) -> float:
        """How much of the range is done, 0 to 1."""
        share = (self.now_ms - self.start_ms) / (self.end_ms - self.start_ms)
        return min(1.0, max(0.0, share))


def columns_of(status: Mapping[str, Any]) -> list[Column]:
    """Read a worker's status: its columns, open incidents first, then by strength."""
    columns = []
    for model in status["models"].values():
        for series in model["series"]:
            incidents = series.get("incidents", {})
            for name, scores in ((series.get("window") or {}).get("columns") or {}).items():
                strength, detector = max(
                    (_strength(detector, *of), detector) for detector, of in scores.items()
                )
                shown = name or f"number of {series['kind']}"
                columns.append(Column(shown, strength, detector, incidents.get(name)))
    return sorted(columns, key=lambda c: (c.incident is None, -c.strength, c.name))


def _strength(
    detector: str, statistic: float | None, threshold: float | None, _p: object, _effect: object,
    alarm: bool,
) -> float:  # fmt: skip
    if detector in OWN_SCALE or not statistic or threshold is None:
        return 1.0 if alarm else 0.0
    strength = min(STRENGTH_MAX, statistic / threshold) if threshold > 0 else STRENGTH_MAX
    # A detector may ask for more than its threshold, such as a least effect: no alarm, no excess.
    return max(1.0, strength) if alarm else min(1.0, strength)


def render(scene: Scene, width: int, height: int) -> RenderableType:
    """Draw a scene into `height` lines of `width` characters; small terminals see its head only."""
    if width < WIDTH_MIN or height < HEIGHT_MIN:
        return Group(*_header(scene, width)[:height])
    head = Panel(Group(*_header(scene, width - 4)), title="driftbus", height=HEADER)
    left = height - HEADER
    shown = min(TOP_COLUMNS, left - 8) if left >= HEIGHT_MIN else 0
    panels: list[RenderableType] = [head]
    if shown:
        columns = [_column(column, width - 4) for column in scene.columns[:shown]]
        columns = columns or [Text("they come with the first day that is judged", "bright_black")]
        title = "columns, the most drifted first (┃ marks where the alarm begins)"
        panels.append(Panel(Group(*columns), title=title, height=shown + 2))
        left -= shown + 2
    alerts = [alert_line(alert) for alert in scene.alerts[-(left - 2) :]]
    title = "alerts, as an independent consumer reads them from drift-alerts"
    panels.append(Panel(Group(*alerts), title=title, height=left))
    return Group(*panels)


def _header(scene: Scene, width: int) -> list[Text]:
    date = _date(scene.now_ms) if scene.now_ms else _date(scene.start_ms)
    bar = max(4, width - 32)
    done = round(bar * scene.share)
    progress = Text.assemble(
        (date, "bold"), "  ", ("━" * done, "green"), ("─" * (bar - done), "bright_black"),
        f"  {scene.share:4.0%}  {scene.elapsed_s:4.0f} s",
    )  # fmt: skip
    figures = Text.assemble(
        (f"{scene.events:,}", "bold"), " events   ", (f"{scene.rate:,.0f}", "bold"), " a second   ",
        f"lag {scene.lag:,} events, {scene.lag_ms / 86_400_000:.0f} days   ",
        (f"{len(scene.alerts)}", "bold"), " alerts   ",
        (f"{sum(c.incident is not None for c in scene.columns)}", "bold"), " incidents open",
    )  # fmt: skip
    lines = [Text(scene.step), progress, figures, Text(FLOW, "bright_black")]
    for line in lines:
        _one_line(line)
    return lines


def _column(column: Column, width: int) -> Text:
    size = min(BAR_MAX, width - BESIDE_BAR)
    filled = round(size * min(column.strength, BAR_TOP) / BAR_TOP)
    mark = round(size / BAR_TOP)
    style = SEVERITY_STYLES.get(column.incident or "", "green")
    bar = Text("━" * filled, style) + Text("─" * (size - filled), "bright_black")
    bar = bar[:mark] + Text("┃") + bar[mark:]
    sign = SIGNS.get(column.detector, column.detector) if column.strength else "calm"
    incident = f"● {column.incident}" if column.incident else ""
    return _one_line(
        Text.assemble(
            f"{plain(column.name)[:22]:<23}", bar if size >= BAR_MIN else "",
            f" {column.strength:3.1f}x  ", (f"{sign:<20} ", ""), (incident, style),
        )
    )  # fmt: skip


def alert_line(alert: DriftEvent) -> Text:
    """Tell an alert in one line: the day, how much it matters, the column, and why."""
    window: Any = alert.data["window"]
    begin = datetime.fromisoformat(window["start"])
    label = "resolved" if alert.phase == "resolved" else alert.severity
    style = "green" if alert.phase == "resolved" else SEVERITY_STYLES[alert.severity]
    return _one_line(
        Text.assemble(
            (f"{day(int(begin.timestamp() * 1000)):<7}", "bold"), (f"{label:<9}", style),
            plain(str(alert.data.get("summary", alert.kind))),
        )
    )  # fmt: skip


def progress_line(scene: Scene) -> str:
    """Tell a scene in one plain line, for where there is no terminal."""
    drifted = [plain(column.name) for column in scene.columns if column.incident]
    told = f"; drifting: {', '.join(drifted[:DRIFTING_TOLD])}" if drifted else ""
    told += f" and {len(drifted) - DRIFTING_TOLD} more" if len(drifted) > DRIFTING_TOLD else ""
    return (
        f"{_date(scene.now_ms or scene.start_ms)} {scene.share:4.0%}  {scene.events:,} events,"
        f" {scene.rate:,.0f} a second, lag {scene.lag:,}, {len(scene.alerts)} alerts{told}"
    )


def _one_line(text: Text) -> Text:
    text.no_wrap, text.overflow = True, "ellipsis"
    return text


def _date(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
