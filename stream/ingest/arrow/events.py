"""The rows of a batch message as single JSON events, for who wants these: it costs some microseconds a row."""

from collections.abc import Iterator

import orjson

from stream.ingest.arrow.table import Table
from stream.words import Kind

__all__ = ["events_of"]


def events_of(table: Table, kind: Kind) -> Iterator[tuple[int, bytes]]:
    """Give the time (ms) and the JSON of each row that can be read, in order.

    What is invalid, as an infinity, is written as a list, which is invalid in any column.
    """
    for at, row in enumerate(table.row.tolist()):
        event: dict[str, object] = {
            "model": table.model[row],
            "version": table.version[row],
            "ts": int(table.ts[at]),
        }
        if table.ids is not None:
            event["id"] = table.ids.text(row)
        segment = table.segment.parts[int(table.segment.code[row])]
        if segment:
            event["segment"] = dict(segment)
        values = {name: column.plain[row] for name, column in table.values.items()}
        told: dict[str, object] = {
            name: [] if isinstance(v, tuple) else v for name, v in values.items()
        }
        event |= {"features": told} if kind is Kind.FEATURES else told
        yield int(table.ts[at]), orjson.dumps(event)
