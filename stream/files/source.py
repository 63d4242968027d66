"""What every kind of event file has in common: how it is opened, what it yields, how it fails."""

import gzip
import io
import typing
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from stream.errors import FileError
from stream.words import Kind

__all__ = ["FileEvent", "Misfit", "Report", "opened", "reading", "stem_of"]

Report = Callable[[int], None]
"""Takes the bytes of a file that are read by now."""

_BUFFER_BYTES = 1 << 18


class FileEvent(typing.NamedTuple):
    """One event of a file.

    Args:
        kind: features, predictions or labels.
        ts: event time in ms, by which files are merged.
        value: the event as JSON, as a producer would put it on Kafka.
        wrong: why it can be no event, where the file tells better than its bytes do; else empty.
    """

    kind: Kind
    ts: int
    value: bytes
    wrong: str = ""


class Misfit(typing.NamedTuple):
    """A row that fits no columns: its bytes, and why."""

    row: bytes
    wrong: str


def stem_of(path: Path) -> str:
    """Tell a file's name without its endings.

    >>> stem_of(Path("data/flights-2013.csv.gz"))
    'flights-2013'
    """
    return Path(path.stem).stem if path.suffix.lower() == ".gz" else path.stem


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a FileError; the border for such errors."""
    try:
        yield
    except gzip.BadGzipFile:
        raise FileError("is not a gzip file", str(path), "take the ending .gz off") from None
    except EOFError:
        what, todo = "the gzip file ends too early", "it was truncated; fetch it again"
        raise FileError(what, str(path), todo) from None
    except zlib.error:
        raise FileError("the gzip file is damaged", str(path), "fetch it again") from None
    except UnicodeDecodeError:
        raise FileError("is not UTF-8 text", str(path), "save it as UTF-8") from None
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise FileError(what, str(path), "check the path and its permissions") from None


@contextmanager
def opened(path: Path) -> Iterator[tuple[io.BufferedReader, io.BufferedReader]]:
    """Open a file for reading bytes, unpacked if its name ends in .gz.

    Yields:
        The unpacked stream, and the file itself, whose `tell` says how far reading has come.
    """
    with path.open("rb") as raw:
        if path.suffix.lower() != ".gz":
            yield raw, raw
            return
        with gzip.GzipFile(fileobj=raw) as packed:
            yield io.BufferedReader(packed, _BUFFER_BYTES), raw
