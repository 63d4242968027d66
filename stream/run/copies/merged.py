"""The state as the models see it: partitions put together, and nothing of where an event lay or when it came.

So a replay over files, which has one partition of each topic, is equal to any number of partitions and workers that
have come as far: bring all partitions to the same time, and let every model evaluate up to there.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from stream.ingest.fold import Counters
from stream.ingest.pane import Binned, Pane
from stream.ingest.partition import models_of
from stream.run.copies.plainly import plain_value, plainly
from stream.state.fields import STATE, index_field, pane_field, rows_field
from stream.state.kept import Kept
from stream.state.versions import load
from stream.summaries.raw_values import Raw
from stream.summaries.rows import Rows
from stream.words import Kind, Series

__all__ = ["merged"]

COUNTED = ("seen", "malformed")
PLACED = ("watermark", "late_dropped")
"""What an alert says of its window that depends on partitions."""


def merged(hashes: Sequence[Kept], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Give what hashes hold, apart from offsets, late counts, and the order of partitions.

    Args:
        hashes: of one canonical export.
        kinds: what the events of a topic are.
    """
    partitions = [kept for kept in hashes if kept.what[0] == "partition"]
    others = [kept for kept in hashes if kept.what[0] != "partition"]
    told: dict[str, Any] = {}
    for kind in sorted(set(kinds.values())):
        own = [kept for kept in partitions if kinds[kept.what[1]] is kind]
        told |= _of_kind(kind, own)
    for path, value in plainly(others).items():
        if " outbox " in path:
            told[f"{path.partition(' outbox ')[0]} outbox {value['id']}"] = True
        else:
            told[path] = _unplaced(value, frozenset(kinds))
    return told


def _of_kind(kind: Kind, partitions: Sequence[Kept]) -> dict[str, Any]:
    states = [load(kept.fields[STATE], "partition") for kept in partitions]
    states = [state for state in states if Counters(*state[3]).seen]
    if not states:
        return {}
    counters = [Counters(*state[3]) for state in states]
    told: dict[str, Any] = {f"{kind} watermark": min(state[0] for state in states)}
    told |= {f"{kind} {name}": sum(getattr(c, name) for c in counters) for name in COUNTED}
    models = sorted({model for kept in partitions for model in models_of(kept.fields)})
    for model in models:
        told |= _panes(kind, model, [kept.fields for kept in partitions])
    return told


def _panes(kind: Kind, model: str, partitions: Sequence[Mapping[bytes, bytes]]) -> dict[str, Any]:
    entries: dict[tuple[int, Series], list[Binned | Raw]] = {}
    rows: dict[int, list[Rows]] = {}
    for fields in partitions:
        index = fields.get(index_field(model))
        for number in [] if index is None else load(index, "index").tolist():
            pane = Pane.unpack(
                model, fields[pane_field(model, number)], fields.get(rows_field(model, number))
            )
            for series, entry in pane.entries.items():
                entries.setdefault((number, series), []).append(entry)
            rows.setdefault(number, []).extend(pane.rows)
    told = {f"{kind} pane {n} of {s}": plain_value(_one(of)) for (n, s), of in entries.items()}
    for number, parts in rows.items():
        if parts:
            payload = Rows.concat(parts).in_order().payload()
            told[f"{kind} rows {number} of {model}"] = plain_value(payload)
    return told


def _one(entries: Iterable[Binned | Raw]) -> list[object]:
    """Merge the entries of a series; raw ones and binned ones stay apart."""
    raw, binned = Raw(), None
    for entry in entries:
        if isinstance(entry, Raw):
            raw.merge(entry)
        elif binned is None:
            binned = entry
        else:
            binned.summary.merge(entry.summary)
    summed = None
    if binned is not None:
        held = binned.summary
        summed = [binned.digest, held.counts, held.extremes, list(held.thinned)]
    return [raw.payload(), summed]


def _unplaced(value: Any, topics: frozenset[str]) -> Any:
    """Leave out evidence (topic, partition, first and last offset) and what alerts say of partitions."""
    if isinstance(value, dict):
        kept = {name: of for name, of in value.items() if name not in PLACED and name != "replay"}
        return {name: _unplaced(of, topics) for name, of in kept.items()}
    if isinstance(value, list):
        return [_unplaced(of, topics) for of in value if not _is_evidence(of, topics)]
    return value


def _is_evidence(value: Any, topics: frozenset[str]) -> bool:
    return (
        isinstance(value, list)
        and [type(of) for of in value] == [str, int, int, int]
        and value[0] in topics
    )
