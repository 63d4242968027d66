"""Small tables on the standard output: framed on a terminal, plain and aligned elsewhere."""

import sys
from collections.abc import Sequence

import click

from stream.run.terminal.arguments import plain

__all__ = ["Cell", "show_table"]

Cell = str | int
"""Numbers stand to the right and have their thousands parted; texts stand to the left."""


def show_table(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    """Print a table; one without rows is its title alone."""
    if not rows:
        click.echo(title)
    elif sys.stdout.isatty():
        _framed(title, header, rows)
    else:
        for line in (title, *lines_of(header, rows)):
            click.echo(line)


def lines_of(header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """Give a table as lines of text, the header first.

    >>> lines_of(["kind", "events"], [["features", 1200], ["labels", 7]])
    ['  kind      events', '  features   1,200', '  labels         7']
    """
    texts = [list(header), *([_text(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    right = [isinstance(cell, int) for cell in rows[0]]
    return [
        "  "
        + "  ".join(
            text.rjust(width) if to_right else text.ljust(width)
            for text, width, to_right in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in texts
    ]


def _text(cell: Cell) -> str:
    return f"{cell:,}" if isinstance(cell, int) else plain(cell)


def _framed(title: str, header: Sequence[str], rows: Sequence[Sequence[Cell]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - needed on a terminal only
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=Text(title), title_justify="left")
    for name, cell in zip(header, rows[0], strict=True):
        table.add_column(name, justify="right" if isinstance(cell, int) else "left")
    for row in rows:
        table.add_row(*(Text(_text(cell)) for cell in row))
    Console().print(table)
