"""`driftbus status`: how a fleet stands, for a person."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import click

from stream.run.terminal.arguments import plain
from stream.run.terminal.tables import Cell, show_table
from stream.words import Series

__all__ = ["show_status"]

NAMES_TOLD = 8
"""Columns named of those that stand alike; of the others only the number."""


def show_status(status: Mapping[str, Any]) -> None:
    """Print a `status`: the plan, topics, and of each model what is watched and what not."""
    click.echo(plan_line(status["plan"]))
    topics: list[list[Cell]] = [
        [
            name,
            t["partitions"],
            t["consumed"],
            t["late"],
            t["malformed"],
            f"{t['sample_rate']:.4g}",
            t["watermark"] or "never",
        ]
        for name, t in status["topics"].items()
    ]
    header = ["topic", "partitions", "events", "late", "malformed", "sampled at", "complete to"]
    show_table("topics" if topics else "no worker has read anything yet", header, topics)
    for name, model in status["models"].items():
        _show_model(name, model)
    several = status["several_models"]
    if several is not None:
        gathered = ", ".join(f"{kind} to {when}" for kind, when in several["gathered"].items())
        click.echo(f"\nseveral models: {several['alerts']:,} told together; gathered {gathered}")


def plan_line(plan: Mapping[str, Any]) -> str:
    """Say in one line how the budget is split."""
    since = plan["from"] or "the beginning"
    budget = f"{plan['budget_per_week']:g} false alarms a week"
    counted = f"{plan['monitors']:,} monitors"
    over = counted if plan["version"] else f"{plan['expected']:,} monitors expected"
    each = f"{plan['share']:.3g} each" + (", by weight" if plan["weights"] else "")
    kept = f"{100 * plan['reserve']:g} % kept for newcomers"
    return f"plan {plan['version']} from {since}: {budget} over {over}, {each}; {kept}"


def _show_model(name: str, model: Mapping[str, Any]) -> None:
    counts = ", ".join(f"{n:,} {state}" for state, n in model["monitors"].items())
    evaluated = ", ".join(f"{kind} to {when}" for kind, when in model["evaluated"].items())
    click.echo()
    click.echo(plain(f"model {name}: {counts}; evaluated {evaluated or 'nothing yet'}"))
    rows: list[list[Cell]] = []
    incidents: list[list[Cell]] = []
    for series in model["series"]:
        segment = tuple(sorted(series["segment"].items()))
        place = f"{Series(name, series['version'], segment)} {series['kind']}"
        rows += ([place, *row] for row in _rows(series))
        for column, severity in series.get("incidents", {}).items():
            incidents.append([place, column or "(whole series)", severity])
    show_table("monitors", ["series", "window", "state", "columns", "share", "finds", "why"], rows)
    title = "open incidents" if incidents else "no open incident"
    show_table(title, ["series", "column", "severity"], incidents)


def _rows(series: Mapping[str, Any]) -> Iterator[list[Cell]]:
    """Give one row for the monitors of a series that stand alike: window, state, columns, share, finds, why."""
    if "learning" in series:
        learning = series["learning"]
        yield ["", "learning", "", "", "", f"{learning['events']:,} of {learning['of']:,} events"]
        return
    alike: dict[tuple[str, str, str], list[str]] = {}
    steps: dict[tuple[str, str, str], list[Mapping[str, float]]] = {}
    for monitor in series["monitors"]:
        place = (monitor["window"] or "", monitor["state"], monitor["reason"])
        alike.setdefault(place, []).append(monitor["column"] or "(volume)")
        steps.setdefault(place, []).append(monitor["detectable"])
    share = f"{series['share']:.3g}{' (newcomer)' if series['newcomer'] else ''}"
    for place, columns in alike.items():
        window, state, reason = place
        yield [window, state, _named(columns), share, _found(steps[place]), reason]


def _found(steps: Sequence[Mapping[str, float]]) -> str:
    """Say the smallest shift of the location that monitors find within a day: `0.1 to 0.34 sd`; empty where none."""
    sizes = [of["location"] for of in steps if "location" in of]
    if not sizes:
        return ""
    least, most = f"{min(sizes):.2g}", f"{max(sizes):.2g}"
    return f"{least} sd" if least == most else f"{least} to {most} sd"


def _named(columns: list[str]) -> str:
    told = ", ".join(columns[:NAMES_TOLD])
    left = len(columns) - NAMES_TOLD
    return f"{told} and {left:,} more" if left > 0 else told
