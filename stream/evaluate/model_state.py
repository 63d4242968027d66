"""What a model's fields say by themselves: what is still needed of others, and what of them counts for nothing."""

from collections.abc import Mapping
from typing import Any

from stream.evaluate.chains.parts import parts_of
from stream.ingest.fold import NEVER
from stream.state.fields import BEGAN, LEARNING, PARTS, STATE, learn_field, part_field
from stream.state.versions import load, making_sense
from stream.words import Kind, Series

__all__ = [
    "KINDS",
    "RESULTS_KEPT",
    "by_kind",
    "lists_of",
    "needed_from",
    "part_fields",
    "pending_fields",
    "series_named",
]

KINDS = tuple(Kind)
RESULTS_KEPT = 24
"""Results of windows kept for looking back, of each size of each chain."""


def by_kind(blob: bytes | None) -> dict[Kind, int]:
    """Read a number of each kind, as bases have them; NEVER for all where nothing was written."""
    if not blob:
        return dict.fromkeys(KINDS, NEVER)
    return dict(zip(KINDS, map(int, blob.split(b",")), strict=True))


def needed_from(base: bytes) -> dict[Kind, int]:
    """Read a model's base: for each kind the first pane still needed, by its own chain or, rows, by the join."""
    bases = by_kind(base)
    joined = {
        kind: min(bases[kind], bases[Kind.ERRORS]) for kind in (Kind.PREDICTIONS, Kind.LABELS)
    }
    return {Kind.FEATURES: bases[Kind.FEATURES], **joined}


def series_named(model: str, version: str, segment: Any) -> Series:
    """Make a series of what is stored of it."""
    return Series(model, version, tuple((k, v) for k, v in segment))


def lists_of(fields: Mapping[bytes, bytes]) -> tuple[list[Any], list[Any]]:
    """Give who learns, and when versions began: of fields of their own, or as an older release wrote them."""
    *_, learning, began = load(fields[STATE], "model")
    if learning is None:
        learning = load(fields[LEARNING], "learning") if LEARNING in fields else []
    if began is None:
        began = load(fields[BEGAN], "began") if BEGAN in fields else []
    return learning, began


def part_fields(series: Series, kind: Kind, head: Any) -> set[bytes]:
    """Name the fields of the parts that the head of a chain has apart."""
    return {part_field(series, kind, *part) for part in parts_of(head)}


@making_sense("model")
def pending_fields(name: str, fields: Mapping[bytes, bytes]) -> set[bytes]:
    """Tell which fields of a model's hash count for nothing any more and only wait for their deletion."""
    joined = load(fields[STATE], "model")[4]
    named = {
        learn_field(series_named(name, version, segment), Kind(kind), number)
        for version, segment, kind, panes in lists_of(fields)[0]
        for number in panes
    }
    for field, blob in fields.items():
        if field.startswith(b"c:"):
            version, segment, kind, head = load(blob, "chain")
            named |= part_fields(series_named(name, version, segment), Kind(kind), head)
    letters = (b"l", *PARTS)
    gone = {field for field in fields if field.split(b":")[0] in letters and b":" in field} - named
    return gone | {f for f in fields if f.startswith(b"w:") and int(f[2:]) < joined[1]}
