"""`driftbus reference show`: what a reference holds, for a person."""

from collections.abc import Sequence

import click

from detectors.summaries.summary import mean_of
from sinks.event import rfc3339
from stream.config.durations import duration_text
from stream.config.values import suggestion
from stream.errors import UsageError
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.unsteady import told_step
from stream.reference.reference import Reference
from stream.run.terminal.arguments import plain
from stream.run.terminal.tables import Cell, show_table

__all__ = ["show_column", "show_learned", "show_references", "show_unsteady"]

BAR_CELLS = 40


def show_learned(references: Sequence[Reference]) -> None:
    """Print one row for each reference."""
    header = ["series", "kind", "reference", "events", "columns", "windows", "from", "to"]
    rows: list[list[Cell]] = [
        [str(r.series), r.kind.value, r.name, r.total.n, len(r.columns), _windows(r),
         rfc3339(r.start_ms), rfc3339(r.end_ms)]
        for r in references
    ]  # fmt: skip
    show_table(f"learned {len(references)} references", header, rows)


def show_references(references: Sequence[Reference]) -> None:
    """Print of each reference where it comes from, and one row for each column."""
    header = ["column", "type", "bins", "valid", "missing", "invalid", "mean"]
    for reference in references:
        show_table(
            _head(reference), header, [_row(reference, i) for i in range(len(reference.columns))]
        )


def show_unsteady(references: Sequence[Reference], rules: Rules) -> None:
    """Print a warning for each column whose own windows are not of one piece, as the alarm layer would find it.

    Cost: some 30 ms a column and size of windows.
    """
    for r in references:
        for which, window in enumerate(r.windows):
            for column, step in Alarms(r, which, rules).unsteady():
                what = "volume" if column is None else column
                of = f"{r.series} {r.kind.value}, windows of {duration_text(window.size_ms)}"
                click.echo(plain(f"warning: {of}: {what}: {told_step(step)}"))


def show_column(references: Sequence[Reference], name: str) -> None:
    """Print the bins of one column with their shares, of every reference that has it.

    Raises:
        UsageError: none has it.
    """
    found = [
        (r, i) for r in references for i, column in enumerate(r.columns) if column.name == name
    ]
    if not found:
        known = sorted({column.name for r in references for column in r.columns})
        raise UsageError(f"no reference has a column {name!r}", "--column", suggestion(name, known))
    for reference, i in found:
        click.echo(_head(reference))
        valid, missing, invalid = _tallies(reference, i)
        click.echo(f"  {plain(name)}: {valid:,} valid, {missing:,} missing, {invalid:,} invalid")
        for line in bars(reference, i):
            click.echo(line)


def bars(reference: Reference, i: int) -> list[str]:
    """Draw the bins of column i: name, a bar as long as its share of the largest, share, count."""
    column = reference.columns[i]
    counts = [int(n) for n in reference.total.counts[reference.layout.bins_of(i)]]
    names = [plain(column.bin_name(b)) for b in range(column.bins)]
    width = max(map(len, names))
    total, largest = max(sum(counts), 1), max(1, *counts)
    return [
        f"    {name:<{width}}  {_bar(n / largest):<{BAR_CELLS}}  {n / total:6.1%}  {n:,}"
        for name, n in zip(names, counts, strict=True)
    ]


def _bar(share: float) -> str:
    return "#" * round(BAR_CELLS * share)


def _head(r: Reference) -> str:
    return plain(
        f"{r.series} {r.kind.value}: {r.name} ({r.origin}), {r.total.n:,} events "
        f"from {rfc3339(r.start_ms)} to {rfc3339(r.end_ms)}, panes of {duration_text(r.pane_ms)}, "
        f"windows {_windows(r)}, digest {r.digest.hex()}"
    )


def _windows(r: Reference) -> str:
    return ", ".join(
        f"{duration_text(w.size_ms)}"
        + ("" if w.size_ms == w.every_ms else f" every {duration_text(w.every_ms)}")
        + f" x {len(history)}"
        for w, history in zip(r.windows, r.histories, strict=True)
    )


def _tallies(r: Reference, i: int) -> tuple[int, int, int]:
    tail = r.layout.tail_of(i)
    valid = int(r.total.counts[r.layout.bins_of(i)].sum())
    return valid, int(r.total.counts[tail]), int(r.total.counts[tail + 1])


def _row(r: Reference, i: int) -> list[Cell]:
    column = r.columns[i]
    mean = mean_of(r.layout, i, r.total)
    told = "" if mean is None else f"{mean:g}"
    return [column.name, column.type, column.bins, *_tallies(r, i), told]
