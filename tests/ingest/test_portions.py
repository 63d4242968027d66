"""What is written of a pane grows with what changed, and what stands at all its places is the whole."""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stream.evaluate.panes.gather import Span, gather_panes
from stream.ingest import portions
from stream.ingest.pane import Pane
from stream.ingest.partition import pane_fields
from stream.ingest.portions import FEW, PLACES, Portions
from stream.reference.book import Book
from stream.state.codec import pack, unpack
from stream.state.fields import pane_field
from stream.words import Series
from tests.events import APP, FEATURES, PANE, T0, Log, feature, reference_of, rules

NUMBER = T0 // PANE
NUMBERS = range(-10, 50)
"""Of series: those that keep raw values have negative ones."""
SERIES = [Series("m", "1", (("shop", f"s{s:03}"),)) for s in range(60)]
ROWS = [{"amount": i / 7, "age": i % 5} for i in range(40)]
KNOWN = Book(
    [reference_of(ROWS), *(reference_of(ROWS[:20], segment=s.segment) for s in SERIES[:50])]
)
"""Ten of the series have no reference and learn."""


@given(
    steps=st.lists(st.sets(st.sampled_from(NUMBERS), max_size=40), min_size=1, max_size=60),
    lost=st.integers(0, 60),
)
def test_the_latest_place_of_a_series_tells_how_it_stands(steps: list[set[int]], lost: int) -> None:
    """Whatever changes when, and though somebody else goes on in between."""
    written: dict[int, dict[int, int]] = {}
    truth = dict.fromkeys(NUMBERS, -1)
    ours = Portions()
    for now, changed in enumerate(steps):
        if now == lost:
            ours = Portions(stored=max(written, default=0))
        truth |= dict.fromkeys(changed, now)
        place, series, void = ours.next(changed, len(NUMBERS))
        written[place] = {one: truth[one] for one in (truth if series is None else series)}
        for gone in void:
            del written[gone]
        told: dict[int, int] = {}
        for at in sorted(written):
            told |= written[at]
        assert told == truth
        assert sorted(written) == list(range(len(written)))
        assert len(written) <= PLACES + 1


@pytest.mark.parametrize(("share", "most"), [(0.01, 6.0), (0.1, 4.0), (1.0, 1.0)])
def test_each_change_is_written_a_few_times_only(share: float, most: float) -> None:
    """Of 10,000 series other ones in each of 200 commits; written whole, it were `1 / share` times."""
    held = 10_000
    rng, ours = np.random.default_rng(0), Portions()
    ours.next(set(range(held)), held)
    n = round(share * held)
    written = 0
    for _ in range(200):
        portion = ours.next(set(rng.choice(held, n, replace=False).tolist()), held)
        written += held if portion.series is None else len(portion.series)
    assert written <= most * 200 * n


def events(rng: np.random.Generator, n: int) -> list[bytes]:
    """Make events of three panes, some series more often than others."""
    of = np.minimum(rng.geometric(0.05, n), len(SERIES)) - 1
    return [
        feature(T0 + int(i) % 3 * PANE, segment=dict(SERIES[s].segment), amount=float(i), age=None)
        for i, s in enumerate(of.tolist())
    ]


def panes(log: Log) -> Iterator[bytes]:
    """Give each pane as it is stored, put into one place."""
    for number in range(NUMBER, NUMBER + 3):
        places = log.store.read(log.partition.key, pane_fields("m", number))
        if places[0] is not None:
            yield Pane.join("m", places, None).pack()


def folded(values: Sequence[bytes], cuts: Sequence[int] = (), crashes: Sequence[int] = ()) -> Log:
    """Fold events with a commit at each of the cuts, and a new owner behind some."""
    log = Log(FEATURES, KNOWN, rules(series_max=100))
    for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
        log.fold(values[start:end], start)
        log.commit()
        if start in crashes:
            log.crash()
    return log


@given(
    seed=st.integers(0, 99),
    cuts=st.lists(st.integers(0, 400), unique=True, max_size=30).map(sorted),
    crashes=st.lists(st.integers(0, 29), max_size=3),
    few=st.sampled_from([0, FEW]),
)
@example(seed=0, cuts=[1, 4], crashes=[0], few=0)
@settings(max_examples=40, deadline=None)
def test_panes_committed_now_and_then_are_those_committed_once(
    seed: int, cuts: list[int], crashes: list[int], few: int
) -> None:
    """Summaries and raw values alike, whoever wrote them; and the evaluation reads the same."""
    values = events(np.random.default_rng(seed), 400)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions, "FEW", few)
        once = folded(values)
        often = folded(values, cuts, [cuts[i] for i in crashes if i < len(cuts)])
    assert list(panes(often)) == list(panes(once))
    ours, theirs = (
        [
            (pane.number, pane.evidence, sorted(pane.parts))
            for stored in gather_panes(log.store, APP, {"m": Span(NUMBER, NUMBER + 3)}, [FEATURES])[
                "m"
            ]
            for pane in (stored.merged(),)
        ]
        for log in (often, once)
    )
    assert ours == theirs


def kept(log: Log) -> dict[bytes, bytes]:
    """Tell the fields of the partition, and leave it to its owner."""
    return log.store.peek(log.partition.key)


def size(log: Log, before: dict[bytes, bytes]) -> int:
    """Tell the bytes of panes that differ from those before."""
    return sum(len(v) for f, v in kept(log).items() if f[:2] in (b"p:", b"u:") and before.get(f) != v)  # fmt: skip


def test_a_commit_writes_the_series_that_changed() -> None:
    """Two of fifty: a tenth of what the pane takes."""
    every = [feature(T0, segment=dict(s.segment), amount=1.0) for s in SERIES[:50]]
    log = folded(every)
    whole, before = size(log, {}), kept(log)
    log.fold(every[3:5], 50)
    log.commit()
    assert 0 < size(log, before) < whole / 6
    assert sum(f[:2] == b"u:" for f in kept(log)) == 1


def test_a_pane_that_was_loaded_is_written_whole_and_its_other_places_are_void() -> None:
    """So whoever reads it knows of places, and none of an owner before counts any more."""
    every = [feature(T0, segment=dict(s.segment), amount=1.0) for s in SERIES[:50]]
    log = folded(every)
    log.fold(every[:1], 50)
    log.commit()
    former = kept(log)
    later = pane_field("m", NUMBER, 1)
    assert former[later]
    log.crash()
    log.fold(every[1:2], 51)
    log.commit()
    assert kept(log)[later] == b""
    assert list(panes(log)) == list(panes(folded([*every, *every[:2]])))


def test_what_a_loaded_pane_counts_after_a_commit_is_in_the_next_one() -> None:
    """A series that takes its seat only then moves onto the shelf, behind the back of who packed it before."""
    every = [feature(T0, segment=dict(s.segment), amount=1.0) for s in SERIES[:3]]
    log = folded(every)
    log.crash()
    for offset, value in enumerate(every, 3):
        log.fold([value], offset)
        log.commit()
    assert list(panes(log)) == list(panes(folded([*every, *every])))


def test_places_go_with_their_pane() -> None:
    every = [feature(T0, segment=dict(s.segment), amount=1.0) for s in SERIES[:50]]
    log = folded(every)
    log.fold([every[0], feature(T0 + 9 * PANE, amount=1.0)], 50)
    log.commit()
    assert any(f[:2] == b"u:" for f in kept(log))
    log.partition.clean({"m": NUMBER + 5}, retention_panes=0)
    assert not any(f[:2] == b"u:" for f in kept(log))


def test_a_pane_of_version_3_has_no_places_and_goes_on() -> None:
    """An older release wrote it; it does not read ours, whose places it would overlook."""
    values = events(np.random.default_rng(1), 200)
    log = folded(values[:100])
    for number in range(NUMBER, NUMBER + 3):
        field = pane_field("m", number)
        blob = kept(log)[field]
        log.store._hashes[log.partition.key][field] = pack("pane", 3, unpack(blob, "pane", 4)[1])
    log.crash()
    log.fold(values[100:], 100)
    log.commit()
    assert list(panes(log)) == list(panes(folded(values)))
