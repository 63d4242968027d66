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
from stream.summaries.written import Form
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
_TS = ("ts", Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)] | str | None, None)
"""Numbers that are no times of any kind are refused; they are told of when read by hand."""
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

    `struct` decodes an event, and `form` tells how it is read from there; `table_of_fields` gives columns of events
    read by hand. Where two references type a column differently, or a name cannot be that of a struct's field, `mixed`
    is true and events are read by hand, for each reference by itself.
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

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """Names and types of the columns; models of the same have typed events that are read as if of one."""
        return tuple(self.numbers), tuple(self.others.items())

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an event of this model; each schema has its own, so the type tells the model."""
        columns = [(a, _TYPES["number"], None) for a in map(self._attribute.get, self.numbers)]
        columns += [
            (self._attribute[name], _TYPES[t], None) for name, t in self.others.items() if t
        ]
        rename = {attribute: name for name, attribute in self._attribute.items()}
        if self.kind is Kind.FEATURES:
            fields: list[Any] = [("features", _features(tuple(columns), tuple(rename.items())))]
            rename = {}
        else:
            joined = {f"joined_{name}": name for name in self._joined_only}
            rename |= joined
            fields = [("id", str), *((a, float | str | None, None) for a in joined), *columns]
        fields += [_TS, ("version", str)]
        if self.kind is not Kind.LABELS:
            fields.append(_SEGMENT)
        own = JOINED.get(self.kind, ("",))[0]  # what the event is about may be null, but not absent
        required = [field[:2] if rename.get(field[0]) == own else field for field in fields]
        return msgspec.defstruct(
            "Event", required, tag_field="model", tag=self.model, rename=rename, kw_only=True, gc=False
        )  # fmt: skip

    @property
    def form(self) -> Form:
        """The fields of `struct` in their order."""
        segment = self.kind is not Kind.LABELS
        numbers, others = self.numbers, list(self.others)
        if self.kind is Kind.FEATURES:
            return Form(self.model, [], "features", numbers, others, segment)
        return Form(self.model, ["id", *self._joined_only], "", numbers, others, segment)

    @property
    def _joined_only(self) -> list[str]:
        """The fields that are joined and no columns."""
        return [name for name in JOINED.get(self.kind, ()) if name not in self._attribute]

    def joined(self, events: Sequence[Any]) -> list[list[Value | None]]:
        """The fields of JOINED of typed events, one list a field."""
        names = [self._attribute.get(name, f"joined_{name}") for name in JOINED[self.kind]]
        return [list(map(attrgetter(name), events)) for name in names]

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
