"""What is told at the end: the table, the promises, the comparison, the advice; and the file that holds it all."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from benchmarks.throughput.advice import advice
from benchmarks.throughput.case import Case
from benchmarks.throughput.checks import Check, checks
from benchmarks.throughput.compare import changes
from benchmarks.throughput.figures import Measured
from benchmarks.throughput.report import Figures, document, figures_of, rows
from stream.run.terminal.tables import show_table

__all__ = ["show", "write"]

HEADER = ("case", "CPU us/event", "of runs", "events/s", "RSS MB", "grown MB")


def show(runs: Sequence[Measured], former: Sequence[Figures], base: Case) -> None:
    """Print all that there is to tell."""
    figures = figures_of(runs)
    title = f"{base.events:,} events a case at most, from {base.feed}"
    show_table(title, HEADER, rows(figures, base))
    _show_checks(checks(figures))
    _show_changes(figures, former, base)
    for line in advice(figures):
        click.echo(f"  {line}")


def write(out: Path, runs: Sequence[Measured], failed: dict[str, str]) -> None:
    """Write the file."""
    figures = figures_of(runs)
    file = document(runs, datetime.now(UTC).isoformat(timespec="seconds"))
    kept = [asdict(check) | {"reached": check.reached} for check in checks(figures)]
    file |= {"checks": kept, "advice": advice(figures), "failed": failed}
    out.write_bytes(orjson.dumps(file, option=orjson.OPT_INDENT_2) + b"\n")


def _show_checks(kept: Sequence[Check]) -> None:
    if kept:
        table = [[c.name, c.feed, f"{c.value:.3g}", f"{c.limit:g}", _said(c)] for c in kept]
        show_table("promises", ("what", "from", "measured", "at most", ""), table)


def _said(check: Check) -> str:
    if check.reached is None:
        return "too few events to tell"
    return "reached" if check.reached else "MISSED"


def _show_changes(figures: Sequence[Figures], former: Sequence[Figures], base: Case) -> None:
    table = [
        [c.case.name(base), c.name, f"{c.then:,.4g}", f"{c.now:,.4g}", f"{c.ratio:.2f}", "WORSE" if c.worse else ""]
        for c in changes(figures, former)
    ]  # fmt: skip
    if former and not table:
        click.echo(
            f"  none of these cases is among the {len(former)} of the former file: nothing to compare"
        )
    if table:
        show_table("against the former file", ("case", "figure", "then", "now", "ratio", ""), table)
