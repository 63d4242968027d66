"""Drift events for a person's eyes: one line an event, in colour on a terminal."""

from collections.abc import Sequence
from io import StringIO
from typing import TextIO

from rich.console import Console
from rich.text import Text

from .event import DriftEvent, Severity, rfc3339, subject
from .sink import SinkError

__all__ = ["ConsoleSink"]

_STYLES: dict[Severity, str] = {
    "info": "cyan",
    "warning": "yellow",
    "error": "red",
    "critical": "bold white on red",
}


class ConsoleSink:
    """A text stream that people read.

    A line is severity, time, subject, phase and summary, in this order and never wrapped:

        WARNING   2013-07-01T00:00:00Z  flights/1/temp  started: temp is 9.3 degrees higher ...

    What stands on a terminal cannot be looked at: after a restart, alerts that were shown and not yet
    taken out of the outbox are shown again.

    Names and summaries come from outside: what is not printable, terminal commands among them, is
    shown as an escape, and what the stream's encoding lacks too.

    Args:
        stream: Where to write. Colours only if it is a terminal (and NO_COLOR is not set).
        name: The sink's name.
    """

    def __init__(self, stream: TextIO, name: str = "console") -> None:
        self.name = name
        self._stream = stream
        self._encoding = getattr(stream, "encoding", None) or "utf-8"

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Write and flush one line an event; SinkError if the stream is closed or broken."""
        try:
            terminal = self._stream.isatty()
            # Rendered apart, because rich ends the process when it meets a broken pipe itself.
            lines = StringIO()
            console = Console(file=lines, force_terminal=terminal, highlight=False)
            for event in events:
                console.print(self._line(event), soft_wrap=True)
            self._stream.write(lines.getvalue())
            self._stream.flush()
        except (OSError, ValueError) as error:  # ValueError: the stream has been closed
            raise SinkError(f"console: {error}") from error

    def close(self) -> None:
        """Leave the stream open: it belongs to who gave it."""

    def _line(self, event: DriftEvent) -> Text:
        summary = event.data.get("summary") or event.kind
        return Text.assemble(
            (f"{event.severity.upper():<8}", _STYLES[event.severity]),
            f"  {rfc3339(event.time_ms)}  ",
            (self._plain(subject(event)), "bold"),
            f"  {event.phase}: {self._plain(str(summary))}",
        )

    def _plain(self, text: str) -> str:
        escaped = "".join(
            letter if letter.isprintable() else letter.encode("unicode_escape").decode()
            for letter in text
        )
        return escaped.encode(self._encoding, "backslashreplace").decode(self._encoding)
