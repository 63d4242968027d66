"""The join is a dictionary: the first prediction and the first label of an id, whatever comes in between."""

from collections import defaultdict
from dataclasses import astuple

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.evaluate.panes.join import Join, JoinRules
from stream.summaries.rows import Party, Rows, hash_texts, said

WAIT_PANES = 4
IDS = st.sampled_from("abcdef")
VALUES = st.integers(-5, 5) | st.sampled_from(["yes", "no"])
Told = tuple[str, object, object]
EVENTS = st.lists(
    st.tuples(st.integers(0, 12), st.booleans(), IDS, VALUES, st.none() | st.none() | VALUES),
    max_size=40,
)
Events = list[tuple[int, bool, str, object, object]]
DE = (("c", "DE"),)


def party(identity: str) -> Party:
    return ("1", DE) if identity in "ab" else ("2", ())


def rows_of(told: list[Told], *, labels: bool) -> Rows | None:
    """Rows in the order told: times ascend."""
    if not told:
        return None
    parties: list[Party] = [("", ())] if labels else [("1", DE), ("2", ())]
    who = [0 if labels else parties.index(party(identity)) for identity, _, _ in told]
    return Rows(
        parties, np.array(who), hash_texts([identity for identity, _, _ in told]), np.arange(len(told)),
        said([value for _, value, _ in told]), said([brought for _, _, brought in told]),
    )  # fmt: skip


class Runner:
    """Feeds a join pane by pane, keeps its packed rows as a store would, and can start it anew from them."""

    def __init__(self, waiting_max: int = 10**6) -> None:
        self.rules = JoinRules(WAIT_PANES * 10, waiting_max, 10)
        self.join = Join("m", self.rules)
        self.kept: dict[int, bytes] = {}
        self.lost_deletions = False
        self.out: list[tuple[int, str, tuple[object, ...], float]] = []

    def step(self, number: int, predictions: list[Told], labels: list[Told]) -> None:
        sides = rows_of(predictions, labels=False), rows_of(labels, labels=True)
        if sides == (None, None):
            return
        errors, packed, dropped = self.join.step(number, *sides)
        if packed is not None:
            self.kept[number] = packed
        for gone in () if self.lost_deletions else dropped:
            self.kept.pop(gone, None)
        for series, raw in errors.items():
            for error in raw.columns["error"]:
                assert isinstance(error, float)
                self.out.append((number, series.version, series.segment, error))

    def restart(self) -> None:
        first, counters = self.join.first_pane(), self.join.counters
        self.join = Join("m", self.rules)
        self.join.counters = counters
        for number in sorted(self.kept):
            if number >= first:
                self.join.restore(number, self.kept[number])

    def run(self, events: Events, restarts: frozenset[int] = frozenset()) -> "Runner":
        panes: dict[int, tuple[list[Told], list[Told]]] = defaultdict(lambda: ([], []))
        for pane, is_label, identity, value, brought in events:
            panes[pane][is_label].append((identity, value, brought if is_label else None))
        for number in sorted(panes):
            self.step(number, *panes[number])
            if number in restarts:
                self.restart()
        return self


def oracle(
    events: Events,
) -> tuple[list[tuple[int, str, tuple[object, ...], float]], int, int, int]:
    """Join with two plain dictionaries; give the errors, and how many were joined, repeated, expired."""
    held: list[dict[str, tuple[int, object]]] = [{}, {}]
    met: set[str] = set()
    out: list[tuple[int, str, tuple[object, ...], float]] = []
    repeats = expired = joined = 0
    for pane, is_label, identity, value, brought in sorted(events, key=lambda e: (e[0], e[1])):
        for side in (0, 1):
            for old in [i for i, (since, _) in held[side].items() if since < pane - WAIT_PANES]:
                del held[side][old]
                if side == 0:
                    expired += old not in met
                    met.discard(old)
        if is_label and brought is not None:
            joined += 1
            out.append((pane, "", (), error(brought, value)))
            continue
        if identity in held[is_label]:
            repeats += 1
            continue
        held[is_label][identity] = (pane, value)
        if identity in held[1 - is_label]:
            met.add(identity)
            joined += 1
            version, segment = party(identity)
            wrong = error(held[0][identity][1], held[1][identity][1])
            out += [(pane, version, part, wrong) for part in {(), segment}]
    return out, joined, repeats, expired


def error(prediction: object, label: object) -> float:
    if isinstance(prediction, int) and isinstance(label, int):
        return float(abs(prediction - label))
    return float(prediction != label)


@given(events=EVENTS)
@settings(max_examples=200)
def test_the_join_is_that_of_two_dictionaries(events: Events) -> None:
    """Label first or prediction first, repeats, expiry, labels that bring their prediction, numbers and texts."""
    runner = Runner().run(events)
    out, joined, repeats, expired = oracle(events)
    assert sorted(runner.out) == sorted(out)
    assert astuple(runner.join.counters) == (joined, repeats, expired, 0)


@given(
    events=EVENTS,
    restarts=st.frozensets(st.integers(0, 12)),
    most=st.sampled_from([4, 10**6]),
    lost=st.booleans(),
)
@settings(max_examples=150)
def test_a_join_restored_from_its_packed_rows_goes_on_exactly(
    events: Events, restarts: frozenset[int], most: int, lost: bool
) -> None:
    """Even where rows that were let go are still in the store, because their deletion was lost."""
    unbroken, broken = Runner(most), Runner(most)
    broken.lost_deletions = lost
    unbroken.run(events)
    broken.run(events, restarts)
    assert broken.out == unbroken.out
    assert broken.join.counters == unbroken.join.counters
    assert len(broken.join) == len(unbroken.join)


@given(events=EVENTS)
@settings(max_examples=60)
def test_a_join_never_holds_more_than_its_cap(events: Events) -> None:
    panes: dict[int, Events] = defaultdict(list)
    for event in events:
        panes[event[0]].append(event)
    runner = Runner(waiting_max=3)
    for number in sorted(panes):
        runner.run(panes[number])
        assert len(runner.join) <= 3


def test_the_oldest_panes_are_evicted_first_and_counted() -> None:
    runner = Runner(waiting_max=2)
    runner.step(0, [("a", 1, None)], [])
    runner.step(1, [("b", 1, None), ("c", 1, None)], [])
    runner.step(2, [], [("a", 2, None), ("b", 3, None)])
    assert [(pane, wrong) for pane, *_, wrong in runner.out if pane == 2] == [(2, 2.0), (2, 2.0)]
    assert runner.join.counters.evicted == 2
    assert len(runner.join) == 2


def test_an_error_belongs_to_the_predictions_version_and_segment_and_to_the_later_pane() -> None:
    runner = Runner()
    runner.step(3, [], [("a", 10, None)])
    runner.step(5, [("a", 7, None)], [])
    assert sorted(runner.out) == [(5, "1", (), 3.0), (5, "1", DE, 3.0)]
