"""Every monitor says whether it is watched, still learns, or cannot be watched, and why."""

from dataclasses import replace

from detectors.alarms.homogeneity import Unsteady
from detectors.summaries.summary import Summary
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.standing import (
    SOON,
    STATES,
    WHYS,
    Standing,
    Standings,
    dump_standings,
    load_standings,
    why,
)
from stream.evaluate.judging.unsteady import told_step
from stream.evaluate.model import Model
from stream.evaluate.monitors import count_monitors, monitors_of_model, take_stock
from stream.reference.plan import Plan, PlanRules
from stream.reference.reference import ALWAYS, Reference
from stream.words import Kind
from tests.evaluate.streams import CONFIG, LEARNED, WINDOW, Pipeline, stream
from tests.evaluate.watched import COLUMNS, LAYOUT, RULES, SHARE, reference
from tests.events import T0


def by_column(known: Reference, rules: Rules = RULES) -> dict[str | None, Standing]:
    return {s.column: s for s in Alarms(known, 0, rules).standing(SHARE)}


def test_each_column_and_the_volume_stand_once_in_the_order_of_the_columns() -> None:
    assert list(by_column(reference())) == [*(column.name for column in COLUMNS), None]
    assert None not in by_column(reference(kind=Kind.ERRORS))


def test_what_varies_and_has_history_is_watched_and_a_constant_is_not() -> None:
    standings = by_column(reference())
    assert standings.pop("constant").reason.startswith("constant in the reference")
    assert {s.state for s in standings.values()} == {"watching"}
    assert {s.reason for s in standings.values()} == {""}


def test_a_history_that_is_too_short_is_learning_and_says_how_far() -> None:
    """In windows first, then in hours of the week."""
    short = by_column(reference(4))
    assert short["x"] == Standing("x", "learning", "4 of 28 windows")
    assert short[None] == Standing(None, "learning", "4 of 28 windows")
    assert short["constant"].state == "unwatched"
    assert by_column(reference(30))["x"] == Standing("x", "learning", "120 of 168 hours")


def test_a_column_without_values_and_what_is_off_are_not_watched() -> None:
    nothing: dict[str, list[object]] = {column.name: [None] * 50 for column in COLUMNS}
    standings = by_column(replace(reference(0), total=Summary.of(LAYOUT, nothing)))
    assert {s.reason for name, s in standings.items() if name} == {
        "no value of it is in the reference"
    }
    assert None not in by_column(reference(), replace(RULES, off=frozenset({"volume"})))
    tests = frozenset({"location", "spread", "shape", "missing"})
    off = by_column(reference(), replace(RULES, off=tests))["x"]
    assert off == Standing("x", "unwatched", "all its calibrated detectors are switched off")


def test_every_reason_for_not_watching_has_a_name() -> None:
    """So that they can be counted, whatever numbers and dates they tell."""
    nothing: dict[str, list[object]] = {column.name: [None] * 50 for column in COLUMNS}
    tests = frozenset({"location", "spread", "shape", "missing"})
    told = [
        *by_column(reference()).values(),
        *by_column(reference(4)).values(),
        *by_column(reference(30)).values(),
        *by_column(replace(reference(0), total=Summary.of(LAYOUT, nothing))).values(),
        *by_column(reference(), replace(RULES, off=tests)).values(),
        *(m.standing for m in monitors_of_model(evaluated(5).evaluator.model)),
        Standing("x", "learning", SOON),
        Standing("x", "unwatched", told_step(Unsteady("location", 2.0, 0, True, 20.0))),
    ]
    named = {why(standing) for standing in told if standing.state != "watching"}
    assert named == WHYS.keys() - {"other"}


def test_the_stock_has_every_monitor_once_and_the_smallest_effect_of_any_size_of_windows() -> None:
    model = evaluated(LEARNED + 6).evaluator.model
    stock = take_stock(model)
    assert stock.states == count_monitors(model)
    assert sum(stock.whys.values()) == sum(stock.states.values()) - stock.states["watching"]
    found = [
        m.standing.detectable["location"]
        for m in monitors_of_model(model)
        if m.standing.state == "watching" and "location" in m.standing.detectable
    ]
    assert sorted(stock.effects["location"]) == sorted(found)  # of one size only, the other learns


def test_standings_that_are_held_are_told_as_they_were() -> None:
    told = {which: tuple(by_column(reference()).values())[which:] for which in (0, 2)}
    held = Standings()
    held.update(told)
    assert dict(held) == told
    held[0] = held.pop(2)
    assert dict(held) == {0: told[2]}
    assert held.get(2, ()) == ()


def test_standings_go_round_as_bytes_and_belong_to_their_reference() -> None:
    told = {0: (Standing("x", "watching", "", {"location": 0.1}),), 1: (Standing(None, "learning"),)}  # fmt: skip
    blob = dump_standings(b"digest", told)
    assert load_standings(blob, b"digest") == told
    assert load_standings(blob, b"another") == {}


def evaluated(windows: int) -> Pipeline:
    pipeline = Pipeline(CONFIG)
    pipeline.fold(stream(windows, 10**9))
    pipeline.step()
    return pipeline


def standings_of(model: Model) -> list[tuple[object, ...]]:
    return [(m.series, m.kind, m.window, m.standing) for m in monitors_of_model(model)]


def test_a_series_without_a_reference_tells_how_many_events_it_has() -> None:
    """Those of the panes that have closed: ten of two hundred are in the last one."""
    model = evaluated(5).evaluator.model
    learners = list(monitors_of_model(model))
    assert all(m.window is None for m in learners)
    assert next(m for m in learners if m.kind is Kind.FEATURES).standing == Standing(
        None, "learning", "190 of 1,760 events"
    )
    assert count_monitors(model) == {"watching": 0, "learning": len(learners), "unwatched": 0}


def test_monitors_are_counted_once_whatever_the_sizes_of_windows() -> None:
    """Watched by four hours counts, although sixteen still learn: the state is the best of both."""
    model = evaluated(LEARNED + 6).evaluator.model
    monitors = list(monitors_of_model(model))
    states = {(m.window and m.window.size_ms, m.standing.state) for m in monitors}
    assert states >= {(WINDOW, "watching"), (4 * WINDOW, "learning")}
    assert count_monitors(model)["watching"] == len(monitors) / 2
    assert set(count_monitors(model)) == set(STATES)


def test_how_monitors_stand_survives_a_restart_before_anything_is_judged() -> None:
    """It is kept with the model's state, and a look at that state is enough."""
    pipeline = evaluated(LEARNED + 6)
    before = standings_of(pipeline.evaluator.model)
    pipeline.restart()
    assert standings_of(pipeline.evaluator.model) == before


def test_a_chain_follows_the_plan_from_the_window_that_ends_under_it() -> None:
    """It judges by the new share and tells anew what it would find; until then the old plan judges."""
    last = LEARNED + 6
    chain = next(
        c
        for (_, kind), c in evaluated(last).evaluator.model.chains.items()
        if isinstance(c, Chain) and kind is Kind.FEATURES
    )
    rules = PlanRules(1.0, 20, {})
    old = Plan(rules, 1, ALWAYS, ALWAYS, (chain.reference,))
    new = Plan(PlanRules(0.01, 20, {}), 2, T0 + last * WINDOW, T0 + (last + 1) * WINDOW, ())
    chain._plan_at = lambda ms: new if ms >= new.from_ms else old
    before = {s.column: s.detectable for s in chain.standings[0]}
    judged = [j for j in chain.close(T0 + (last + 2) * WINDOW) if j.window.size_ms == WINDOW]
    assert {j.closed.end_ms: j.plan.version for j in judged} == {
        T0 + end * WINDOW: 1 if end <= last + 1 else 2 for end in range(last, last + 3)
    }
    alarms = chain._alarms[0]
    assert alarms is not None
    share = new.share(chain.reference) / 42
    assert chain.standings[0] == tuple(alarms.standing(share / len(chain.rings)))
    now = {s.column: s.detectable for s in chain.standings[0]}
    assert before["amount"]["location"] < now["amount"]["location"]
