"""Stored panes that are added up give what they give when each series of each is merged by itself."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from detectors.summaries.summary import Summary
from stream.errors import CodecError
from stream.ingest import portions
from stream.ingest.pane import Binned, Pane
from stream.ingest.partition import pane_fields
from stream.ingest.pile import Pile
from stream.reference.book import Book
from stream.state.codec import pack, unpack
from stream.state.versions import dump
from stream.summaries.raw_values import Raw
from stream.words import Series
from tests.events import FEATURES, PANE, T0, Log, feature, reference_of, rules

NUMBER = T0 // PANE
PANES = 3
ROWS = [{"amount": i / 7, "channel": "web" if i % 3 else "app"} for i in range(40)]
SERIES = [Series("m", "1"), *(Series("m", "1", (("shop", f"s{i}"),)) for i in range(30))]
BOOK = Book([reference_of(ROWS, segment=series.segment) for series in SERIES])


def events(seed: int, n: int) -> list[bytes]:
    """Make events of three panes, some with values that no reference knows."""
    rng = np.random.default_rng(seed)
    return [
        feature(
            T0 + int(rng.integers(PANES)) * PANE,
            segment=dict(SERIES[1 + min(int(rng.geometric(0.2)), 30) - 1].segment),
            amount=float(rng.normal(3.0)),
            channel=str(rng.choice(["web", "app", "new"])),
        )
        for _ in range(n)
    ]


def folded(values: list[bytes], cuts: list[int], rate: float) -> Log:
    """Fold events with a commit at each of the cuts, so that panes lie in several places."""
    log = Log(FEATURES, BOOK, rules(series_max=100, sample=rate))
    for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
        log.fold(values[start:end], start)
        log.commit()
    return log


def places(log: Log, number: int) -> list[bytes | None]:
    return list(log.store.read(log.partition.key, pane_fields("m", NUMBER + number)))


def as_bytes(summary: Summary) -> tuple[bytes, bytes, object, object]:
    unseen = {i: values.state() for i, values in summary.unseen.items()}
    return summary.counts.tobytes(), summary.extremes.tobytes(), unseen, summary.thinned


@given(
    seeds=st.lists(st.integers(0, 99), min_size=1, max_size=3),
    cuts=st.lists(st.integers(1, 299), unique=True, max_size=8).map(sorted),
    rate=st.sampled_from([1.0, 0.5]),
)
@settings(max_examples=25, deadline=None)
def test_a_pile_is_the_sum_of_its_panes(seeds: list[int], cuts: list[int], rate: float) -> None:
    """Of several partitions, in however many places, with what is known beside counts and extremes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "FEW", 0)
        logs = [folded(events(seed, 300), cuts, rate) for seed in seeds]
    pile, truth = Pile("m"), dict[Series, Summary]()
    seen = dict[Series, int]()
    for i in range(PANES):
        for log in logs:
            of = places(log, i)
            if of[0] is None:
                continue
            pane = Pane.join("m", of, None)
            assert pile.add(i, of) == (pane.first, pane.last)
            for series, entry in pane.entries.items():
                assert isinstance(entry, Binned)
                seen[series] = seen.get(series, 0) | 1 << i
                if series in truth:
                    truth[series].merge(entry.summary)
                else:
                    truth[series] = entry.summary.copy()
    summaries, panes = pile.sum()
    told = dict(zip(pile.rows, summaries, strict=True))
    assert dict(zip(pile.rows, panes, strict=True)) == seen
    assert [as_bytes(told[series]) for series in truth] == list(map(as_bytes, truth.values()))
    assert [BOOK.by_digest(digest).series for digest in pile.digests] == list(pile.rows)


def test_raw_values_are_given_as_they_are() -> None:
    learning = Log(FEATURES, Book([reference_of(ROWS)]), rules(series_max=100))
    learning.run(events(0, 50))
    pile, of = Pile("m"), places(learning, 0)
    assert pile.add(0, of) is not None
    pane = Pane.join("m", of, None)
    assert {s for s, entry in pane.entries.items() if isinstance(entry, Raw)} == set(pile.raw[0])
    assert list(pile.rows) == [Series("m", "1")]
    for series, (raw,) in pile.raw[0].items():
        entry = pane.entries[series]
        assert isinstance(entry, Raw)
        assert dump("learn", raw.payload()) == dump("learn", entry.payload())


def test_two_references_of_a_series_and_one_that_is_raw_somewhere_are_left_to_who_reads_one_by_one() -> (
    None
):
    values = events(0, 50)
    binned = places(folded(values, [], 1.0), 0)
    others = [
        Book([reference_of(ROWS)]),
        Book([reference_of(ROWS[:20], segment=s.segment) for s in SERIES]),
    ]
    for book in others:
        log = Log(FEATURES, book, rules(series_max=100))
        log.run(values)
        pile = Pile("m")
        assert pile.add(0, binned) is not None
        assert pile.add(0, places(log, 0)) is None


@pytest.mark.parametrize("at", [4, 5, 6, 7])
def test_what_does_not_fit_together_is_refused(at: int) -> None:
    """Counts, extremes, sizes, numbers."""
    (whole, *_) = places(folded(events(0, 50), [], 1.0), 0)
    version, payload = unpack(whole or b"", "pane", newest=99)
    payload[at] = payload[at][:-1]

    def total() -> None:
        pile = Pile("m")
        pile.add(0, [pack("pane", version, payload)])
        pile.sum()

    with pytest.raises(CodecError):
        total()
