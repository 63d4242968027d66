"""Typed decoders made from the references: one struct a model, one tagged union a topic."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from itertools import chain
from operator import attrgetter, call
from typing import Annotated, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.summaries.column import INVALID, Column, ColumnType, Value, conform
from stream.summaries.numbers import Form, Numbers, read_numbers
from stream.words import Kind

__all__ = ["JOINED", "Schema", "Table", "make_decoder", "numbers_of"]

JOINED = {Kind.PREDICTIONS: ("prediction",), Kind.LABELS: ("label", "prediction")}
"""The fields that the join reads, first the one that the event is about."""

_FEATURES = attrgetter("features")
_UNNAMABLE = re.compile(r'[\x00-\x1f"\\]')
"""What a field of a struct cannot have in its name."""
_TYPES: dict[ColumnType, object] = {
    "number": float | None,
    "string": str | None,
    "boolean": bool | None,
}


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
        others: dict[str, list[Value | tuple[()] | None]],
    ):
        self.schema = schema
        self.X = X
        self.others = others


class Schema:
    """What is known of the events of one model on one kind of topic: the columns of its references.

    `struct` decodes an event; `table` and `table_of_fields` give columns. Where two references type a column
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
        self.numbers_of, self._others_of = self._getters()

    @cached_property
    def shape(self) -> tuple[object, ...]:
        """Names and types of the columns; models of the same have typed events that are read as if of one."""
        return tuple(self.numbers), tuple(self.others.items())

    @cached_property
    def form(self) -> Form:
        """How the features of an event of this model are written."""
        return Form([*self.numbers, *self.others], len(self.numbers))

    @cached_property
    def struct(self) -> type[msgspec.Struct]:
        """The type of an event of this model; each schema has its own, so the type tells the model."""
        typed = [(name, _TYPES["number"]) for name in self.numbers]
        typed += [(name, _TYPES[t]) for name, t in self.others.items() if t]
        fields = [(self._attribute[name], t, None) for name, t in typed]
        rename = {self._attribute[name]: name for name, _ in typed}
        envelope: list[Any] = [("version", str), ("ts", int | str | None, None)]
        if self.kind is Kind.FEATURES:
            inner = msgspec.defstruct("Features", fields, rename=rename, gc=False)
            envelope += [("segment", dict[str, str] | None, None)]
            return msgspec.defstruct(
                "Event",
                [("features", inner), *envelope],
                tag_field="model",
                tag=self.model,
                gc=False,
            )
        envelope.insert(0, ("id", str))
        if self.kind is Kind.PREDICTIONS:
            envelope.append(("segment", dict[str, str] | None, None))
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

    def _getters(self) -> tuple[Callable[[Any], tuple[Any, ...]], dict[str, Callable[[Any], Any]]]:
        names = [self._attribute[name] for name in self.numbers]
        if len(names) > 1:
            numbers: Callable[[Any], tuple[Any, ...]] = attrgetter(*names)
        elif names:
            one = attrgetter(names[0])
            numbers = lambda event: (one(event),)  # noqa: E731 - attrgetter of one name gives no tuple
        else:
            numbers = lambda _: ()  # noqa: E731 - as above
        return numbers, {name: attrgetter(self._attribute[name]) for name in self.others}

    def joined(self, events: Sequence[Any]) -> list[list[Value | None]]:
        """The fields of JOINED of typed events, one list a field."""
        names = [self._attribute.get(name, f"joined_{name}") for name in JOINED[self.kind]]
        return [list(map(attrgetter(name), events)) for name in names]

    def table(self, events: Sequence[Any], X: NDArray[np.float64] | None = None) -> Table:
        """Columns of typed events, which hold values of the right types only; X, if the numbers are known already.

        Events of other models will do as well if their schemas have the same `shape`.


        Cost: about 60 ns a value.
        """
        holders = list(map(_FEATURES, events)) if self.kind is Kind.FEATURES else events
        if X is None:
            n, k = len(holders), len(self.numbers)
            if self.kind is Kind.FEATURES:
                flat = read_numbers(holders, [self.form], np.zeros(n, dtype=np.int64)).flat
            else:
                flat = _flat(lambda: map(self.numbers_of, holders), n * k)
            X = flat.reshape(n, k)
        return Table(
            self, X, {name: list(map(get, holders)) for name, get in self._others_of.items()}
        )

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


def numbers_of(
    events: Sequence[Any], schemas: Sequence[Schema], which: NDArray[np.int64]
) -> Numbers:
    """Read the numbers of typed events, event i by schemas[which[i]], in the order in which they lie in memory.

    Model by model, each event would have to be fetched into the cache once more.
    """
    if schemas[0].kind is Kind.FEATURES:
        return read_numbers(list(map(_FEATURES, events)), [s.form for s in schemas], which)
    getters = [schemas[i].numbers_of for i in which.tolist()]
    ends = np.cumsum(np.array([len(schema.numbers) for schema in schemas], dtype=np.int64)[which])
    flat = _flat(lambda: map(call, getters, events), int(ends[-1]))
    return Numbers(flat, np.concatenate([[0], ends[:-1]]))


def _flat(rows: Callable[[], Iterable[tuple[Any, ...]]], n: int) -> NDArray[np.float64]:
    """Put the n values of all rows behind each other; None becomes NaN."""
    try:
        return np.fromiter(chain.from_iterable(rows()), np.float64, n)
    except TypeError:  # a None among them: the slower way gives it as NaN
        return np.array(list(chain.from_iterable(rows())), dtype=np.float64)


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
