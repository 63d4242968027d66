"""Events of many models in a batch are counted as if each model were alone, and most of them in one pass."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import stream.ingest.fold as folding
from stream.ingest import decode
from stream.ingest.crowd import SEATS_MAX, Crowd
from stream.ingest.fold import FoldRules
from stream.ingest.group import group_by_model
from stream.ingest.ladder import LadderRules
from stream.ingest.pane import Pane
from stream.ingest.partition import pane_fields
from stream.ingest.roster import DAY_MS
from stream.ingest.sample import Key, SampleRules
from stream.ingest.thinning import Chosen
from stream.reference.book import Book
from tests.events import FEATURES, PANE, T0, Log, feature, reference_of, rules
from tests.ingest.books import ROWS

ALIKE = ("a", "b", "c")
"""Models whose columns have the same names and types, not the same bins."""
SHOP = (("shop", "s0"),)
OTHER = [{"amount": i * 0.5, "extra": float(i)} for i in range(40)]
BOOK = Book([
    *(reference_of(ROWS[i:], model=model, bins=4 + i) for i, model in enumerate(ALIKE)),
    reference_of(ROWS[:20], model="a", segment=SHOP, bins=3),
    reference_of(ROWS[:40], model="b", segment=SHOP),
    reference_of(ROWS[:50], model="c", segment=SHOP),
    reference_of(OTHER, model="other"),
    reference_of(ROWS[20:], model="a", version="2", bins=7),
])  # fmt: skip
"""Shop s1 has no reference, and of the model `new` nothing is known."""
MODELS = (*ALIKE, "other", "new")


def _event(model: str, ts: int, shop: str, version: str, values: dict[str, object]) -> bytes:
    told = {"model": model, "version": version, "ts": T0 + ts, "features": values}
    return orjson.dumps(told | ({"segment": {"shop": shop}} if shop else {}))


EVENTS = st.lists(
    st.builds(
        _event, st.sampled_from(MODELS), st.integers(0, 6 * PANE), st.sampled_from(["", "", "s0", "s1"]),
        st.sampled_from(["1", "1", "1", "2"]),
        st.fixed_dictionaries({}, optional={
            "amount": st.none() | st.floats(-50, 150) | st.just("no number"),
            "channel": st.sampled_from(["web", "app", "new", "x" * 300, None]),
            "member": st.booleans() | st.none(),
            "few": st.sampled_from([0, 1, 2, 7, -0.0, None]),
        }),
    ),
    min_size=1, max_size=60,
)  # fmt: skip
CUTS = st.lists(st.integers(0, 60), max_size=5)


def _sampled(sample: SampleRules) -> FoldRules:
    return replace(rules(), sample=sample)


def _same(values: Sequence[bytes], cuts: Sequence[int], log: Log, alone: Log) -> None:
    expected = alone.run(values, range(1, len(values))).fields()
    assert log.run(values, [cut for cut in cuts if cut <= len(values)]).fields() == expected


@given(values=EVENTS, cuts=CUTS)
@settings(max_examples=120)
def test_many_models_in_a_batch_leave_the_state_of_each_event_alone(
    values: list[bytes], cuts: list[int]
) -> None:
    """One event a batch never goes the way of many; the bytes of panes, rosters and counters are the same."""
    _same(values, cuts, Log(FEATURES, BOOK), Log(FEATURES, BOOK))


@given(values=EVENTS)
@settings(max_examples=60)
def test_events_of_many_models_that_are_read_in_portions_leave_the_same_state(
    values: list[bytes],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(decode, "PORTION", 7)
        _same(values, [len(values) // 2], Log(FEATURES, BOOK), Log(FEATURES, BOOK))


@given(
    values=EVENTS,
    cuts=CUTS,
    days=st.lists(st.sampled_from([0, 0, 0, 1, 9]), min_size=60, max_size=60),
)
@settings(max_examples=80)
def test_the_same_where_there_is_no_room_for_all_series_and_days_pass(
    values: list[bytes], cuts: list[int], days: list[int]
) -> None:
    """Who is long silent gives way, so that seats that are noted may be those of somebody who has left."""
    told = [orjson.loads(value) for value in values]
    moved = [
        orjson.dumps(event | {"ts": event["ts"] + day * DAY_MS})
        for event, day in zip(told, days, strict=False)
    ]
    tight = rules(series_max=2, partition_series_max=5, models_max=4, lateness_ms=20 * DAY_MS)
    _same(moved, cuts, Log(FEATURES, BOOK, tight), Log(FEATURES, BOOK, tight))


@given(values=EVENTS, cuts=CUTS, rung=st.integers(0, 2))
@settings(max_examples=30)
def test_the_same_while_the_rate_goes_up_and_down(
    values: list[bytes], cuts: list[int], rung: int
) -> None:
    thinned = _sampled(SampleRules(1.0, ladder=LadderRules()))
    logs = Log(FEATURES, BOOK, thinned), Log(FEATURES, BOOK, thinned)
    for log in logs:
        log.partition.retune(rung)
    _same(values, cuts, *logs)


@given(
    values=EVENTS,
    cuts=CUTS,
    rate=st.sampled_from([0.9, 0.5, 0.3]),
    other=st.sampled_from([None, 0.2, 1.0]),
    rung=st.integers(0, 1),
)
@settings(max_examples=80)
def test_a_sample_of_many_models_stands_for_what_each_event_alone_stands_for(
    values: list[bytes], cuts: list[int], rate: float, other: float | None, rung: int
) -> None:
    """At one rate, at one that a model does not share, and on a rung of the ladder."""
    sample = SampleRules(rate, {} if other is None else {"b": other}, LadderRules())
    logs = Log(FEATURES, BOOK, _sampled(sample)), Log(FEATURES, BOOK, _sampled(sample))
    for log in logs:
        log.partition.retune(rung)
    met = _many(24)
    _same([*met, *values], [len(met), *(len(met) + cut for cut in cuts)], *logs)


def test_what_a_model_counts_after_others_came_is_in_the_next_commit() -> None:
    """They make the shelf that they share grow, so what was packed before lies elsewhere by then."""
    names = [f"m{i}" for i in range(20)]
    book = Book([reference_of(ROWS, model=name, bins=40) for name in names])
    first, *others = [feature(T0, name, amount=1.0) for name in names]
    logs = Log(FEATURES, book), Log(FEATURES, book)
    for log, cuts in zip(logs, ([], [1, len(names)]), strict=True):
        values = [first, *others, first]
        for start, end in zip([0, *cuts], [*cuts, len(values)], strict=True):
            log.fold(values[start:end], start)
            log.commit()
    once, often = (
        [Pane.join(name, log.store.read(log.partition.key, pane_fields(name, T0 // PANE)), None).pack()
         for name in names]
        for log in logs
    )  # fmt: skip
    assert often == once


def _many(n: int, seed: int = 0) -> list[bytes]:
    return [
        feature(T0 + seed * 100 + i, ALIKE[i % 3], segment={"shop": "s0"} if i % 2 else None,
                amount=1.0 * i, channel="web", few=1)
        for i in range(n)
    ]  # fmt: skip


@pytest.fixture
def long_way(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Tell how many events of each batch were looked at model by model."""
    seen: list[int] = []

    def grouped(decoded: Any, chosen: Any, *more: Any) -> Any:
        seen.append(len(chosen))
        return group_by_model(decoded, chosen, *more)

    monkeypatch.setattr(folding, "group_by_model", grouped)
    return seen


def test_who_was_met_on_a_day_is_counted_in_one_pass_from_then_on(long_way: list[int]) -> None:
    log = Log(FEATURES, BOOK)
    for i in range(3):
        log.fold(_many(12, i), 12 * i)
    assert long_way == [12, 0, 0]
    log.fold([*_many(6, 4), feature(T0, "new", x=1.0), feature(T0 + PANE, "a", amount=1.0)], 36)
    assert long_way[-1] == 1, "a model of which nothing is known; not who begins a pane"


def test_a_sample_at_one_rate_is_counted_in_one_pass_and_others_model_by_model(
    long_way: list[int],
) -> None:
    for models, counted in (({}, True), ({"b": 0.9}, False)):
        thinned = _sampled(SampleRules(0.5, models))
        log = Log(FEATURES, BOOK, thinned)
        for i in range(3):
            log.fold(_many(60, i), 60 * i)
        log.commit()
        first, *others = long_way
        assert first > 0
        assert (others == [0, 0]) is counted
        values = [value for i in range(3) for value in _many(60, i)]
        assert log.fields() == Log(FEATURES, BOOK, thinned).run(values, range(1, 180)).fields()
        long_way.clear()


def test_events_have_one_rate_only_where_models_steps_and_floors_of_keys_leave_it_to_all() -> None:
    """Whom a key's floor keeps counts in its segment at a rate of its own, and perhaps not in its whole."""

    def rate(rules: SampleRules, steps: Sequence[float], floors: Sequence[float]) -> float | None:
        at, drawn = np.arange(len(steps)), np.zeros(len(steps), np.uint64)
        return Chosen(rules, at, drawn, np.array(steps), np.array(floors)).rate

    even, keyed = SampleRules(0.5), SampleRules(0.5, key=Key.SERIES, floor=1.0)
    assert rate(even, [0.25, 0.25], [0.0, 0.0]) == 0.125
    assert rate(keyed, [0.25, 0.25], [0.0, 0.0]) == 0.125
    assert rate(keyed, [0.25, 0.25], [0.0, 0.2]) is None
    assert rate(even, [0.25, 0.5], [0.0, 0.0]) is None
    assert rate(SampleRules(0.5, {"b": 0.9}), [0.25, 0.25], [0.0, 0.0]) is None
    assert rate(even, [], []) is None


def test_who_begins_a_pane_is_looked_at_only_if_nobody_could_be_refused(
    long_way: list[int],
) -> None:
    """Nor do events of two days that come together take seats at once, as rosters go by days."""
    log = Log(FEATURES, BOOK)
    log.fold(_many(12), 0)
    tomorrow = T0 + DAY_MS
    log.fold([feature(tomorrow, model, amount=1.0) for model in ALIKE], 12)
    log.fold([feature(tomorrow + PANE, model, amount=1.0) for model in ALIKE], 15)
    log.fold(
        [feature(tomorrow + PANE, "a", "2", amount=1.0), feature(tomorrow, "b", amount=1.0)], 18
    )
    assert long_way == [12, 3, 0, 1], "of a day, and of a version, that is new"


@given(
    values=EVENTS,
    cuts=CUTS,
    panes=st.lists(st.integers(0, 3), min_size=60, max_size=60),
)
@settings(max_examples=80)
def test_panes_that_begin_with_many_models_are_those_of_each_event_alone(
    values: list[bytes], cuts: list[int], panes: list[int]
) -> None:
    """Whatever is met, in whichever order, in panes that follow one another, with series that have no reference."""
    told = [orjson.loads(value) for value in values]
    moved = [
        orjson.dumps(event | {"ts": T0 + sum(panes[: i // 8]) * PANE + event["ts"] % PANE})
        for i, event in enumerate(told)
    ]
    everybody = [feature(T0, model, segment=dict(SHOP), amount=1.0) for model in ALIKE]
    _same([*everybody, *moved], [len(everybody), *cuts], Log(FEATURES, BOOK), Log(FEATURES, BOOK))


def test_models_of_the_same_columns_share_a_shelf_and_no_others() -> None:
    log = Log(FEATURES, BOOK)
    log.fold([*_many(6), feature(T0, "other", extra=1.0)])
    shelves = {model: pane.shelf for (model, _), pane in log.partition.fold_state.open.items()}
    assert shelves["a"] is shelves["b"] is shelves["c"] is not shelves["other"]


def test_a_commit_takes_back_only_that_its_own_series_had_changed() -> None:
    """Panes of several models are written one after the other from one shelf, of each the series that changed."""
    shops = [f"s{i}" for i in range(40)]
    several = Book(
        reference_of(ROWS[:30], model=model, segment=segment)
        for model in ("a", "b")
        for segment in ((), *((("shop", shop),) for shop in shops))
    )
    all_of_them = [
        feature(T0, model, segment={"shop": shop}, amount=1.0) for shop in shops for model in "ab"
    ]
    few = [
        feature(T0, "a", segment={"shop": "s1"}, amount=2.0),
        feature(T0, "b", segment={"shop": "s2"}, amount=3.0),
    ]
    log = Log(FEATURES, several).run(all_of_them)
    log.fold(few, len(all_of_them))
    log.commit()
    log.crash()
    unbroken = Log(FEATURES, several).run([*all_of_them, *few])
    stored, expected = (of.partition.fold_state.open for of in (log, unbroken))
    assert {key: pane.pack() for key, pane in stored.items()} == {
        key: pane.pack() for key, pane in expected.items()
    }


OLD = [feature(T0, "a", version=version, amount=1.0) for version in ("1", "2")] * 2
NEW = feature(T0 + 9 * DAY_MS, "a", version="3", amount=1.0)
"""Of a series that one who was silent for nine days gives way to, as there is room for two."""
OF_B = feature(T0, "b", amount=1.0)


@pytest.mark.parametrize(
    ("values", "cuts"),
    [
        ([*OLD, OF_B, NEW, OLD[0], OF_B], [5]),
        ([*OLD, OF_B, NEW, feature(T0 + 9 * DAY_MS, "b", amount=1.0), OLD[0], OF_B], [5, 7]),
    ],
    ids=["within a batch", "between batches"],
)
def test_who_has_given_way_counts_no_more_though_its_seat_was_noted(
    values: list[bytes], cuts: list[int]
) -> None:
    tight = rules(series_max=2, lateness_ms=20 * DAY_MS)
    logs = Log(FEATURES, BOOK, tight), Log(FEATURES, BOOK, tight)
    _same(values, cuts, *logs)
    refused = [log.partition.fold_state.counters.series_refused for log in logs]
    assert refused == [1, 1]


def test_a_model_whose_columns_change_within_a_pane_stays_on_its_shelf() -> None:
    """From a new reference on its events are read as those of another model, whose shelf is another one."""
    wide = [row | {"extra": 1.0 * i} for i, row in enumerate(ROWS)]
    values = [
        feature(T0 + i, model, amount=1.0 * i, extra=2.0)
        for i, model in enumerate(["a", "b", "wide"] * 8)
    ]

    def told(*, together: bool) -> dict[bytes, bytes]:
        book = Book([*BOOK.all(), reference_of(wide, model="wide")])
        log = Log(FEATURES, book)
        step = 6 if together else 1
        for first in range(0, len(values), step):
            if first == 12:
                book.add(reference_of(wide, model="a", version="9"))
            log.fold(values[first : first + step], first)
        log.commit()
        return log.fields()

    assert told(together=True) == told(together=False)


def test_what_is_noted_is_bounded_and_gone_with_its_pane(long_way: list[int]) -> None:
    log = Log(FEATURES, BOOK)
    crowd: Crowd = log.partition.fold_state._crowd
    log.fold(_many(12))
    assert set(crowd._noted) == {T0 // PANE}
    log.fold([feature(T0 + 20 * PANE, "a", amount=1.0)], 12)
    log.commit()
    log.commit()
    assert T0 // PANE not in crowd._noted
    assert T0 // PANE not in log.partition.fold_state._seating._shelves
    parties = log.last_decoder._parties.list if log.last_decoder else []
    parties += [("1", (("shop", f"n{i}"),)) for i in range(SEATS_MAX // 4)]  # four models are known
    log.fold(_many(12, 20 * PANE // 100), 13)
    log.fold(_many(12, 20 * PANE // 100 + 1), 25)
    assert long_way[-2:] == [12, 12], "of too many parties nothing is noted"


def test_models_are_alike_by_names_and_types_of_columns() -> None:
    log = Log(FEATURES, BOOK)
    log.fold(_many(3))
    assert log.last_decoder is not None
    shapes = {schema.model: schema.shape for schema in log.last_decoder.schema_of.values()}
    assert shapes["a"] == (("amount", "few"), (("channel", "string"), ("member", "boolean")))
    assert {model for model in shapes if shapes[model] == shapes["a"]} == set(ALIKE)
