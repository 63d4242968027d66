"""What `driftbus doctor` says of one thing."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["Finding", "Level"]


class Level(StrEnum):
    """How a finding ends: fine, worth a look, or in the way of a worker."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


class Finding(NamedTuple):
    """One line: what was looked at, what was found, and what to do about it."""

    level: Level
    what: str
    found: str
    todo: str = ""
