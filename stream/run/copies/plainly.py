"""The state as plain values under names for people: what `driftbus state diff` compares."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

import numpy as np
import orjson

from stream.evaluate.gatherer import gathered_upto
from stream.evaluate.model_state import lists_of, series_named
from stream.evaluate.panes.join import JoinCounters
from stream.ingest.fold import Counters
from stream.ingest.pane import Binned, Pane, unpack_rows
from stream.ingest.partition import models_of
from stream.reference.reference import Reference
from stream.state.fields import (
    CONSEQUENCES,
    LOG,
    MOVERS,
    PARTS,
    STATE,
    chain_field,
    learn_field,
    model_tag,
)
from stream.state.kept import Kept
from stream.state.versions import load
from stream.summaries.unseen import dump_unseen
from stream.words import Kind

__all__ = ["plain_value", "plainly", "series_of_tags"]

DECODED = {b"c": "chain", b"s": "standing", b"l": "learn", b"h": "result", **PARTS}
"""Of a model's fields by their first letter: the kind of payload."""
TOLD = DECODED | {b"l": "learning"}


def plainly(hashes: Iterable[Kept]) -> dict[str, Any]:
    """Give everything that hashes hold, one entry a thing, in order.

    Raises:
        CodecError: something in them cannot be read.
    """
    return {path: plain_value(value) for kept in hashes for path, value in _entries(kept)}


def _entries(kept: Kept) -> Iterator[tuple[str, Any]]:
    of, name, number = kept.what
    if of == "partition":
        yield from _of_partition(f"{name}/{number}", kept)
    elif of == "model":
        yield from _of_model(f"model {name}", name, kept)
    elif of == "models":
        yield from _of_several(kept)
    else:
        yield from _of_fleet(kept.fields)


def _of_partition(where: str, kept: Kept) -> Iterator[tuple[str, Any]]:
    names = {model_tag(name): name for name in models_of(kept.fields)}
    yield f"{where} offset", kept.base.decode()
    watermark, ticks, idle, counters, gaps, thinning = load(kept.fields[STATE], "partition")
    yield f"{where} watermark", watermark
    yield f"{where} ticks", [ticks, idle]
    yield f"{where} counters", asdict(Counters(*counters))
    yield f"{where} gaps", gaps
    if LOG in kept.fields:
        yield f"{where} topic id", load(kept.fields[LOG], "log")
    yield f"{where} rates", thinning[0]
    yield f"{where} keys", thinning[1]
    for field, value in sorted(kept.fields.items()):
        kind, _, rest = field.partition(b":")
        if kind in (b"p", b"r"):
            tag, _, pane = rest.partition(b":")
            model = names.get(tag, tag.decode())
            if kind == b"p":
                yield f"{where} pane {int(pane)} of {model}", _pane(model, value)
            else:
                yield f"{where} rows {int(pane)} of {model}", _rows(value)


def _pane(model: str, blob: bytes) -> list[Any]:
    pane = Pane.unpack(model, blob, None)
    told: list[Any] = []
    for (_, version, segment), entry in sorted(pane.entries.items(), key=lambda item: item[0]):
        if isinstance(entry, Binned):
            of = entry.summary
            told.append(
                [version, segment, entry.digest, [of.counts, of.extremes, *dump_unseen(of)]]
            )
        else:
            told.append([version, segment, b"", entry.payload()])
    return [pane.first, pane.last, told]


def _rows(blob: bytes) -> list[Any]:
    first, last, rows = unpack_rows(blob)
    value, carried = rows.value, rows.carried
    columns = [value.number, value.text, carried.number, carried.text]
    return [first, last, [rows.parties, rows.who, rows.id, rows.ts, *columns]]


def _of_model(where: str, name: str, kept: Kept) -> Iterator[tuple[str, Any]]:
    _, next_alert, alerts, windows, joined, *_ = load(kept.fields[STATE], "model")
    began = lists_of(kept.fields)[1]
    yield f"{where} evaluated", dict(zip(Kind, kept.base.decode().split(","), strict=True))
    yield f"{where} alerts", [next_alert, alerts]
    yield f"{where} windows", windows
    yield f"{where} join", [asdict(JoinCounters(*joined[0])), joined[1]]
    yield f"{where} began", began
    if CONSEQUENCES in kept.fields:
        yield f"{where} consequences", load(kept.fields[CONSEQUENCES], "consequences")
    if MOVERS in kept.fields:
        yield f"{where} movers", load(kept.fields[MOVERS], "movers")
    tags = series_of_tags(name, kept.fields)
    for field, value in sorted(kept.fields.items()):
        letter, *rest = field.split(b":")
        if letter == b"o":
            yield f"{where} outbox {int(rest[0])}", value
        elif letter == b"w":
            yield f"{where} waiting {int(rest[0])}", load(value, "join")
        elif letter in TOLD:
            series, more = tags.get(rest[0], rest[0].decode()), b" ".join(rest[1:]).decode()
            yield f"{where} {TOLD[letter]} {series} {more}", load(value, DECODED[letter])


def _of_several(kept: Kept) -> Iterator[tuple[str, Any]]:
    where = "several models"
    yield f"{where} gathered", {kind.value: ms for kind, ms in gathered_upto(kept.base).items()}
    yield f"{where} alerts", load(kept.fields[STATE], "gatherer")
    for field, value in sorted(kept.fields.items()):
        if field.startswith(b"o:"):
            yield f"{where} outbox {int(field[2:])}", value


def series_of_tags(name: str, fields: Mapping[bytes, bytes]) -> dict[bytes, str]:
    """Tell which series the tags in a model's field names stand for: version, and segment if any."""
    told: dict[bytes, str] = {}
    learning, _ = lists_of(fields)
    heads = [load(value, "chain")[:2] for field, value in fields.items() if field[:2] == b"c:"]
    for version, segment in [*heads, *([v, s] for v, s, _, _ in learning)]:
        series = series_named(name, version, segment)
        text = " ".join([version, *(f"{k}={v}" for k, v in series.segment)])
        told[chain_field(series, Kind.FEATURES).split(b":")[1]] = text
        told[learn_field(series, Kind.FEATURES, 0).split(b":")[1]] = text
    return told


def _of_fleet(fields: Mapping[bytes, bytes]) -> Iterator[tuple[str, Any]]:
    for field, value in sorted(fields.items()):
        if field.startswith(b"s:"):
            r = Reference.unpack(value)
            yield f"fleet reference {r.series} {r.kind.value} from pane {r.from_pane}", r.digest
        elif field.startswith(b"p:"):
            yield f"fleet plan {field[2:].decode()}", load(value, "plan")


def plain_value(value: Any) -> Any:
    """Turn arrays into lists, JSON into what it says, other bytes into a digest, and keys into text."""
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain_value(of) for key, of in value.items()}
    if isinstance(value, list | tuple):
        return [plain_value(of) for of in value]
    if isinstance(value, bytes):
        return orjson.loads(value) if value[:1] == b"{" and _is_json(value) else _short(value)
    return value


def _is_json(value: bytes) -> bool:
    try:
        orjson.loads(value)
    except orjson.JSONDecodeError:
        return False
    return True


def _short(value: bytes) -> str:
    """Stand for bytes: themselves where they are few."""
    return value.hex() if len(value) <= 16 else blake2b(value, digest_size=16).hexdigest()
