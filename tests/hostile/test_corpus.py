"""A bad event harms nothing but itself: every message of the corpus meets its declared fate."""

import tracemalloc
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from stream.evaluate.chains.learner import Learner
from stream.ingest.decode import Decoder
from stream.ingest.pane import Binned
from stream.ingest.raw import RawBatch, Source
from stream.reference.book import Book
from stream.state.fields import STATE, model_tag
from stream.words import Kind, Series
from tests.events import (
    FEATURES,
    LABELS,
    PREDICTIONS,
    T0,
    Log,
    batch,
    feature,
    label,
    learning,
    prediction,
    rules,
)
from tests.hostile.corpus import BYTES_MAX, FAMILIES, Hostile, corpus
from tests.ingest.books import book

SOURCES = {Kind.FEATURES: FEATURES, Kind.PREDICTIONS: PREDICTIONS, Kind.LABELS: LABELS}
RULES = rules(event_bytes_max=BYTES_MAX, models_max=10_000, series_max=10_000, columns_max=1_000)
READINGS: dict[str, tuple[Book, bool]] = {
    "typed": (book(), True), "by hand": (book(), False), "learning": (Book(), False),
}  # fmt: skip
"""The book that is known, and whether its types are used."""


class Reading(Log):
    """A log that is read in one of the ways, with Kafka's timestamps, at offsets of the test's choice."""

    def __init__(self, kind: Kind, how: str) -> None:
        known, self.typed = READINGS[how]
        super().__init__(SOURCES[kind], known, RULES)
        schemas = known.schemas(kind) if self.typed else []
        self.decoder = Decoder(kind, schemas, BYTES_MAX)

    def read(self, messages: Mapping[int, bytes | None], cuts: Sequence[int] = ()) -> "Reading":
        """Fold messages by their offsets, in batches that end at the cuts, and commit."""
        for part in np.split(np.array(sorted(messages)), sorted(cuts)):
            stamps = np.full(len(part), T0, dtype=np.int64)
            values = [messages[at] for at in part.tolist()]
            of_part = RawBatch(self.source, values, part, stamps)
            self.dead += self.partition.fold(of_part, self.decoder, self.book)
        self.commit()
        return self

    def invalid(self) -> set[str]:
        """Tell the columns of series m/1 that have invalid values."""
        found: set[str] = set()
        for pane in self.partition.fold_state.open.values():
            entry = pane.entries.get(Series("m", "1"))
            if isinstance(entry, Binned):
                layout = self.book.by_digest(entry.digest).layout
                found |= {
                    c.name
                    for i, c in enumerate(layout.columns)
                    if entry.summary.counts[layout.tail_of(i) + 1]
                }
        return found


def of_family(family: str) -> list[Hostile]:
    return [h for h in corpus() if h.family == family]


def told(hostile: Hostile, how: str) -> str:
    """Tell what is wrong with the fate of a message that stands alone; nothing if it is the declared one."""
    log = Reading(hostile.kind, how).read({7: hostile.value})
    counters = log.partition.fold_state.counters
    if hostile.dead is None:
        if log.dead or (counters.malformed, counters.folded) != (0, 1):
            return f"{hostile.id}: dead of {log.dead[0].reason}"
        spoilt = log.invalid()
        if how != "learning" and spoilt != hostile.spoils:
            return f"{hostile.id}: spoils {spoilt}, not {set(hostile.spoils)}"
        return ""
    if len(log.dead) != 1 or (counters.malformed, counters.folded) != (1, 0):
        return f"{hostile.id}: lives"
    (letter,) = log.dead
    if (letter.source, letter.offset, letter.value) != (log.source, 7, hostile.value):
        return f"{hostile.id}: another letter"
    return "" if hostile.dead in letter.reason else f"{hostile.id}: dead of {letter.reason}"


def test_the_corpus_is_large_and_every_message_has_a_name_of_its_own() -> None:
    """A message that stands there twice would count for two."""
    assert len({hostile.value for hostile in corpus()}) >= 300
    assert len({hostile.id for hostile in corpus()}) == len(corpus())
    assert {hostile.family for hostile in corpus()} == set(FAMILIES)


@pytest.mark.parametrize("how", READINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_each_message_alone_meets_its_declared_fate(family: str, how: str) -> None:
    """Dead with its bytes, place and reason; or read, and invalid in the declared columns and in no other."""
    assert [wrong for h in of_family(family) if (wrong := told(h, how))] == []


def honest(kind: Kind, n: int) -> list[bytes]:
    """Make good events of m/1, m/2 and n/1, all in time."""
    made = []
    for i in range(n):
        ts, version = T0 + 37 * i % 20_000, str(1 + i % 2)
        if kind is Kind.FEATURES:
            made.append(
                feature(ts, model="mn"[i % 3 == 2], version=version, amount=i / 7, channel="web")
            )
        elif kind is Kind.PREDICTIONS:
            made.append(prediction(f"id{i}", i / 7, ts, version))
        else:
            made.append(label(f"id{i}", ("yes", "no")[i % 2], ts))
    return made


Messages = dict[int, bytes | None]


def mixed(hostile: Sequence[Hostile]) -> Iterator[tuple[Kind, Messages, Messages, list[int]]]:
    """Give for each kind a log of hostile among good ones, the log of the good alone, and where the bad are."""
    for kind in SOURCES:
        bad = [h.value for h in hostile if h.kind is kind]
        good = honest(kind, len(bad) + 1)
        if bad:
            alone: Messages = {2 * i: value for i, value in enumerate(good)}
            places = {2 * i + 1: value for i, value in enumerate(bad)}
            yield kind, alone | places, alone, list(places)


@pytest.mark.parametrize("how", READINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_dead_ones_leave_no_trace_in_any_pane_of_others(family: str, how: str) -> None:
    """All fields of the state but two counters are those of the log without them, to the byte; each letter once."""
    dead = [h for h in of_family(family) if h.dead is not None]
    for kind, log, alone, places in mixed(dead):
        with_bad, without = Reading(kind, how).read(log), Reading(kind, how).read(alone)
        assert [(letter.source, letter.offset) for letter in with_bad.dead] == [
            (with_bad.source, place) for place in places
        ]
        counters, expected = (r.partition.fold_state.counters for r in (with_bad, without))
        assert counters == replace(expected, seen=len(log), malformed=len(places))
        fields, others = with_bad.fields(), without.fields()
        assert {f: v for f, v in fields.items() if f != STATE} == {
            f: v for f, v in others.items() if f != STATE
        }


@pytest.mark.parametrize("how", READINGS)
@pytest.mark.parametrize("family", FAMILIES)
def test_those_that_are_read_touch_no_pane_of_another_model(family: str, how: str) -> None:
    """Whatever an event of m holds, n's panes are those of the log without it, byte by byte."""
    read = [h for h in of_family(family) if h.dead is None and h.name != "fine just in time"]
    tag = model_tag("n")
    for kind, log, alone, _ in mixed(read):
        with_bad, without = Reading(kind, how).read(log), Reading(kind, how).read(alone)
        assert with_bad.dead == []
        of_n = {f: v for f, v in without.fields().items() if tag in f}
        assert of_n or kind is not Kind.FEATURES
        assert {f: v for f, v in with_bad.fields().items() if tag in f} == of_n


@pytest.mark.parametrize("how", READINGS)
def test_any_batches_give_the_same_bytes_and_the_same_letters(how: str) -> None:
    """The whole corpus among good ones: at once, in a few batches, one by one."""
    for kind, log, _, _ in mixed([h for h in corpus() if len(h.value or b"") < 100_000]):
        one = Reading(kind, how).read(log)
        few = np.random.default_rng(5).choice(len(log), 9, replace=False).tolist()
        for cuts in (few, list(range(1, len(log)))):
            many = Reading(kind, how).read(log, cuts)
            assert many.fields() == one.fields()
            assert many.dead == one.dead


def test_typed_and_by_hand_give_the_same_bytes_and_the_same_reasons() -> None:
    """So a worker that has just learned a reference reads as one that has not."""
    for kind, log, _, _ in mixed(corpus()):
        typed, by_hand = (Reading(kind, how).read(log) for how in ("typed", "by hand"))
        assert typed.fields() == by_hand.fields()
        assert typed.dead == by_hand.dead


def test_a_reference_can_be_learned_from_the_whole_corpus() -> None:
    """Its columns are bounded in number and in the length of their names and values, and it can be stored."""
    for kind in SOURCES:
        log = Reading(kind, "learning").read(
            {i: h.value for i, h in enumerate(corpus()) if h.kind is kind and "late" not in h.name}
        )
        learner = Learner(Series("m", "1"), kind, learning(columns_max=1_000))
        for (model, number), pane in log.partition.fold_state.open.items():
            entry = pane.entries.get(learner.series)
            if model == "m" and entry is not None and not isinstance(entry, Binned):
                learner.take(number, entry)
        reference = learner.freeze("learned")
        assert 0 < len(reference.columns) <= 1_000
        for column in reference.columns:
            texts = [column.name, *(v for v in column.values if isinstance(v, str))]
            assert max(len(text.encode()) for text in texts) <= 256
        assert len(reference.packed) < 1_000_000


def test_what_is_refused_for_its_size_costs_no_memory() -> None:
    """Ten megabytes are looked at by their length only, and a megabyte of anything by no more than fifty times that."""
    for how in ("typed", "by hand"):
        for h in corpus():
            size = len(h.value or b"")
            if size < 100_000:
                continue
            decoder = Decoder(h.kind, book().schemas(h.kind) if how == "typed" else [], BYTES_MAX)
            message = batch(Source(h.kind, "t", 0), [h.value])
            tracemalloc.start()
            try:
                decoder.decode(message, 0)
                peak = tracemalloc.get_traced_memory()[1]
            finally:
                tracemalloc.stop()
            assert peak < (100_000 if size > BYTES_MAX else 50 * BYTES_MAX), h.id
