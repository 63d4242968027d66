"""Options that `benchmarks.memory` and `benchmarks.fleet` have in common: how large a fleet, and of what history."""

from collections.abc import Callable

import click

__all__ = ["COUNT", "of_a_fleet"]

COUNT = click.IntRange(min=1)
Command = Callable[..., None]


def of_a_fleet(command: Command) -> Command:
    """Give a command the columns, the weeks of history and the events of a series."""
    for name, kind, default, told in (
        ("--events", COUNT, 10, "Of a series in an open pane."),
        ("--weeks", click.FloatRange(min=0), 4.0, "History of the references."),
        ("--columns", COUNT, 10, "Columns of each."),
    ):
        command = click.option(name, type=kind, default=default, show_default=True, help=told)(
            command
        )
    return command
