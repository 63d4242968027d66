"""How a model is stored: the fields that changed, and a model made of the fields that were committed."""

from collections.abc import Iterator, Mapping
from dataclasses import astuple
from typing import Any

from sinks.event import structured
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.learner import Learner
from stream.evaluate.chains.parts import Part, whole
from stream.evaluate.judging.standing import load_standings
from stream.evaluate.known import Known
from stream.evaluate.model_state import KINDS, RESULTS_KEPT, lists_of, part_fields, series_named
from stream.evaluate.panes.join import JoinCounters
from stream.ingest.roster import DAY_MS
from stream.state.fields import (
    BEGAN,
    CONSEQUENCES,
    LEARNING,
    MOVED,
    MOVERS,
    PARTS,
    STATE,
    join_field,
    known_field,
    learn_field,
    part_field,
    result_slot,
    standing_field,
)
from stream.state.small_ints import pack_arrays
from stream.state.versions import dump, load, making_sense
from stream.words import Kind

__all__ = ["fields_of", "restore", "settled"]


def fields_of(known: Known) -> dict[bytes, bytes]:
    """Give the fields that changed since `settled`, packed."""
    touched = map(known.chains.get, known.touched)
    chains = [chain for chain in touched if isinstance(chain, Chain)]
    packed = iter(pack_arrays([counts for chain in chains for counts in chain.filling()]))
    for chain in chains:
        _write(known, chain, packed)
    known.changed |= {field: structured(event) for field, event in known.posted.items()}
    if known.lists_inline or LEARNING in known.changed:
        learning = [[s.version, s.segment, k.value, list(c.panes)] for (s, k), c in sorted(known.chains.items())
                    if isinstance(c, Learner)]  # fmt: skip
        known.changed[LEARNING] = dump("learning", learning)
    if known.lists_inline or BEGAN in known.changed:
        began = [[s.version, s.segment, ms] for s, ms in sorted(known.began.items())]
        known.changed[BEGAN] = dump("began", began)
    if CONSEQUENCES in known.changed:
        spells = known.consequences.payload()
        known.changed[CONSEQUENCES] = dump("consequences", spells)
    if MOVERS in known.changed:
        known.changed[MOVERS] = dump("movers", known.movers.payload())
        known.changed[MOVED] = known.movers.moved()
    for kind, roster in known.rosters.items():
        if roster.changed:
            known.changed[known_field(kind)] = dump("roster", roster.payload())
    joined = [astuple(known.join.counters), known.join.first_pane()]
    state = [known.name, known.next_alert, known.alerts, known.windows, joined, None, None]
    known.changed[STATE] = dump("model", state)
    known.obsolete -= known.changed.keys()  # who left and came back meanwhile
    return dict(known.changed)


def _write(known: Known, chain: Chain, packed: Iterator[bytes]) -> None:
    """Pack the head of a chain, of which the counts are packed already, and those of its parts that changed."""
    series, kind = chain.series, chain.kind
    body = [series.version, series.segment, kind.value, chain.packed_head(packed)]
    known.changed[chain.field] = dump("chain", body, compress=False)  # it is dense already
    for part, payload in chain.changed().items():
        known.changed[part_field(series, kind, *part)] = dump(part.of, payload)
    for part in chain.gone():
        known.forget(part_field(series, kind, *part))


def settled(known: Known) -> list[bytes]:
    """Forget what changed, as it is committed; give the fields that may be deleted now."""
    known.changed.clear()
    known.posted.clear()
    known.lists_inline = False
    for key in known.touched:
        chain = known.chains.get(key)
        if isinstance(chain, Chain):
            chain.settle()
    known.touched.clear()
    known.consequences.changed = False
    for roster in known.rosters.values():
        roster.changed = False
    gone, known.obsolete = sorted(known.obsolete), set()
    return gone


@making_sense("model")
def restore(known: Known, base: bytes, fields: Mapping[bytes, bytes]) -> None:
    """Take the state that was committed; CodecError when it cannot be read, or names an unknown reference."""
    if not base:
        return
    known.bases = {kind: int(b) for kind, b in zip(KINDS, base.split(b","), strict=True)}
    _, known.next_alert, known.alerts, known.windows, joined, *inline = load(fields[STATE], "model")
    known.lists_inline = None not in inline
    learning, began = lists_of(fields)
    known.began = {series_named(known.name, v, segment): ms for v, segment, ms in began}
    if CONSEQUENCES in fields:
        known.consequences.restore(known.name, load(fields[CONSEQUENCES], "consequences"))
    if MOVERS in fields:
        known.movers.restore(load(fields[MOVERS], "movers"))
    known.join.counters = JoinCounters(*joined[0])
    # Deletions come after commits and may be lost: what is named no more goes with the next one.
    letters = (b"l", b"w", *PARTS)
    known.obsolete = {f for f in fields if b":" in f and f.split(b":")[0] in letters}
    # A former release kept more results.
    known.obsolete |= {f for f in fields if result_slot(f) >= RESULTS_KEPT}
    for version, segment, kind, panes in learning:
        series = series_named(known.name, version, segment)
        learner = Learner(series, Kind(kind), known.rules.learning)
        for number in panes:
            field = learn_field(series, kind, number)
            learner.restore(number, fields[field])
            known.obsolete.discard(field)
        known.chains[series, Kind(kind)] = learner
    for field in sorted(f for f in fields if f.startswith(b"c:")):
        _restore_chain(known, fields[field], fields)
    for kind in KINDS:
        _restore_roster(known, kind, fields.get(known_field(kind)))
    rows = {int(f[2:]): blob for f, blob in fields.items() if f.startswith(b"w:")}
    for number in sorted(rows):
        if number >= joined[1]:  # an older one was let go, and only its deletion was lost
            known.join.restore(number, rows[number])
            known.obsolete.discard(join_field(number))


def _restore_chain(known: Known, blob: bytes, fields: Mapping[bytes, bytes]) -> None:
    version, segment, kind, head = load(blob, "chain")
    series, kind = series_named(known.name, version, segment), Kind(kind)
    reference = known.book.by_digest(head[0])
    known.note_windows(reference)

    def find(part: Part) -> Any:
        return load(fields[part_field(series, kind, *part)], part.of)

    payload = whole(head, find)
    rules = known.rules.judging
    chain = Chain.restore(series, kind, reference, rules, known.plan_at, payload, known.find)
    named = part_fields(series, kind, head)
    known.obsolete -= named
    if named != part_fields(series, kind, chain.head()):
        chain.unsettle()  # an older release had them in the head
    else:
        chain.settle()
    standing = fields.get(standing_field(series, kind))
    if standing is not None:
        chain.standings.update(load_standings(standing, reference.digest))
    known.chains[series, kind] = chain


def _restore_roster(known: Known, kind: Kind, blob: bytes | None) -> None:
    """Take the list of who is evaluated; of who is not on it only the deletion was lost."""
    roster, at_ms = known.rosters[kind], known.bases[kind] * known.rules.learning.pane_ms
    chained = [series for series, of in known.chains if of is kind]
    if blob is None:  # written before there were such lists
        roster.days = dict.fromkeys(chained, at_ms // DAY_MS)
        return
    roster.restore(known.name, load(blob, "roster"))
    for series in chained:
        if series not in roster.days:
            known.part_with(series, kind, at_ms)
