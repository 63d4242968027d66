"""Writes the tables of a run as Markdown, to be pasted into a page."""

from collections.abc import Sequence
from typing import Any

from benchmarks.quality.figures import Measured
from benchmarks.quality.table import Table, tables

__all__ = ["page"]


def page(measured: Measured, runs: Sequence[dict[str, Any]]) -> str:
    """Give all tables, after a line for each run that says when, where and with what it was measured."""
    parts = [_told(run) for run in runs]
    parts += [f"### {table.title}\n\n{_lines(table)}" for table in tables(measured)]
    if measured.absent:
        reasons = "\n".join(f"- {name}: {why}" for name, why in measured.absent.items())
        parts.append(f"### Without figures\n\n{reasons}")
    return "\n\n".join(parts) + "\n"


def _told(run: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in run["versions"].items())
    seeds = ", ".join(
        f"{kind} {' to '.join(map(str, span))}" for kind, span in run["seeds"].items()
    )
    machine = ", ".join(f"{name} {value}" for name, value in run["machine"].items())
    return (
        f"Groups {', '.join(run['plan']['groups'])}: {run['date']}, {run['seconds']} s in {run['jobs']} processes; "
        f"{machine}. Seeds: {seeds}. {versions}."
    )


def _lines(table: Table) -> str:
    rows = [table.header, ["---"] * len(table.header), *table.lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)
