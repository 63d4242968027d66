"""How a program speaks with the one that started it: a job in, lines of JSON out, and a count that both can see."""

import json
import mmap
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

__all__ = ["Count", "Tell", "job"]


def job() -> dict[str, Any]:
    """Read what is to be done from the command line."""
    told: dict[str, Any] = json.loads(sys.argv[1])
    return told


_BYTES = 24


class Tell:
    """Write answers to the real stdout, and send all else that is printed there to stderr."""

    def __init__(self) -> None:
        self._to = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, what: str, **fields: object) -> None:
        """Tell one thing; `what` says which."""
        print(json.dumps({"what": what} | fields), file=self._to, flush=True)

    def versions(self, *packages: str) -> None:
        """Tell the versions of Python and of the packages that matter to the figures."""
        python = ".".join(map(str, sys.version_info[:3]))
        self("versions", python=python, **{package: version(package) for package in packages})


class _Number:
    """One of the numbers of a Count."""

    def __init__(self, at: int) -> None:
        self._at = at

    def __get__(self, count: "Count", _: type["Count"]) -> int:
        return count._numbers[self._at]

    def __set__(self, count: "Count", n: int) -> None:
        count._numbers[self._at] = n


class Count:
    """Numbers in a file that two processes have in memory; to write one costs some 50 ns.

    Attributes:
        events: events that are done with.
        reports: how often all features were compared with the reference.
        drifts: drifts that the sequential detectors found.
    """

    def __init__(self, path: Path) -> None:
        if not path.exists():
            path.write_bytes(bytes(_BYTES))
        with path.open("r+b") as file:
            self._numbers = memoryview(mmap.mmap(file.fileno(), _BYTES)).cast("q")

    events = _Number(0)
    reports = _Number(1)
    drifts = _Number(2)
