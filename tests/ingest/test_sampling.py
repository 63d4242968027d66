"""What is left out of a log, what the rest stands for, and that batches, crashes and rare keys change nothing of it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest.decode import Decoded, Decoder
from stream.ingest.fold import FoldRules
from stream.ingest.ladder import LadderRules
from stream.ingest.pace import Pace
from stream.ingest.pane import Binned, Pane
from stream.ingest.partition import Partition
from stream.ingest.raw import NONE_PASSED, RawBatch, Source
from stream.ingest.sample import Key, SampleRules, below, draws, kept, kept_ids
from stream.ingest.schedule import Schedule
from stream.ingest.thinning import Sieve
from stream.state.memory import MemoryStore
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series
from tests.events import APP, FEATURES, LABELS, PREDICTIONS, T0, feature, label, prediction, rules
from tests.ingest.books import book

MINUTE = 60_000


class Message(NamedTuple):
    """What a record of the log has."""

    key: bytes | None
    value: bytes
    stamp: int


class Reader:
    """One partition that reads messages, and may be told to count at another rung."""

    def __init__(
        self, sample: SampleRules, source: Source = FEATURES, recorded: Schedule | None = None
    ) -> None:
        self.source = source
        self.rules: FoldRules = replace(rules(), sample=sample)
        self.store = MemoryStore()
        self.partition = self._load(recorded)

    def _load(self, recorded: Schedule | None = None) -> Partition:
        partition = Partition(self.store, APP, self.source, self.rules, recorded)
        partition.load()
        return partition

    def read(
        self, messages: Sequence[Message], first: int = 0, sieve: Sieve | None = None
    ) -> "Reader":
        """Fold messages as the consumer hands them over, which leaves out what the sieve does."""
        decoder = Decoder(self.source.kind, book().schemas(self.source.kind), 100_000)
        offsets = np.arange(first, first + len(messages), dtype=np.int64)
        stays = None if sieve is None else sieve.stays(self.source, offsets)
        passed = NONE_PASSED
        if stays is not None:
            passed, offsets = offsets[~stays], offsets[stays]
            messages = [message for message, kept in zip(messages, stays, strict=True) if kept]
        stamps = np.array([message.stamp for message in messages], dtype=np.int64)
        keys, values = [m.key for m in messages], [m.value for m in messages]
        batch = RawBatch(self.source, values, offsets, stamps, keys, (), passed)
        assert not self.partition.fold(batch, decoder, book())
        return self

    def fields(self) -> dict[bytes, bytes]:
        """Commit, and give what is stored."""
        self.partition.commit()
        return self.store.take_over(self.partition.key).fields

    def counts(self) -> dict[Series, tuple[int, int]]:
        """Tell of each series how many events were counted and how many were seen, estimated."""
        told: dict[Series, tuple[int, int]] = {}
        for pane in self.partition.fold_state.open.values():
            for series, (n, seen) in counts_of(pane).items():
                before = told.get(series, (0, 0))
                told[series] = (before[0] + n, before[1] + seen)
        return told


def counts_of(pane: Pane) -> Mapping[Series, tuple[int, int]]:
    told = {}
    for series, entry in pane.entries.items():
        n = entry.n if isinstance(entry, Raw) else entry.summary.n
        held = entry.thinned if isinstance(entry, Raw) else entry.summary.thinned
        told[series] = (n, held.seen(n))
    return told


def messages(n: int, minutes: float = 1.0, rare: int = 50) -> list[Message]:
    """Make messages of a model with two segments, one of `rare` events a minute, all within one pane."""
    made = []
    for i in range(n):
        segment = {"c": "FR"} if i % max(1, int(n / minutes / rare)) == 0 else {"c": "DE"}
        stamp = T0 + int(i * minutes * MINUTE / n)
        value = feature(T0 + i % 1000, segment=segment, amount=float(i))
        made.append(Message(f"m|{segment['c']}".encode(), value, stamp))
    return made


WHOLE, RARE, COMMON = (Series("m", "1", s) for s in ((), (("c", "FR"),), (("c", "DE"),)))
rates = st.sampled_from([1.0, 0.5, 0.3, 0.1, 1 / 64])
LADDER = LadderRules()


@given(
    rate=rates, key=st.sampled_from(Key), floor=st.integers(1, 40),
    cuts=st.sets(st.integers(1, 199)), steps=st.dictionaries(st.integers(0, 199), st.integers(0, 6), max_size=3),
)  # fmt: skip
@settings(max_examples=60)
def test_batches_and_crashes_do_not_show(
    rate: float, key: Key, floor: int, cuts: set[int], steps: dict[int, int]
) -> None:
    """At rates that change at some offsets: in any batches, with a take-over at each, the bytes of one reading."""
    sample = SampleRules(rate, {"n": rate / 2}, LADDER, key, floor)
    log = messages(200, minutes=4)
    schedule = Schedule()
    for offset, rung in sorted(steps.items()):
        schedule.note(offset, rung)
    once = Reader(sample, recorded=schedule).read(log)
    parts = Reader(sample)
    edges = [0, *sorted(cuts | steps.keys() - {0}), 200]
    for start, end in pairwise(edges):
        parts.partition.commit()
        parts.partition = parts._load()
        if start in steps:
            parts.partition.retune(steps[start])
        parts.read(log[start:end], start)
    assert parts.fields() == once.fields()


@given(n=st.integers(1, 60))
def test_what_was_counted_at_a_rate_and_not_committed_leaves_nothing(n: int) -> None:
    """The next owner may count it at another rate: then it is as if it had never been counted at the first."""
    log, sample = messages(60), SampleRules(ladder=LADDER)
    crashed = Reader(sample)
    crashed.read(log[: 60 - n]).fields()
    crashed.partition = crashed._load()
    crashed.partition.retune(3)
    crashed.read(log[60 - n :], 60 - n)  # and dies before the commit
    crashed.partition = crashed._load()
    assert crashed.partition.rung == 0
    crashed.read(log[60 - n :], 60 - n)
    assert crashed.fields() == Reader(sample).read(log).fields()


def test_a_ladder_that_is_taken_away_or_shortened_holds_from_the_next_event_on() -> None:
    log = Reader(SampleRules(ladder=LADDER)).read(messages(10))
    log.partition.retune(5)
    log.read(messages(10), 10).fields()
    for ladder, rung in ((LADDER, 5), (LadderRules(lowest=2), 2), (None, 0)):
        log.rules = replace(log.rules, sample=SampleRules(ladder=ladder))
        assert log._load().rung == rung


@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=8),
    rungs=st.lists(st.sampled_from([0, 0, 1, 3]), min_size=8, max_size=8),
    sample=st.sampled_from(
        [
            SampleRules(0.1),
            SampleRules(0.5, ladder=LADDER),
            SampleRules(0.1, {"m": 0.3, "n": 0.6}),
            SampleRules(0.1, {"m": 0.3, "n": 0.6}, key=Key.MODEL),
            SampleRules(0.1, key=Key.SERIES, floor=50.0),
            SampleRules(0.1, key=Key.SERIES),
        ]
    ),
    back=st.integers(0, 60),
)
@settings(max_examples=60)
def test_what_a_sieve_leaves_out_where_it_is_read_nobody_would_have_counted(
    sizes: list[int], rungs: list[int], sample: SampleRules, back: int
) -> None:
    """To the byte, also where all of a batch is left out, or what is known comes again."""
    log = messages(sum(sizes))
    plain, sieved = Reader(sample), Reader(sample)
    for reader, sieve in ((plain, None), (sieved, Sieve(sample))):
        first = 0
        for size, rung in zip(sizes, rungs, strict=False):
            again = max(0, first - back)
            reader.read(log[again : first + size], again, sieve)
            first += size
            reader.partition.retune(rung if sample.ladder else 0)
    assert sieved.fields() == plain.fields()
    assert sieved.partition.fold_state.counters == plain.partition.fold_state.counters
    assert plain.partition.fold_state.next_offset == len(log)


@pytest.mark.parametrize("rate", [0.5, 0.3, 0.1, 1 / 64])
def test_events_that_are_kept_stand_for_all_there_were(rate: float) -> None:
    """Within four standard deviations of the estimate; and the partition counts exactly."""
    n = 20_000
    reader = Reader(SampleRules(rate)).read(messages(n))
    used, seen = reader.counts()[WHOLE]
    counters = reader.partition.fold_state.counters
    assert used == counters.folded
    assert counters.seen == n == counters.folded + counters.sampled_out
    assert abs(seen - n) <= 4 * np.sqrt(n * (1 - rate) / rate)
    assert abs(seen - used / rate) <= 1


def test_without_sampling_nothing_is_kept_beside_the_counts() -> None:
    """So the bytes of a state are those of one that knows of no sampling."""
    plain, keyed = (
        Reader(SampleRules(key=key)).read(messages(50)) for key in (Key.NONE, Key.SERIES)
    )
    for pane in plain.partition.fold_state.open.values():
        held = [
            e.summary.thinned if isinstance(e, Binned) else e.thinned for e in pane.entries.values()
        ]
        assert not any(map(any, held))
    assert {f: v for f, v in plain.fields().items() if f[:2] == b"p:"} == {
        f: v for f, v in keyed.fields().items() if f[:2] == b"p:"
    }


# -- models ----------------------------------------------------------------------------------------------------------


def of_models(n: int) -> list[Message]:
    names = ("m", "n", "quiet")
    return [Message(name.encode(), feature(T0, model=name, amount=1.0 * i), T0)
            for i in range(n) for name in (names[i % 3],)]  # fmt: skip


@pytest.mark.parametrize("key", [Key.NONE, Key.MODEL])
def test_each_model_is_thinned_at_its_own_rate(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same events, whether the key names the model or it is known only after decoding; then more are decoded."""
    log = of_models(6_000)
    sample = SampleRules(0.5, {"n": 0.1, "quiet": 1.0}, key=key, floor=0.0)
    stays: list[RawBatch] = []
    decode = Decoder.decode

    def noting(decoder: Decoder, batch: RawBatch, max_future_ms: int) -> Decoded:
        stays.append(batch)
        return decode(decoder, batch, max_future_ms)

    monkeypatch.setattr(Decoder, "decode", noting)
    reader = Reader(sample).read(log)
    at = np.arange(6_000)
    for i, (name, rate) in enumerate((("m", 0.5), ("n", 0.1), ("quiet", 1.0))):
        used, seen = reader.counts()[Series(name, "1")]
        assert used == int(kept(FEATURES, at[at % 3 == i], rate).sum())
        assert abs(seen - used / rate) <= 1
    counters = reader.partition.fold_state.counters
    assert counters.folded + counters.sampled_out == counters.seen == 6_000
    decoded = sum(len(stayed) for stayed in stays)
    assert decoded == (6_000 if key is Key.NONE else counters.folded)


def test_messages_without_a_key_are_thinned_as_their_model_says_too() -> None:
    """No key tells no model: what stays until it is known is what the model counted at the most might want."""
    log = [Message(None, message.value, T0) for message in of_models(6_000)]
    sample = SampleRules(0.1, {"n": 1.0, "quiet": 0.5}, key=Key.MODEL, floor=0.0)
    reader = Reader(sample).read(log)
    for i, (name, rate) in enumerate((("m", 0.1), ("n", 1.0), ("quiet", 0.5))):
        used, seen = reader.counts()[Series(name, "1")]
        assert used == int(kept(FEATURES, np.arange(i, 6_000, 3), rate).sum())
        assert abs(seen - used / rate) <= 1


def test_a_floor_of_the_keys_model_raises_its_rate() -> None:
    """`n` has 20 a minute, of which it keeps all; the other keeps the configured share."""
    names = [("n" if i % 100 == 0 else "m", T0 + i * 3 * MINUTE // 6_000) for i in range(6_000)]
    log = [Message(n.encode(), feature(T0, model=n, amount=1.0), stamp) for n, stamp in names]
    reader = Reader(SampleRules(0.1, key=Key.MODEL, floor=20.0)).read(log)
    used, seen = reader.counts()[Series("n", "1")]
    assert used == seen == 60
    later = [i for i, (name, stamp) in enumerate(names) if name == "m" and stamp >= T0 + MINUTE]
    first = 2_000 - 20
    used, _ = reader.counts()[Series("m", "1")]
    assert used == first + int(kept(FEATURES, np.array(later), 0.1).sum()), "new keys begin at 1"


# -- the floor -------------------------------------------------------------------------------------------------------


def test_a_rare_series_keeps_its_floor_and_the_whole_does_not_lean_towards_it() -> None:
    """The segment of 50 events a minute keeps them all at 1/64; the whole counts what it counts without floors."""
    sample = SampleRules(1 / 64, key=Key.SERIES, floor=50.0)
    log = messages(20_000, minutes=4)
    floored, plain = Reader(sample).read(log), Reader(SampleRules(1 / 64)).read(log)
    rare = sum(b'"FR"' in message.value for message in log)
    assert floored.counts()[RARE] == (rare, rare)
    assert plain.counts()[RARE][0] < 0.1 * rare
    assert floored.counts()[WHOLE] == plain.counts()[WHOLE]
    used, seen = floored.counts()[COMMON]
    assert abs(seen - (20_000 - rare)) < 0.1 * 20_000, "at rates that differ by the minute"
    assert used < 0.3 * 20_000, "a new key is thinned from its second minute on"


def test_within_a_minute_every_event_of_a_key_has_the_same_chance() -> None:
    """So nothing leans towards the minute's beginning: rates follow from the minute before alone."""
    pace = Pace(10.0, 100)
    stamps = np.repeat(np.arange(5) * MINUTE, 160) + np.tile(np.arange(160) * 300, 5)
    told = pace.take([b"k"] * 800, stamps).reshape(5, 160)
    assert [set(minute) for minute in told.tolist()] == [{1.0}] + [{1 / 16}] * 4


@given(
    floor=st.integers(1, 50), events=st.integers(1, 5_000),
)  # fmt: skip
@settings(max_examples=30)
def test_a_key_of_an_even_pace_is_expected_to_keep_its_floor(floor: int, events: int) -> None:
    """Or all it has, if these are fewer; and less than twice the floor, so no key undoes a low rate of its model."""
    pace = Pace(float(floor), 100)
    stamps = np.concatenate([np.full(events, T0), np.full(events, T0 + MINUTE)])
    rate = float(pace.take([b"k"] * (2 * events), stamps)[-1])
    assert rate * events >= min(events, floor) or rate == 1.0
    assert rate * events < 2 * floor or rate == 1.0


def test_keys_beyond_the_bound_are_thinned_like_all_and_the_first_stay() -> None:
    """In the order of the log, in any batches; a minute of silence makes room."""
    keys = [f"{i % 40}".encode() for i in range(400)]
    stamps = np.full(400, T0)
    once = Pace(5.0, 25)
    told = once.take(keys, stamps)
    assert told.reshape(10, 40).tolist() == [[1.0] * 25 + [0.0] * 15] * 10
    parts = Pace(5.0, 25)
    again = np.concatenate(
        [parts.take(keys[i : i + 7], stamps[i : i + 7]) for i in range(0, 400, 7)]
    )
    assert again.tolist() == told.tolist()
    assert repr(parts.payload()) == repr(once.payload())
    assert once.take([b"39", b"0", None], np.full(3, T0 + 2 * MINUTE)).tolist() == [1.0, 1.0, 0.0]


# -- what is joined --------------------------------------------------------------------------------------------------


def test_predictions_and_labels_of_an_id_share_their_fate_and_are_all_counted() -> None:
    """Rows for the join are chosen by the id; drift of predictions and of labels is judged by all of them."""
    sample = SampleRules(0.25)
    ids = [f"id{i}" for i in range(400)]
    told = {}
    for source, made in (
        (PREDICTIONS, [prediction(i, 1.0) for i in ids]),
        (LABELS, [label(i, "yes") for i in reversed(ids)]),
    ):
        log = [Message(None, value, T0) for value in made]
        reader = Reader(sample, source).read(log)
        assert reader.counts()[WHOLE] == (400, 400)
        (pane,) = reader.partition.fold_state.open.values()
        told[source] = sorted(pane.all_rows().id.tolist())
    assert told[PREDICTIONS] == told[LABELS]
    assert 60 < len(told[LABELS]) < 140


def mixed(number: int, seed: int) -> int:
    """Splitmix64, by whole numbers: what is written about it holds for logs that were sampled by older builds."""
    z = (number * 0x9E3779B97F4A7C15 + seed) % 2**64
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
    return (z ^ (z >> 31)) >> 11


@given(
    offsets=st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=20),
    partition=st.integers(0, 5),
    rate=st.floats(0.0, 1.0),
)
@settings(max_examples=50)
def test_what_is_kept_can_be_worked_out_by_anyone_from_topic_partition_and_offset(
    offsets: list[int], partition: int, rate: float
) -> None:
    source = Source(Kind.FEATURES, "clicks", partition)
    name = f"clicks:{partition}".encode()
    seed = int.from_bytes(blake2b(name, digest_size=8).digest(), "little")
    expected = [mixed(offset, seed) for offset in offsets]
    at = np.array(offsets, dtype=np.int64)
    assert draws(source, at).tolist() == expected
    keeps = [drawn < round(rate * 2**53) for drawn in expected]
    assert kept(source, at, rate).tolist() == keeps
    assert below(draws(source, at), np.full(len(at), rate)).tolist() == keeps
    ids = at.astype(np.uint64)
    lots = [mixed(offset, 0x6A09E667F3BCC909) for offset in offsets]
    assert kept_ids(ids, rate).tolist() == [lot < round(rate * 2**53) for lot in lots]


def test_a_rate_is_rounded_to_the_nearest_draw() -> None:
    """A twentieth of 2**53 is 450,359,962,737,049.6."""
    drawn = np.array([450_359_962_737_049, 450_359_962_737_050], dtype=np.uint64)
    assert below(drawn, 0.05).tolist() == [True, False]
    assert below(drawn, np.full(2, 0.05)).tolist() == [True, False]


@given(low=st.floats(0.01, 0.99), high=st.floats(0.01, 0.99))
@settings(max_examples=30)
def test_a_lower_rate_joins_a_subset(low: float, high: float) -> None:
    low, high = sorted((low, high))
    identity = np.random.default_rng(1).integers(0, 2**63, 3_000).astype(np.uint64)
    few, more = kept_ids(identity, low), kept_ids(identity, high)
    assert not (few & ~more).any()
    assert abs(more.mean() - high) < 0.06
