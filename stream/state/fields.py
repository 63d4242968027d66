"""The names of the fields in the hashes of partitions and models, shared by those who write and those who read."""

from functools import lru_cache
from hashlib import blake2b

from stream.words import Series

__all__ = [
    "BEGAN", "CONSEQUENCES", "LEARNING", "LOG", "MODELS", "MOVED", "MOVERS", "PARTS", "STATE", "chain_field",
    "index_field",
    "join_field", "known_field", "learn_field", "model_tag", "outbox_field", "pane_field",
    "part_field", "result_field", "result_slot", "roster_field", "rows_field", "standing_field",
]  # fmt: skip

STATE = b"state"
"""Of a partition: watermark, ticks, counters. Of a model: its name, the outbox's numbers, the join's counters."""
CONSEQUENCES = b"q"
"""Of a model: the spells of its incidents that may still meet those of another kind."""
BEGAN = b"b"
"""Of a model: when its versions began."""
LEARNING = b"y"
"""Of a model: its series that learn their reference, and the panes that they have."""
MOVERS = b"m"
"""Of a model: what of it moved lately, for the event that gathers several models."""
MOVED = b"e"
"""Of a model: for each kind the newest window's end at which it moved, so that not all movers are read to know."""
PARTS = {b"a": "fit", b"t": "track", b"g": "grown", b"v": "hop"}
"""Of a model's fields by their first letter: the parts of chains that are stored apart."""
LOG = b"log"
"""Of a partition: the identity of the topic whose offsets it counts, once that is known."""
MODELS = b"models"
"""Of a partition: the names of the models seen on it."""


@lru_cache(maxsize=4096)
def model_tag(model: str) -> bytes:
    """Stand for a model's name in a field's name; names come from events and are never pasted."""
    return blake2b(model.encode(), digest_size=8).hexdigest().encode()


def index_field(model: str) -> bytes:
    """Name the list of panes kept of a model."""
    return b"i:" + model_tag(model)


def pane_field(model: str, pane: int, place: int = 0) -> bytes:
    """Name the summaries of a model's pane: the whole, or what stands at a place behind it."""
    if place:
        return b"u:%b:%d:%d" % (model_tag(model), pane, place)
    return b"p:%b:%d" % (model_tag(model), pane)


def roster_field(model: str) -> bytes:
    """Name the list of the series that are counted of a model."""
    return b"n:" + model_tag(model)


def rows_field(model: str, pane: int) -> bytes:
    """Name the rows for the join of a model's pane."""
    return b"r:%b:%d" % (model_tag(model), pane)


def chain_field(series: Series, kind: str) -> bytes:
    """Name the state of the chain of one kind of one series."""
    return b"c:%b:%b" % (_series_tag(series), kind.encode())


def part_field(series: Series, kind: str, of: str, which: int, number: int) -> bytes:
    """Name a part of a chain's state that is stored apart from it: see `PARTS`."""
    letter = next(letter for letter, part in PARTS.items() if part == of)
    return b"%b:%b:%b:%d:%d" % (letter, _series_tag(series), kind.encode(), which, number)


def standing_field(series: Series, kind: str) -> bytes:
    """Name what is kept for looking at of how a chain's monitors stand."""
    return b"s:%b:%b" % (_series_tag(series), kind.encode())


def learn_field(series: Series, kind: str, pane: int) -> bytes:
    """Name the raw values that a learning chain has collected in a pane."""
    return b"l:%b:%b:%d" % (_series_tag(series), kind.encode(), pane)


def known_field(kind: str) -> bytes:
    """Name the list of the series of a kind that a model evaluates."""
    return b"n:" + kind.encode()


def join_field(pane: int) -> bytes:
    """Name the rows that came to the join in a pane and are still held."""
    return b"w:%d" % pane


def outbox_field(number: int) -> bytes:
    """Name an alert that waits for its delivery; numbers ascend."""
    return b"o:%012d" % number


def result_field(series: Series, kind: str, window: int, slot: int) -> bytes:
    """Name the kept results of a window; slots are used in turn, so the number of fields is bounded."""
    return b"h:%b:%b:%d:%d" % (_series_tag(series), kind.encode(), window, slot)


def result_slot(field: bytes) -> int:
    """Tell the slot of a field that `result_field` named; -1 of any other."""
    return int(field.rsplit(b":", 1)[1]) if field.startswith(b"h:") else -1


def _series_tag(series: Series) -> bytes:
    return blake2b(repr(tuple(series)).encode(), digest_size=8).hexdigest().encode()
