"""What is written grows with what changed, not with what is kept; and what is written part by part is the whole."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import msgspec
import numpy as np
import pytest

from detectors.summaries.summary import Summary
from stream.errors import StoreUnavailable
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.track import BLOCK, KEPT
from stream.evaluate.model import Model
from stream.evaluate.model_state import pending_fields
from stream.evaluate.panes.gather import Merged
from stream.evaluate.telling.report import Told
from stream.ingest.pane import Binned
from stream.ingest.roster import Roster
from stream.reference.book import Book
from stream.reference.reference import Reference, WindowSize
from stream.run.fleet.rules import model_rules
from stream.state.codec import pack, unpack
from stream.state.fields import CONSEQUENCES, PARTS, STATE, chain_field
from stream.state.small_ints import unpack_ints
from stream.state.versions import dump, load
from stream.words import Kind, Series
from tests.evaluate.hours import DAY, EVENTS, MONDAY, SERIES, WEEK, hour, hours, reference
from tests.events import HOUR, PLAN, configuration

TOLD = Told(0, 0)
RULES = model_rules(msgspec.structs.replace(configuration(), pane_ms=HOUR))
OWN = reference(hours(np.zeros(5)))
"""Of few windows, so that the scores take in some more."""


def stream(windows: int, first: int, last: int) -> list[Summary]:
    """Make hours of which some have no values at all: an incident by a hard rule."""
    made = hours(np.zeros(windows), 4)
    made[first:last] = [hour(0.0, at, EVENTS) for at in range(first, last)]
    return made


class Kept:
    """A model of one chain and its hash; each hour is committed, and what was written is counted."""

    def __init__(self, known: Reference = OWN, *, apart: bool = False) -> None:
        self.book = Book([known])
        self.apart = apart
        """Whether old parts are left in the hash, and read there when they are asked for."""
        self.reads = 0
        read = self.read if apart else None
        self.model = Model("m", RULES, self.book, lambda of: of, lambda _: PLAN, read)
        self.first = self.next = MONDAY // HOUR
        self.model.bases[Kind.FEATURES] = self.first
        self.fields: dict[bytes, bytes] = {}
        self.written: list[Counter[str]] = []

    @property
    def known(self) -> Reference:
        """The reference in force."""
        known = self.book.find(SERIES, Kind.FEATURES, self.next)
        assert known is not None
        return known

    @property
    def chain(self) -> Chain:
        (chain,) = self.model.chains.values()
        assert isinstance(chain, Chain)
        return chain

    def play(self, windows: Iterable[Summary], *, commits: bool = True) -> list[str]:
        """Evaluate an hour after the other; give the ids of what was told."""
        ids = []
        for window in windows:
            known = self.known
            pane = Merged(self.next, {SERIES: [Binned(known.digest, window)]}, {})
            self.next += 1
            ids += [e.id for e in self.model.advance(Kind.FEATURES, [pane], self.next, TOLD)]
            if commits:
                self.commit()
        return ids

    def read(self, fields: Sequence[bytes]) -> list[bytes | None]:
        self.reads += 1
        return [self.fields.get(field) for field in fields]

    def commit(self) -> None:
        fields = self.model.fields()
        sizes: Counter[str] = Counter()
        for field, blob in fields.items():
            sizes[field.split(b":")[0].decode()] += len(field) + len(blob)
        self.written.append(sizes)
        self.fields |= fields
        for gone in self.model.settled():
            self.fields.pop(gone, None)

    def restart(self) -> "Kept":
        """Go on from the hash."""
        known = self.known
        again = Kept(known, apart=self.apart)
        again.fields, again.next = dict(self.fields), self.next
        again.model.restore(self.model.base(), again.fields)
        return again


def test_four_weeks_of_history_write_no_more_than_one() -> None:
    """The bytes of a day's commits, hour by hour, after one week and after four; a fit anew is told apart."""
    kept = Kept(reference(hours(np.zeros(2 * WEEK))))
    kept.play(hours(np.zeros(KEPT + 2 * BLOCK), 3))
    writes = [sum(of.values()) - of["a"] - of["s"] for of in kept.written]
    week, weeks = (sum(writes[at - 3 * BLOCK : at]) for at in (WEEK + 3 * BLOCK, KEPT + 2 * BLOCK))
    assert weeks <= 1.02 * week
    stored = sum(
        len(blob) for field, blob in kept.fields.items() if field[:1] in (b"t", b"a", b"c")
    )
    assert max(writes[-2 * BLOCK :]) < stored / 12


def test_what_was_learned_is_written_when_it_is_learned_anew() -> None:
    """At the first window of every week."""
    kept = Kept(reference(hours(np.zeros(WEEK + 5))))
    kept.play(hours(np.zeros(2 * WEEK + 3), 3))
    assert [i for i, of in enumerate(kept.written) if of["a"]] == [0, WEEK, 2 * WEEK]


@pytest.mark.parametrize("every", [1, 150])
def test_what_is_left_in_the_store_is_read_at_a_weekly_fit_alone_and_nothing_else_differs(
    every: int,
) -> None:
    """What is told and what is written, over restarts and however seldom it is committed."""
    windows = hours(np.repeat([0.0, 2.0, 0.0], [WEEK, DAY, WEEK + 3]), 3)
    held, apart = (Kept(reference(hours(np.zeros(WEEK + 5))), apart=flag) for flag in (False, True))
    told: list[list[str]] = [[], []]
    for at in range(0, len(windows), every):
        for i, kept in enumerate((held, apart)):
            told[i] += kept.play(windows[at : at + every], commits=False)
            kept.commit()
    assert told[0] == told[1]
    assert told[0]
    assert held.fields == apart.fields
    assert apart.reads == 2
    (one, other) = (of.restart().play(windows[:DAY]) for of in (held, apart))
    assert one == other


def test_parts_that_the_store_has_lost_are_missed() -> None:
    """Then it went back, and what there is is to be loaded anew."""
    kept = Kept(reference(hours(np.zeros(WEEK + 5))), apart=True)
    kept.play(hours(np.zeros(2 * WEEK), 3))
    kept.fields = {f: blob for f, blob in kept.fields.items() if f[:2] != b"t:"}
    with pytest.raises(StoreUnavailable, match="lost a part"):
        kept.play(hours(np.zeros(1), 4))


@pytest.mark.parametrize("sizes", [(1, 1), (4, 1), (3, 3)])
@pytest.mark.parametrize("every", [1, 7])
def test_the_parts_written_as_they_changed_make_the_whole(
    every: int, sizes: tuple[int, int]
) -> None:
    """Whenever it is committed, with sliding windows, incidents and restarts, nothing is lost, nothing left over."""
    windows = stream(6 * BLOCK, 60, 80)
    size = WindowSize(sizes[0] * HOUR, sizes[1] * HOUR)
    histories = (OWN.histories[0], OWN.histories[0])
    known = replace(OWN, windows=(*OWN.windows, size), histories=histories)
    through, pausing = Kept(known), Kept(known)
    ids = through.play(windows)
    told: list[str] = []
    for at in range(0, len(windows), every):
        told += pausing.play(windows[at : at + every], commits=False)
        pausing.commit()
        assert not pending_fields("m", pausing.fields)
        pausing = pausing.restart()
    assert told == ids
    assert len(ids) > 0
    for kept in (through, pausing):
        parts = {field for field in kept.fields if field.split(b":")[0] in (b"c", *PARTS)}
        assert {f: kept.fields[f] for f in parts} == {f: through.fields[f] for f in parts}
    whole = dump("chain", ["1", (), "features", through.chain.payload()])
    assert dump("chain", ["1", (), "features", pausing.chain.payload()]) == whole


def test_a_chain_of_version_6_goes_on_and_is_written_part_by_part_once_it_moves() -> None:
    """It had everything in one field, and its model the lists of who learns and who began."""
    windows = stream(5 * BLOCK, 70, 80)
    kept, whole = Kept(), Kept()
    ids = whole.play(windows)
    before = kept.play(windows[:66])
    old = former(kept)
    assert {field[:1] for field in old} <= {b"c", b"s", b"h", b"n", b"o", STATE, CONSEQUENCES}
    kept.fields = old
    again = kept.restart()
    assert again.fields == old
    assert before + again.play(windows[66:]) == ids
    assert not pending_fields("m", again.fields)
    assert before + again.restart().play([]) + again.play([]) == before
    parts = [field for field in whole.fields if field.split(b":")[0] in (b"c", *PARTS)]
    assert {f: again.fields.get(f) for f in parts} == {f: whole.fields[f] for f in parts}


def former(kept: Kept) -> dict[bytes, bytes]:
    """Write a hash as version 6 of a chain and version 2 of a model were."""
    left = {b"y", b"b", *PARTS}
    fields = {f: blob for f, blob in kept.fields.items() if f.split(b":")[0] not in left}
    payload = unpack(pack("chain", 1, kept.chain.payload()), "chain", 1)[1]
    for ring in payload[1]:
        ring[-1] = [[hop, unpack_ints(counts, n), *more] for hop, n, counts, *more in ring[-1]]
    for alarms in payload[5]:
        _, taken, (layers, blocks) = alarms
        fields_of = (np.concatenate(parts) for parts in zip(*(b[1:] for b in blocks), strict=True))
        starts, x, valid, events, volume, calm = fields_of
        counts = [array.astype(np.int64).T for array in (valid, events)]
        assert taken == len(starts)
        alarms[1:] = [layers, [starts, np.moveaxis(x, 0, 2), *counts, volume[None, :, 0], calm]]
    at = chain_field(SERIES, Kind.FEATURES)
    fields[at] = pack("chain", 6, [*load(fields[at], "chain")[:3], payload])
    state = load(fields[STATE], "model")
    return fields | {STATE: pack("model", 2, [*state[:5], [], []])}


def test_a_chain_that_begins_anew_leaves_no_parts_behind() -> None:
    """Another reference comes into force: the blocks of the former history are deleted, or count for nothing."""
    kept = Kept()
    kept.play(hours(np.zeros(3 * BLOCK), 3))
    before = dict(kept.fields)
    other = reference(hours(np.zeros(30), 9))
    kept.book._by_series.clear()
    kept.book.add(other)
    kept.book._by_series[SERIES, Kind.FEATURES] = [other]
    kept.play(hours(np.zeros(2), 3))
    blocks = [field for field in kept.fields if field.startswith(b"t:")]
    assert len(blocks) == 1
    lost = before | kept.fields  # the process ended before the deletion
    assert {f[:1] for f in pending_fields("m", lost)} == {b"g", b"t"}
    assert len(pending_fields("m", lost)) == 3


def test_who_leaves_and_comes_back_within_one_step_stays_stored() -> None:
    """One series finds room: it falls silent, another takes its place, falls silent, and the first is there again."""
    kept = Kept()
    other = replace(OWN, series=Series("m", "2", ()))
    kept.book.add(other)
    kept.model.rosters[Kind.FEATURES] = Roster(1)
    (window, *_) = hours(np.zeros(3))
    kept.play([window])
    later = [kept.next + 9 * DAY, kept.next + 18 * DAY]
    panes = [
        Merged(number, {of.series: [Binned(of.digest, window)]}, {})
        for number, of in zip(later, (other, OWN), strict=True)
    ]
    kept.model.advance(Kind.FEATURES, panes, later[-1] + 1, TOLD)
    kept.commit()
    assert kept.restart().chain.series == SERIES
