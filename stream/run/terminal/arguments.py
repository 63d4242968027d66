"""What the verbs of the command line share: times as arguments, and errors that end in one line."""

from datetime import UTC, datetime
from typing import Any

import click

from stream.errors import DriftbusError

__all__ = ["INTERRUPTED", "Moment", "Verbs", "plain"]

INTERRUPTED = 130
"""The exit code after Ctrl-C, as shells have it."""


class Moment(click.ParamType):
    """A time in ms since 1970, written as such, as RFC 3339, or as a day, from 0:00 UTC."""

    name = "TS"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> int | None:
        """Read a time; a usage error when it is none."""
        from stream.files.times import time_ms  # noqa: PLC0415 - so that --help stays fast

        if isinstance(value, int):
            return value
        try:
            day = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC)
            return time_ms(int(day.timestamp() * 1000))
        except ValueError:
            ms = time_ms(value)
        if ms is None:
            wanted = "write 2013-02-01, 2013-02-01T06:00:00Z or whole ms since 1970"
            self.fail(f"{plain(value)!r} is no time; {wanted}", param, ctx)
        return ms


class Verbs(click.Group):
    """A group whose verbs end with the exit code of their error, told in one line on stderr."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb that was asked for."""
        try:
            return super().invoke(ctx)
        except DriftbusError as error:
            for line in str(error).splitlines():
                click.echo(f"error: {plain(line)}", err=True)
            ctx.exit(error.exit_code)
        except KeyboardInterrupt:
            ctx.exit(INTERRUPTED)


def plain(text: str) -> str:
    """Show what is not printable as an escape: names come from outside, with terminal commands."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
