"""Which messages are Arrow streams, and a batch cut where they stand."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from stream.ingest.raw import DeadLetter, Headers, RawBatch

__all__ = [
    "CONTENT_TYPE",
    "MAGIC",
    "SHORTEST",
    "arrow_among",
    "content_type",
    "is_arrow",
    "parts_of",
    "put_right",
]

CONTENT_TYPE = "application/vnd.apache.arrow.stream"
MAGIC = b"\xff\xff\xff\xff"
"""What every Arrow IPC stream begins with, and no JSON does."""
SHORTEST = 300
"""No Arrow stream with a row has fewer bytes: pyarrow's shortest has 336 if all is null, 400 with a number."""


def is_arrow(value: bytes | None) -> bool:
    """Tell whether a message is read as an Arrow stream: its first bytes decide."""
    return value is not None and value.startswith(MAGIC)


def arrow_among(
    asked: NDArray[np.bool_], lengths: NDArray[np.int64], value: Callable[[int], bytes | None]
) -> list[int]:
    """Tell which of the messages that are asked about are Arrow streams; of short ones no value is asked for.

    A stream holds the names and types of its columns as a flatbuffer, so one of a single row and column has more than
    `SHORTEST` bytes, which many events as JSON do not reach.
    """
    long = np.flatnonzero((lengths >= SHORTEST) & asked).tolist()
    return [i for i in long if is_arrow(value(i))]


def parts_of(batch: RawBatch) -> Iterator[tuple[bool, RawBatch]]:
    """Cut a batch into Arrow messages, each by itself, and the runs of others between them, in the order of the log."""
    kinds = [i + 1 if is_arrow(value) else 0 for i, value in enumerate(batch.values)]
    first = 0
    for kind, run in groupby(kinds):
        end = first + len(list(run))
        yield kind > 0, batch.portion(slice(first, end))
        first = end


def content_type(headers: Headers) -> str | None:
    """Tell the content type that the headers name, in small letters and without parameters; None when they do not."""
    told = [value for name, value in headers if name.lower() == "content-type"]
    if not told or told[-1] is None:
        return None
    return told[-1].decode("latin-1").partition(";")[0].strip().lower()


def put_right(letters: Iterable[DeadLetter]) -> None:
    """Say of letters that call themselves Arrow and do not begin as such a stream does that this is what is wrong."""
    for letter in letters:
        if content_type(letter.headers) == CONTENT_TYPE and not is_arrow(letter.value):
            letter.reason = (
                f"the content-type is {CONTENT_TYPE}, but no such stream: {letter.reason}"
            )
