"""Groups the events of a batch by model, party and pane, each with its columns."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.ingest.decode import Decoded
from stream.ingest.envelope import Envelope, read_envelope
from stream.reference.reference import Reference
from stream.summaries.folding import Folding, columns_of
from stream.summaries.rows import Rows, hash_texts, said
from stream.summaries.schema import JOINED, Schema, Table
from stream.words import Kind

__all__ = ["Group", "group_by_model"]


class Group:
    """Some events of one model that were read the same way (all typed, or all by hand).

    `at` int64 [n]: their positions in the batch, ascending; `parties` and `who` int64 [n]: event i is of
    parties[who[i]], its version and segment, and there may be parties without events. `schema` is what is known of the
    model, None where that is nothing, or each reference reads events its own way. Columns are made when first asked
    for.
    """

    schema: Schema | None

    def __init__(
        self, model: str, schema: Schema | None, decoded: Decoded, at: NDArray[np.int64], *, typed: bool = True
    ) -> None:  # fmt: skip
        self.model = model
        self.at = at
        self.schema = schema
        self.typed = typed
        self._decoded = decoded
        events = decoded.events
        self.events: Sequence[Any] = (
            events if len(at) == len(events) else list(map(events.__getitem__, at.tolist()))
        )
        self.parties, self.who = decoded.parties, decoded.who[at]
        self._table: Table | None = None
        self._folding: dict[bytes, Folding] = {}

    def columns(self, reference: Reference) -> Folding:
        """Give what Summary.add wants under a reference."""
        known = self._folding.get(reference.digest)
        if known is None:
            table = self.table()
            if table is None:
                table = reference.schema.table_of_fields([event.fields for event in self.events])
            known = self._folding[reference.digest] = columns_of(table, reference.layout)
        return known

    def table(self) -> Table | None:
        """Give the columns of all events; None where each reference of the model reads them its own way."""
        if self._table is None and self.schema is not None:
            schema, columns = self.schema, self._decoded.columns
            if not self.typed:
                self._table = schema.table_of_fields([event.fields for event in self.events])
            elif columns is not None:
                self._table = columns.table(schema, self.at)
        return self._table

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
        if self.schema is None or not self.typed:
            values = [[event.fields.get(name) for event in self.events] for name in names]
        else:
            values = [list(column) for column in self.schema.joined(self.events)]
        carried = values[1] if len(values) > 1 else [None] * len(self.events)
        identity = hash_texts([event.id for event in self.events])
        ts = self._decoded.ts[self.at]
        own, who = np.unique(self.who, return_inverse=True)
        parties = [self.parties[i] for i in own.tolist()]
        return Rows(parties, who, identity, ts, said(values[0]), said(carried))


def group_by_model(
    decoded: Decoded, chosen: NDArray[np.int64], schema_of: dict[type[Any], Schema]
) -> Iterator[Group]:
    """Split the chosen events by model; one model, as most topics have, costs next to nothing."""
    if not len(chosen):
        return
    types, which = decoded.kinds
    if which is None and (schema := schema_of.get(types[0])):
        yield Group(schema.model, schema, decoded, chosen)
        return
    if which is None:
        which = np.zeros(len(decoded.ts), dtype=np.int64)
    code = which[chosen]
    order = np.argsort(code, kind="stable")
    ends = np.cumsum(np.bincount(code, minlength=len(types)))
    for of, at in zip(types, np.split(chosen[order], ends[:-1]), strict=True):
        schema = schema_of.get(of)
        if schema is not None:
            yield Group(schema.model, schema, decoded, at)
        else:
            yield from _by_hand(decoded, at, {s.model: s for s in schema_of.values()})


def _by_hand(
    decoded: Decoded, chosen: NDArray[np.int64], known: dict[str, Schema]
) -> Iterator[Group]:
    """Split events that were read by hand."""
    split: dict[str, list[int]] = {}
    for i in chosen.tolist():
        split.setdefault(decoded.events[i].model, []).append(i)
    for model, at in split.items():
        yield Group(model, known.get(model), decoded, np.array(at, dtype=np.int64), typed=False)
