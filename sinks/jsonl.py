"""Drift events in files: one structured CloudEvent a line.

`JsonlSink` appends to a file that grows while driftbus runs. `write_sorted` writes the alerts of
a finished run, in their fixed order, all or nothing.
"""

import os
from collections.abc import Iterable, Sequence
from io import FileIO
from pathlib import Path

import msgspec

from .event import DriftEvent, order, structured
from .sink import SinkError

__all__ = ["JsonlSink", "write_sorted"]

FOUND_BYTES_MAX = 64 << 20
"""How much of a file's end is looked at for events that may have been written before."""

_CHUNK_BYTES = 65_536


class _Event(msgspec.Struct):
    id: str


_WithId = msgspec.json.Decoder(_Event)


class JsonlSink:
    """A file that events are appended to.

    The file is opened for each send, so it may be moved away (log rotation) between two of them.
    It always ends with a whole line: what a failed send or a crash left behind after the last
    line end was never acknowledged, and is cut off before the next event is written. One writer
    a file.

    Args:
        path: The file; made by the first send. `-` is refused: see the console sink.
        fsync: Wait for the disk before a send counts as delivered. Without it events survive a
            crash of the process, but perhaps not one of the machine.
        name: The sink's name.
    """

    def __init__(self, path: str | Path, fsync: bool = True, name: str = "jsonl") -> None:
        if str(path) == "-":
            raise ValueError("a jsonl sink needs a file; use the console sink for a terminal")
        self.name = name
        self._path = Path(path)
        self._fsync = fsync

    def send(self, events: Sequence[DriftEvent]) -> None:
        """Append the events, all of them or none; SinkError names the file and the reason."""
        lines = _lines(events)
        try:
            with self._path.open("a+b", buffering=0) as file:
                _append(file, lines, self._fsync)
        except OSError as error:
            raise _failed(self._path, error) from error

    def find(self, events: Sequence[DriftEvent]) -> set[str]:
        """Give the ids of those events that stand in the last `FOUND_BYTES_MAX` of the file.

        What was moved away with an older file is not found. SinkError names the file and the reason.
        """
        wanted = {event.id for event in events}
        try:
            with self._path.open("rb") as file:
                file.seek(max(0, file.seek(0, os.SEEK_END) - FOUND_BYTES_MAX))
                return {found for line in file if (found := _id_of(line)) in wanted}
        except FileNotFoundError:
            return set()
        except OSError as error:
            raise SinkError(f"cannot read {self._path}: {error.strerror or error}") from error

    def close(self) -> None:
        """Do nothing: no file is open between sends."""


def write_sorted(path: str | Path, events: Iterable[DriftEvent]) -> None:
    """Write a whole file of alerts, sorted by `order`; no events make an empty file.

    The file takes its name only when it is complete and on the disk; before that, and for ever if
    writing fails, what bore the name is untouched. A device or pipe, which cannot be
    renamed over, is written to directly. Raises SinkError that names the file and the reason.
    Memory: all events at once.
    """
    target = Path(path)
    lines = _lines(sorted(events, key=order))
    try:
        if target.exists() and not target.is_file():
            target.write_bytes(lines)
        else:
            _replace(target.resolve(), lines)  # a link keeps pointing where it does
    except OSError as error:
        raise _failed(target, error) from error


def _id_of(line: bytes) -> str | None:
    try:
        return _WithId.decode(line).id if line.endswith(b"\n") else None
    except msgspec.MsgspecError:
        return None  # the rest of a line, at the beginning


def _lines(events: Iterable[DriftEvent]) -> bytes:
    return b"".join(structured(event) + b"\n" for event in events)


def _append(file: FileIO, lines: bytes, fsync: bool) -> None:
    whole = _end_of_last_line(file)
    file.truncate(whole)
    try:
        rest = memoryview(lines)
        while rest:  # a raw write may take a part, e.g. when the disk is nearly full
            rest = rest[file.write(rest) :]
        if fsync:
            os.fsync(file.fileno())
    except OSError:
        file.truncate(whole)
        raise


def _end_of_last_line(file: FileIO) -> int:
    """Tell the size of the file without an unfinished last line."""
    end = file.seek(0, os.SEEK_END)
    while end > 0:
        start = max(0, end - _CHUNK_BYTES)
        file.seek(start)
        found = file.read(end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _replace(target: Path, content: bytes) -> None:
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.unfinished")
    try:
        with unfinished.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def _failed(path: Path, error: OSError) -> SinkError:
    return SinkError(f"cannot write {path}: {error.strerror or error}")
