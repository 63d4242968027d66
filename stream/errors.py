"""The errors a person can meet: each says what is wrong, where, and what to do, in one line.

    DriftbusError            whatever driftbus can name; the command ends with `exit_code`
    ├── UsageError           the person's: the command line asks for what cannot be        (2)
    ├── ConfigError          the person's: a key of the configuration, with its line       (2)
    ├── FileError            the file's: missing, unreadable, truncated, of no known form  (2)
    ├── ReferenceMismatch    the reference's: built with other panes, windows or columns   (2)
    ├── LogLost              the log's: it no longer holds what was not read yet           (1)
    ├── BusUnavailable       the network's or Kafka's: retry with back-off                 (1)
    ├── StoreUnavailable     the network's or Redis': retry with back-off                  (1)
    ├── StoreRefused         the server's set-up or version: retrying cannot help          (1)
    └── CodecError           the stored bytes': damaged, or written by a newer version     (1)

Foreign exceptions (of Kafka, Redis, YAML, gzip, Arrow) become one of these at the border where
they come in, and go no further.
"""

from collections.abc import Sequence

__all__ = [
    "BusUnavailable",
    "CodecError",
    "ConfigError",
    "DriftbusError",
    "FileError",
    "LogLost",
    "ReferenceMismatch",
    "StoreRefused",
    "StoreUnavailable",
    "UsageError",
]


class DriftbusError(Exception):
    """The root of the tree: an error with a place and a remedy.

    Args:
        what: what is wrong, in plain words.
        where: the file, key, address or topic it concerns; empty when there is none.
        todo: what the person can do about it; empty when nothing sensible can be said.

    >>> print(DriftbusError("no such file", "events.csv", "check the path"))
    events.csv: no such file; check the path
    """

    exit_code = 1
    """The exit code of the command that this error ends."""

    def __init__(self, what: str, where: str = "", todo: str = "") -> None:
        super().__init__(what, where, todo)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        told = f"{self.where}: {self.what}" if self.where else self.what
        line = f"{told}; {self.todo}" if self.todo else told
        return " ".join(line.split())


class UsageError(DriftbusError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class ConfigError(DriftbusError):
    """A key of the configuration has no good value.

    One error may stand for several (`ConfigError.all`); its text then has one line for each.

    Args:
        what: what is wrong with the value.
        where: the file.
        todo: what to write instead.
        key: the dotted key, such as `windows[0].size`; empty for the file as a whole.
        line: the line of the file, from 1; 0 when the value does not come from the file.
    """

    exit_code = 2

    def __init__(
        self, what: str, where: str = "", todo: str = "", *, key: str = "", line: int = 0
    ) -> None:
        super().__init__(what, where, todo)
        self.key = key
        self.line = line
        self._several: tuple[ConfigError, ...] = ()

    @classmethod
    def all(cls, problems: Sequence["ConfigError"]) -> "ConfigError":
        """Tell several problems as one error, in the order of their lines; at least one."""
        ordered = tuple(sorted(problems, key=lambda problem: problem.line))
        first = ordered[0]
        told = cls(first.what, first.where, first.todo, key=first.key, line=first.line)
        told._several = ordered
        return told

    @property
    def problems(self) -> tuple["ConfigError", ...]:
        """The single problems this error stands for, in the order of their lines."""
        return self._several or (self,)

    def __str__(self) -> str:
        if len(self.problems) > 1:
            return "\n".join(map(str, self.problems))
        line = f"line {self.line}" if self.line else ""
        places = [place for place in (self.where, line, self.key) if place]
        return str(DriftbusError(self.what, ": ".join(places), self.todo))


class FileError(DriftbusError):
    """A file is missing, cannot be read, ends too early, or is of no form driftbus knows."""

    exit_code = 2


class ReferenceMismatch(DriftbusError):  # noqa: N818 - says what happened
    """A reference was built with other panes, windows or columns than it is used with."""

    exit_code = 2


class LogLost(DriftbusError):  # noqa: N818 - says what happened
    """The log does not hold the offset at which the state stands: events are lost, or it is another log."""


class BusUnavailable(DriftbusError):  # noqa: N818 - says what happened
    """Kafka cannot be reached now; the caller retries with back-off."""


class StoreUnavailable(DriftbusError):  # noqa: N818 - says what happened
    """The state store cannot be reached now; the caller retries with back-off."""


class StoreRefused(DriftbusError):  # noqa: N818 - says what happened
    """The state store answers but must not be used as it is set up; retrying cannot help."""


class CodecError(DriftbusError):
    """Stored bytes are damaged, or were written by a newer version of driftbus."""
