"""The demo's last word: what drifted, when, how much, what to look at, and what it cost."""

from typing import NamedTuple

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from stream.run.demo.advice import advice_of
from stream.run.demo.story import Row, episodes, incidents_of, rows_of
from stream.run.demo.view import SEVERITY_STYLES, Scene
from stream.run.terminal.arguments import plain

__all__ = ["Cost", "closing"]


class Cost(NamedTuple):
    """What a run took: seconds from the first event to the last, the worker's CPU seconds."""

    flow_s: float
    worker_cpu_s: float


def closing(scene: Scene, cost: Cost) -> RenderableType:
    """Sum a finished run up."""
    incidents = incidents_of(scene.alerts)
    advice = advice_of(incidents, scene.start_ms, min(scene.now_ms, scene.end_ms))
    parts: list[RenderableType] = [Text(), Text("What drifted", "bold"), _table(rows_of(incidents))]
    if advice:
        parts += [Text(), Text("What to look at", "bold")]
        parts += [_point(sentence) for sentence in advice]
    parts += [Text(), Text(_figures(scene, cost, episodes(scene.alerts)))]
    return Group(*parts)


def _table(rows: list[Row]) -> RenderableType:
    if not rows:
        return Text("  nothing: all columns stayed within what the reference's own days vary")
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("  column", no_wrap=True)
    table.add_column("kind", no_wrap=True)
    table.add_column("at worst", no_wrap=True)
    table.add_column("when", ratio=5)
    table.add_column("how much", ratio=4)
    for row in rows:
        table.add_row(
            Text(f"  {plain(row.name)}"), Text(row.kind.replace("_", " ")),
            Text(row.severity, SEVERITY_STYLES[row.severity]), Text(row.when),
            Text(plain(row.how_much)),
        )  # fmt: skip
    return table


def _point(sentence: str) -> RenderableType:
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_row(Text("•"), Text(plain(sentence)))
    return Padding(table, (0, 0, 0, 2))


def _figures(scene: Scene, cost: Cost, incidents: int) -> str:
    rate = scene.events / max(cost.flow_s, 1e-3)
    each = cost.worker_cpu_s * 1e6 / max(scene.events, 1)
    return (
        f"{scene.events:,} events, {len(scene.alerts)} alerts of {incidents} incidents;"
        f" {rate:,.0f} events a second; the worker took {each:.0f} us of CPU an event, its start"
        f" included; {scene.elapsed_s:.0f} s in all"
    )
