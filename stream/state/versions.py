"""The versions of everything that is stored: what this driftbus writes, and what it still reads.

Release N reads what N-1 wrote: a payload of an older version is brought to the newest by the steps
of `MIGRATIONS`, one version at a time, so that all other code knows the newest form only. A newer
one is refused. Values are rewritten as they change; nothing is migrated for its own sake.

To change a payload: raise `newest` here, add the step from the version before, and keep a golden
file of it under tests/state/golden/.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import blake2b
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.errors import CodecError
from stream.state.codec import pack, unpack
from stream.state.small_ints import pack_ints

__all__ = [
    "MIGRATIONS", "VERSIONS", "Versions", "digest_of_reference", "dump", "load", "making_sense",
]  # fmt: skip


RINGS_PLACE = 1
"""Where a chain's payload has the windows that are being filled, by size of windows."""
ALARMS_PLACE = 5
"""Where a chain's payload has the state of its alarm layers, by size of windows."""


class Versions(NamedTuple):
    """Of one kind of payload: the oldest version that is read, and the newest, which is written."""

    oldest: int
    newest: int


VERSIONS: Mapping[str, Versions] = {
    "began": Versions(1, 1),
    "chain": Versions(4, 8),
    "consequences": Versions(1, 1),
    "entry": Versions(1, 2),
    "fit": Versions(1, 1),
    "gatherer": Versions(1, 1),
    "grown": Versions(1, 1),
    "hop": Versions(1, 2),
    "index": Versions(1, 1),
    "join": Versions(1, 1),
    "kept": Versions(1, 1),
    "learn": Versions(2, 2),
    "learning": Versions(1, 1),
    "log": Versions(1, 1),
    "manifest": Versions(1, 1),
    "model": Versions(2, 3),
    "models": Versions(1, 1),
    "movers": Versions(1, 1),
    "pane": Versions(2, 4),
    "partition": Versions(1, 4),
    "piece": Versions(1, 1),
    "plan": Versions(1, 1),
    "reference": Versions(1, 2),
    "references": Versions(1, 1),
    "result": Versions(1, 2),
    "roster": Versions(1, 1),
    "rows": Versions(2, 3),
    "standing": Versions(1, 1),
    "track": Versions(1, 1),
}
"""By kind. Those that begin above 1 had forms in development that no release has written."""


def _partition_with_gaps(old: Any) -> Any:
    """Version 2 tells where the log had lost what was not read yet."""
    return [*old, []]


def _partition_with_refusals(old: Any) -> Any:
    """Version 3 counts what found no room, too; before, nothing was refused."""
    return old


def _partition_with_rates(old: Any) -> Any:
    """Version 4 tells from which offset on which rate of the ladder held; before, there was none."""
    return [*old, [[], None]]


def _chain_with_steps(old: Any) -> Any:
    """Version 5 tells of an incident's detectors by what they alarmed; where that is not known, it counts as 0."""
    return old


def _chain_with_hours(old: Any) -> Any:
    """Version 6 tells which hours of the day were learned from; where that is not known, they are all taken to be."""
    *_, payload = old
    for alarms in payload[ALARMS_PLACE]:
        for layer in alarms[1] if alarms is not None else ():
            layer.append(np.full((len(layer[0]), 24), 3, np.int64))
    return old


def _pane_with_stacks(old: Any) -> Any:
    """Version 3 has the summaries of all series behind each other, in few bytes."""
    first, last, entries = old
    raw = [[version, segment, body] for version, segment, digest, body in entries if not digest]
    binned = [entry for entry in entries if entry[2]]
    counts = [np.asarray(body[0], dtype=np.int64) for *_, body in binned]
    extremes = [np.asarray(body[1], dtype=np.float64).reshape(-1, 2) for *_, body in binned]
    heads = [(version, segment, digest) for version, segment, digest, _ in binned]
    unseen = [[i, *body[2:]] for i, (*_, body) in enumerate(binned) if body[2:]]
    return [
        first, last, raw, heads,
        pack_ints(np.concatenate([np.zeros(0, dtype=np.int64), *counts])),
        np.concatenate([np.zeros((0, 2)), *extremes]),
        [len(part) for part in counts], [len(part) for part in extremes], unseen,
    ]  # fmt: skip


def _pane_with_places(old: Any) -> Any:
    """Version 4 may have more of a pane at places behind it, which who knows none of them must not overlook."""
    return old


def _rows_in_few_bytes(old: Any) -> Any:
    """Version 3 has times and parties in few bytes, and leaves out what no row has."""
    first, last, (parties, who, ids, ts, number, text, carried, carried_text) = old
    held = [
        [] if np.isnan(numbers).all() or not len(numbers) else numbers
        for numbers in (number, carried)
    ]
    texts = [words if np.any(words) else [] for words in (text, carried_text)]
    ends: NDArray[np.int64] = np.asarray(ts, dtype=np.int64)
    times = pack_ints(ends - np.concatenate([np.zeros(1, dtype=np.int64), ends])[:-1])
    whose = pack_ints(np.asarray(who, dtype=np.int64))
    return [first, last, [parties, whose, ids, times, held[0], texts[0], held[1], texts[1]]]


def _chain_with_parts(old: Any) -> Any:
    """Version 7 may have its parts apart; here they stand in their places, and the windows of a track in one block."""
    *_, payload = old
    for alarms in payload[ALARMS_PLACE]:
        if alarms is not None:
            layers, (starts, *rest) = alarms[1:]
            alarms[1:] = [len(starts), [layers, [_block(starts, *rest)] if rest else []]]
    return old


def _block(starts: Any, x: Any, valid: Any, events: Any, volume: Any, calm: Any) -> list[Any]:
    """Give the windows of a track with time first."""
    told = np.stack([volume[-1], volume[0]], axis=1)
    return [0, starts, np.moveaxis(x, 2, 0), valid.T, events.T, told, calm]


def _hop_in_few_bytes(old: Any) -> Any:
    """Version 2 has the counts in few bytes."""
    number, counts, *rest = old
    told = np.asarray(counts, dtype=np.int64)
    return [number, len(told), pack_ints(told), *rest]


def _chain_with_small_hops(old: Any) -> Any:
    """Version 8 has the counts of windows that are being filled in few bytes."""
    *_, payload = old
    for ring in payload[RINGS_PLACE]:
        ring[-1] = [hop if isinstance(hop, int) else _hop_in_few_bytes(hop) for hop in ring[-1]]
    return old


def _model_with_lists(old: Any) -> Any:
    """Version 3 may have its two lists apart, in fields of their own; here they stand in their places."""
    return old


def digest_of_reference(payload: object) -> bytes:
    """Give the sixteen bytes that stand for a reference in states, plans and ids, of its payload of version 1."""
    return blake2b(pack("reference", 1, payload), digest_size=16).digest()


def _entry_with_field(old: Any) -> Any:
    """Version 2 names the field of a reference and its digest; before, it held the reference itself."""
    return [b"", *old]


def _reference_with_digest(old: Any) -> Any:
    """Version 2 has its windows in few bytes, and its digest behind them; here they are arrays, as they were."""
    return [*old, digest_of_reference(old)]


def _result_side_by_side(old: Any) -> Any:
    """Version 2 has detectors together that tell of the same columns; here each is alone."""
    scores = [
        [columns, [name], statistic[None], alarm[None]]
        for name, parts in old["scores"].items()
        for columns, statistic, alarm in parts
    ]
    return old | {"scores": scores}


MIGRATIONS: Mapping[tuple[str, int], Callable[[Any], Any]] = {
    ("chain", 4): _chain_with_steps,
    ("chain", 5): _chain_with_hours,
    ("pane", 2): _pane_with_stacks,
    ("chain", 6): _chain_with_parts,
    ("chain", 7): _chain_with_small_hops,
    ("hop", 1): _hop_in_few_bytes,
    ("pane", 3): _pane_with_places,
    ("model", 2): _model_with_lists,
    ("result", 1): _result_side_by_side,
    ("entry", 1): _entry_with_field,
    ("reference", 1): _reference_with_digest,
    ("partition", 1): _partition_with_gaps,
    ("partition", 2): _partition_with_refusals,
    ("partition", 3): _partition_with_rates,
    ("rows", 2): _rows_in_few_bytes,
}
"""By kind and version: how a payload of that version becomes one of the next."""


def dump(kind: str, payload: object, *, compress: bool = True) -> bytes:
    """Pack a payload of the newest version of its kind; `compress` as in the codec.

    Raises:
        CodecError: it holds what cannot be stored.
    """
    return pack(kind, VERSIONS[kind].newest, payload, compress=compress)


def load(blob: bytes, kind: str) -> Any:
    """Unpack a payload of any version that is read, in the form of the newest.

    Raises:
        CodecError: it is something else, damaged, newer, or older than what is read.
    """
    oldest, newest = VERSIONS[kind]
    version, payload = unpack(blob, kind, newest, oldest)
    if version < newest:
        with making_sense(kind):
            for step in range(version, newest):
                payload = MIGRATIONS[kind, step](payload)
    return payload


@contextmanager
def making_sense(kind: str) -> Iterator[None]:
    """Build something of a payload: what does not fit together becomes a CodecError that names its kind."""
    try:
        yield
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        told = f"its contents make no sense ({type(error).__name__}: {error})"
        raise CodecError(told, kind) from error
