"""Typed decoders made from the references: one struct a model, one tagged union a topic."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID, Column, ColumnType, Value, conform
from stream.summaries.coded import Word
from stream.words import Kind

__all__ = ["JOINED", "Schema", "Table", "make_decoder"]

JOINED = {Kind.PREDICTIONS: ("prediction",), Kind.LABELS: ("label", "prediction")}
"""The fields that the join reads, first the one that the event is about."""

_UNNAMABLE = re.compile(r'[\x00-\x1f"\\]')
"""What a field of a struct cannot have in its name."""
_TYPES: dict[ColumnType, object] = {
    "number": float | None,
    "string": str | None,
    "boolean": bool | None,
}
_SEGMENT = ("segment", msgspec.Raw, msgspec.Raw())
"""Of a segment the text is taken: most were met before, and a map for each event would cost more than all the rest."""


@lru_cache(maxsize=64)
def _features(
    fields: tuple[tuple[str, Any, None], ...], rename: tuple[tuple[str, str], ...]
) -> type[msgspec.Struct]:
    """Make the type of features with these fields, one for all models that have them: it stays in the nearest cache."""
    return msgspec.defstruct("Features", fields, rename=dict(rename), gc=False)


class _Nobody(msgspec.Struct, tag_field="model", tag=""):
    """A second member of every union: of a struct alone, an event without its tag would be taken for that model's.

    Nothing can be read as one, as no number is both 1 and 0.
    """

    never: Annotated[int, msgspec.Meta(ge=1, le=0)]


class Table:
    """The columns of some events of one model: X float64 [n, numbers] (NaN missing, inf invalid), and the others.

    `others` maps a column's name to its n values, each of the column's type, None or INVALID.
    """

    __slots__ = ("X", "others", "schema")

    def __init__(
        self,
        schema: "Schema",
        X: NDArray[np.float64],
        others: Mapping[str, Sequence[Word]],
    ):
        self.schema = schema
        self.X = X
        self.others = others


class Schema:
    """What is known of the events of one model on one kind of topic: the columns of its references.

    `struct` decodes an event, whose values that are no numbers have the names `other_attributes` there; `table` and
    `table_of_fields` give columns. Where two references type a column
    differently, or a name cannot be that of a struct's field, `mixed` is true and events are read by hand, for each
    reference by itself.
    """

    def __init__(self, kind: Kind, model: str, columns: Iterable[Column]) -> None:
        types: dict[str, ColumnType | None] = {}
        for column in columns:
            types[column.name] = (
                column.type if types.get(column.name, column.type) == column.type else None
            )
        self.kind = kind
        self.model = model
        self.mixed = any(t is None or _UNNAMABLE.search(name) for name, t in types.items())
        self.numbers = sorted(name for name, t in types.items() if t == "number")
        self.others = {name: t for name, t in sorted(types.items()) if t not in ("number", None)}
        self.position = {name: i for i, name in enumerate(self.numbers)}
        self._attribute = {name: f"c{i}" for i, name in enumerate([*self.numbers, *self.others])}
        self.other_attributes = tuple(self._attribute[name] for name in self.others)

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """Names and types of the columns; models of the same have typed events that are read as if of one."""
        return tuple(self.numbers), tuple(self.others.items())

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an event of this model; each schema has its own, so the type tells the model."""
        typed = [(name, _TYPES["number"]) for name in self.numbers]
        typed += [(name, _TYPES[t]) for name, t in self.others.items() if t]
        fields = [(self._attribute[name], t, None) for name, t in typed]
        rename = {self._attribute[name]: name for name, _ in typed}
        envelope: list[Any] = [("version", str), ("ts", int | str | None, None)]
        if self.kind is Kind.FEATURES:
            inner = _features(tuple(fields), tuple(rename.items()))
            envelope += [_SEGMENT]
            return msgspec.defstruct(
                "Event",
                [("features", inner), *envelope],
                tag_field="model",
                tag=self.model,
                gc=False,
            )
        envelope.insert(0, ("id", str))
        if self.kind is Kind.PREDICTIONS:
            envelope.append(_SEGMENT)
        for name in JOINED[self.kind]:
            if name not in self._attribute:
                rename[f"joined_{name}"] = name
                envelope.append((f"joined_{name}", float | str | None, None))
        own = JOINED[self.kind][0]  # what the event is about may be null, but not absent
        required = [
            field[:2] if rename.get(field[0]) == own else field for field in [*envelope, *fields]
        ]
        return msgspec.defstruct(
            "Event", required, tag_field="model", tag=self.model, rename=rename, kw_only=True, gc=False
        )  # fmt: skip

    def joined(self, events: Sequence[Any]) -> list[list[Value | None]]:
        """The fields of JOINED of typed events, one list a field."""
        names = [self._attribute.get(name, f"joined_{name}") for name in JOINED[self.kind]]
        return [list(map(attrgetter(name), events)) for name in names]

    def table(self, events: Sequence[Any]) -> Table:
        """Columns of typed events that join; those of features are read by `Gathering`. Cost: about 60 ns a value."""
        columns = {
            name: list(map(attrgetter(self._attribute[name]), events))
            for name in (*self.numbers, *self.others)
        }
        numbers = [
            np.array(columns.pop(name), dtype=np.float64) for name in self.numbers
        ]  # None: NaN
        X = np.stack(numbers, axis=1) if numbers else np.empty((len(events), 0))
        return Table(self, X, columns)

    def table_of_fields(self, fields: Sequence[Mapping[str, object]]) -> Table:
        """Columns of events read by hand: a value of a wrong type becomes invalid in its own column only."""
        X = np.full((len(fields), len(self.numbers)), np.nan)
        for j, name in enumerate(self.numbers):
            for i, row in enumerate(fields):
                value = conform("number", row.get(name))
                if value is not None:
                    X[i, j] = np.inf if value == INVALID else value
        others = {
            name: [conform(t, row.get(name)) for row in fields]
            for name, t in self.others.items()
            if t
        }
        return Table(self, X, others)


def make_decoder(schemas: Iterable[Schema]) -> msgspec.json.Decoder[Any] | None:
    """Make one decoder for all models of a topic: a union tagged by `model`. None when no model is known.

    A model with a column of mixed types is left to the slow way, which checks each value against each reference.
    """
    structs = [schema.struct for schema in schemas if not schema.mixed]
    if not structs:
        return None
    union: Any = _Nobody
    for struct in structs:
        union = union | struct
    return msgspec.json.Decoder(union)
