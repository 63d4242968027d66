"""From the bytes of an Arrow stream to record batches that nothing needs to be feared of."""

from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from stream.ingest.arrow.claims import claim_of
from stream.ingest.envelope import Unreadable

__all__ = ["COLUMNS_MAX", "arrow", "read_batches"]

COLUMNS_MAX = 10_000
"""Columns of a message, those inside of structs included."""
RECORD_BATCHES_MAX = 100
"""Record batches of a message: each costs as much as some hundred rows."""
MESSAGES_MAX = 10_000
"""Messages of a stream: the schema, its dictionaries, its record batches."""
CELL = 8
"""Bytes of a value once it is a number or a code."""


@cache
def arrow() -> Any:
    """Give pyarrow, with its `compute` and `ipc`, loaded when the first batch message comes.

    Raises:
        Unreadable: it is not installed.
    """
    try:
        names = {"pa": "pyarrow", "pc": "pyarrow.compute", "ipc": "pyarrow.ipc"}
        return SimpleNamespace(**{name: import_module(module) for name, module in names.items()})
    except ImportError:
        raise Unreadable(
            "an Arrow stream, and the package pyarrow is not installed (pip install 'driftbus[arrow]')"
        ) from None


def read_batches(value: bytes, bytes_max: int, rows_max: int) -> list[Any]:
    """Read all record batches of a stream, or none.

    They are validated in full: lengths, offsets, UTF-8 and places in dictionaries are right. Nothing is unpacked or
    allocated before what the messages claim is within the bounds.

    Args:
        value: the stream.
        bytes_max: of the stream, of its buffers once unpacked, and of its values at 8 bytes each.
        rows_max: rows of all record batches together.

    Raises:
        Unreadable: it is no such stream, is damaged or ends too early, or is over a bound.
    """
    if len(value) > bytes_max:
        raise Unreadable(
            f"the message has {len(value)} bytes, over limits.batch_bytes_max ({bytes_max})"
        )
    tools = arrow()
    try:
        _check_claims(tools, value, bytes_max, rows_max)
        options = tools.ipc.IpcReadOptions(use_threads=False)
        source = tools.pa.BufferReader(value)
        with tools.ipc.open_stream(source, options=options) as stream:
            if stream.schema.names and _cells(stream.schema) > COLUMNS_MAX:
                raise Unreadable(f"the message has more than {COLUMNS_MAX} columns")
            batches = list(stream)
        if source.tell() != len(value):
            raise Unreadable("there are bytes behind the end of the Arrow stream")
        left = bytes_max
        for batch in batches:
            left -= CELL * batch.num_rows * _cells(batch.schema)
            if left < 0:
                raise Unreadable(
                    f"the message unpacks to more than limits.batch_bytes_max ({bytes_max})"
                )
            for column in batch.columns:
                left = _check_column(column, left, bytes_max)
    except Unreadable:
        raise
    except (
        tools.pa.ArrowException,
        ValueError,
        OSError,
        OverflowError,
        KeyError,
        TypeError,
        MemoryError,
    ) as error:
        told = " ".join(str(error).split())[:200]
        raise Unreadable(f"no Arrow stream that can be read: {told}") from None
    return batches


def _check_claims(tools: Any, value: bytes, bytes_max: int, rows_max: int) -> None:
    messages = tools.ipc.MessageReader.open_stream(tools.pa.BufferReader(value))
    rows = size = batches = 0
    for number, message in enumerate(messages):
        if number >= MESSAGES_MAX:
            raise Unreadable(f"the stream has more than {MESSAGES_MAX} messages")
        body = memoryview(message.body) if message.body is not None else memoryview(b"")
        claim = claim_of(memoryview(message.metadata), body)
        if claim is None:
            continue
        size += claim.size
        if message.type == "record batch":
            rows += claim.rows
            batches += 1
        if batches > RECORD_BATCHES_MAX:
            raise Unreadable(f"the stream has more than {RECORD_BATCHES_MAX} record batches")
        if rows > rows_max:
            raise Unreadable(f"the message has more than limits.batch_rows_max ({rows_max}) rows")
        if size > bytes_max or claim.longest > bytes_max:
            raise Unreadable(
                f"the message unpacks to more than limits.batch_bytes_max ({bytes_max})"
            )


def _cells(schema: Any) -> int:
    """Count the columns of a schema, those inside of structs each by itself."""
    n, waiting = 0, [field.type for field in schema]
    while waiting:
        kind = waiting.pop()
        n += 1
        waiting += [kind.field(i).type for i in range(kind.num_fields)]
    return n


def _check_column(column: Any, left: int, bytes_max: int) -> int:
    """Validate a column; give the bytes that are left of the bound, as columns may share buffers and dictionaries."""
    column.validate()
    left -= max(0, int(column.nbytes))
    if left < 0:
        raise Unreadable(f"the message unpacks to more than limits.batch_bytes_max ({bytes_max})")
    column.validate(full=True)
    return left
