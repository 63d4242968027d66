"""Groups the events of a batch by model, party and pane, each with its columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.ingest.decode import Decoded, segment_of
from stream.ingest.envelope import Envelope, read_envelope
from stream.reference.reference import Reference
from stream.summaries.folding import Folding, columns_of
from stream.summaries.rows import Party, Rows, hash_texts, said
from stream.summaries.schema import JOINED, Schema, Table
from stream.words import Kind

__all__ = ["Group", "group_by_model"]


class Group:
    """Some events of one model that were read the same way (all typed, or all by hand).

    `at` int64 [n]: their positions in the batch; `parties` and `who` int64 [n]: whose they are. Columns are made when
    first asked for.
    """

    def __init__(
        self, model: str, schema: Schema | None, decoded: Decoded, at: NDArray[np.int64]
    ) -> None:
        self.model = model
        self.at = at
        self._schema = schema
        self._decoded = decoded
        events = decoded.events
        self.events: Sequence[Any] = (
            events if len(at) == len(events) else [events[i] for i in at.tolist()]
        )
        self.parties, self.who = _parties(self.events)
        self._typed: Table | None = None
        self._folding: dict[bytes, Folding] = {}

    def columns(self, reference: Reference) -> Folding:
        """Give what Summary.add wants under a reference."""
        known = self._folding.get(reference.digest)
        if known is None:
            known = self._folding[reference.digest] = columns_of(
                self._table(reference), reference.layout
            )
        return known

    def table(self) -> Table | None:
        """Give the columns of all events; None where each reference reads them its own way."""
        if self._typed is None and self._schema is not None:
            self._typed = self._schema.table(self.events)
        return self._typed

    def _table(self, reference: Reference) -> Table:
        table = self.table()
        if table is None:
            return reference.schema.table_of_fields([event.fields for event in self.events])
        return table

    def told(self, kind: Kind, i: int) -> tuple[object, ...]:
        """Tell what, beside its fields, tells event i from others: its time, and its id where it joins."""
        ts = int(self._decoded.ts[self.at[i]])
        return (ts,) if kind is Kind.FEATURES else (ts, self.events[i].id)

    def fields(self, kind: Kind, i: int, bytes_max: int) -> dict[str, object]:
        """Give the fields of event i as they stand, for a series that is still learning."""
        event = self.events[i]
        if not isinstance(event, Envelope):
            event = read_envelope(self._decoded.values[int(self.at[i])], kind, bytes_max)
        if kind is Kind.LABELS:
            return {name: value for name, value in event.fields.items() if name == "label"}
        return event.fields

    def rows(self, kind: Kind) -> Rows:
        """Give the rows for the join; those without a value have none in `value`."""
        names = JOINED[kind]
        if self._schema is None:
            values = [[event.fields.get(name) for event in self.events] for name in names]
        else:
            values = [list(column) for column in self._schema.joined(self.events)]
        carried = values[1] if len(values) > 1 else [None] * len(self.events)
        identity = hash_texts([event.id for event in self.events])
        ts = self._decoded.ts[self.at]
        return Rows(self.parties, self.who, identity, ts, said(values[0]), said(carried))


def group_by_model(
    decoded: Decoded, chosen: NDArray[np.int64], schema_of: dict[type[Any], Schema]
) -> Iterator[Group]:
    """Split the chosen events by model; one model, as most topics have, costs next to nothing."""
    events = decoded.events
    types = set(map(type, events))
    if len(types) == 1 and (schema := schema_of.get(next(iter(types)))):
        yield Group(schema.model, schema, decoded, chosen)
        return
    split: dict[tuple[str, Schema | None], list[int]] = {}
    for i in chosen.tolist():
        event = events[i]
        schema_of_event = schema_of.get(type(event))
        model = schema_of_event.model if schema_of_event else event.model
        split.setdefault((model, schema_of_event), []).append(i)
    for (model, schema_of_model), at in split.items():
        yield Group(model, schema_of_model, decoded, np.array(at, dtype=np.int64))


def _parties(events: Sequence[Any]) -> tuple[list[Party], NDArray[np.int64]]:
    versions = {event.version for event in events}
    if len(versions) == 1 and not any(getattr(event, "segment", None) for event in events):
        return [(versions.pop(), ())], np.zeros(len(events), dtype=np.int64)
    number: dict[Party, int] = {}
    who = np.fromiter(
        (number.setdefault((event.version, segment_of(event)), len(number)) for event in events),
        np.int64, len(events),
    )  # fmt: skip
    return list(number), who
