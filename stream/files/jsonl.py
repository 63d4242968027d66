"""JSON lines: every line is an event as a producer wrote it, and is passed on byte for byte.

The kind is told by the fields: features, else label, else prediction (or its score alone); null is
no field. A line that cannot be read, or tells no kind, goes on as it is under `features` with the
last time seen, for the pipeline to put aside.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from stream.errors import FileError
from stream.files.source import FileEvent, Report, opened, reading
from stream.files.times import time_ms
from stream.words import Kind

__all__ = ["LINE_BYTES_MAX", "JsonLines"]

LINE_BYTES_MAX = 64 << 20
"""A longer line is no event; it ends the reading, so that memory stays bounded."""

_REPORT_LINES = 4096
_BOM = b"\xef\xbb\xbf"


_NULL = msgspec.Raw(b"null")


class _Glance(msgspec.Struct):
    """The fields of an event that tell its kind and time; the others are skipped unread."""

    ts: msgspec.Raw = _NULL
    features: msgspec.Raw = _NULL
    label: msgspec.Raw = _NULL
    prediction: msgspec.Raw = _NULL
    score: msgspec.Raw = _NULL


class JsonLines:
    """A file of JSON lines; empty lines are left out.

    Raises:
        FileError: the file cannot be opened, or is no gzip file though its name says so.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        with reading(path), opened(path) as (lines, _):
            lines.read(1)

    def events(self, report: Report) -> Iterator[FileEvent]:
        """Read the events in the order of the lines.

        Raises:
            FileError: the file cannot be read to its end.
        """
        glance = msgspec.json.Decoder(_Glance).decode
        ts = 0
        with reading(self._path), opened(self._path) as (lines, raw):
            number = 0
            while line := lines.readline(LINE_BYTES_MAX):
                number += 1
                if number % _REPORT_LINES == 0:
                    report(raw.tell())
                if len(line) == LINE_BYTES_MAX:
                    what = f"line {number} has {LINE_BYTES_MAX >> 20} MiB and more"
                    raise FileError(what, str(self._path), "one event a line is expected")
                value = line.strip().removeprefix(_BOM if number == 1 else b"")
                if not value:
                    continue
                kind, at = _told(value, glance)
                ts = ts if at is None else at
                yield FileEvent(kind, ts, value)


def _told(value: bytes, glance: Callable[[bytes], _Glance]) -> tuple[Kind, int | None]:
    """Tell the kind of a line and its time, None if it does not say."""
    try:
        seen = glance(value)
        kind = _kind_of(seen)
        return kind or Kind.FEATURES, time_ms(msgspec.json.decode(seen.ts)) if kind else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Kind.FEATURES, None


def _kind_of(seen: _Glance) -> Kind | None:
    if bytes(seen.features) != b"null":
        return Kind.FEATURES
    if bytes(seen.label) != b"null":
        return Kind.LABELS
    if bytes(seen.prediction) != b"null" or bytes(seen.score) != b"null":
        return Kind.PREDICTIONS
    return None
