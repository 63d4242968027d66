"""Every monitor says whether it is watched, still learns, or cannot be watched, and why."""

from dataclasses import replace

import numpy as np
from stream.evaluate.judge import Judge, cusum_threshold

from detectors.summaries.summary import Summary
from stream.evaluate.chain import Chain
from stream.evaluate.model import Model
from stream.evaluate.monitors import count_monitors, monitors_of_model
from stream.evaluate.standing import STATES, Standing, dump_standings, load_standings
from stream.reference.plan import Plan, PlanRules
from stream.reference.reference import ALWAYS, History, Reference
from stream.words import Kind
from tests.evaluate.streams import Pipeline, stream
from tests.evaluate.test_judge import LAYOUT, OWN, REFERENCE, RULES, SHARE, judge_of
from tests.events import HOUR, T0, configuration

CONFIG = configuration(learn_events=600)


def by_column(judge: Judge) -> dict[str | None, Standing]:
    return {standing.column: standing for standing in judge.standing()}


def shortened(windows: int) -> Reference:
    history = History(np.arange(windows), tuple(OWN[:windows]))
    return replace(REFERENCE, histories=(history,))


def test_each_column_and_the_volume_stand_once_in_the_order_of_the_columns() -> None:
    names = [standing.column for standing in judge_of().standing()]
    assert names == [*(column.name for column in REFERENCE.columns), None]
    errors = replace(REFERENCE, kind=Kind.ERRORS)
    assert None not in by_column(Judge(errors, 0, [], RULES, HOUR, SHARE))


def test_what_varies_and_has_history_is_watched_and_a_constant_is_not() -> None:
    standings = by_column(judge_of())
    assert standings.pop("constant").reason.startswith("constant in the reference")
    assert {s.state for s in standings.values()} == {"watching"}
    assert {s.reason for s in standings.values()} == {""}


def test_a_history_that_is_too_short_is_learning_and_says_how_far() -> None:
    """Windows that it grew by count like its own."""
    short = by_column(Judge(shortened(4), 0, [], RULES, HOUR, SHARE))
    assert short["x"] == Standing("x", "learning", "4 of 10 windows")
    assert short[None] == Standing(None, "learning", "4 of 10 windows")
    assert short["constant"].state == "unwatched"
    grown = by_column(Judge(shortened(4), 0, OWN[4:10], RULES, HOUR, SHARE))
    assert grown["x"].state == grown[None].state == "watching"


def test_a_column_without_values_and_a_volume_that_is_off_are_not_watched() -> None:
    nothing: dict[str, list[object]] = {c.name: [None] * 50 for c in REFERENCE.columns}
    empty = Summary.of(LAYOUT, nothing)
    none = replace(shortened(0), total=empty)
    standings = by_column(Judge(none, 0, [], RULES, HOUR, SHARE))
    assert {s.reason for name, s in standings.items() if name} == {
        "no value of it is in the reference"
    }
    off = by_column(judge_of(replace(RULES, off=frozenset({"volume"}))))
    assert off[None].state == "unwatched"


def test_standings_go_round_as_bytes_and_belong_to_their_reference() -> None:
    told = {0: (Standing("x", "watching", "", {"location": 0.1}),), 1: (Standing(None, "learning"),)}  # fmt: skip
    blob = dump_standings(b"digest", told)
    assert load_standings(blob, b"digest") == told
    assert load_standings(blob, b"another") == {}


def evaluated(hours: int) -> Pipeline:
    pipeline = Pipeline(CONFIG)
    pipeline.fold(stream(hours, 10**9))
    pipeline.step()
    return pipeline


def standings_of(model: Model) -> list[tuple[object, ...]]:
    return [(m.series, m.kind, m.window, m.standing) for m in monitors_of_model(model)]


def test_a_series_without_a_reference_tells_how_many_events_it_has() -> None:
    model = evaluated(5).evaluator.model
    learners = list(monitors_of_model(model))
    assert all(m.window is None for m in learners)
    assert next(m for m in learners if m.kind is Kind.FEATURES).standing == Standing(
        None, "learning", "199 of 600 events"
    )
    assert count_monitors(model) == {"watching": 0, "learning": len(learners), "unwatched": 0}


def test_monitors_are_counted_once_whatever_the_sizes_of_windows() -> None:
    """Watched by the hour counts, although four hours still learn: the state is the best of both."""
    model = evaluated(30).evaluator.model
    monitors = list(monitors_of_model(model))
    states = {(m.window and m.window.size_ms, m.standing.state) for m in monitors}
    assert states >= {(HOUR, "watching"), (4 * HOUR, "learning")}
    assert count_monitors(model)["watching"] == len(monitors) / 2
    assert set(count_monitors(model)) == set(STATES)


def test_how_monitors_stand_survives_a_restart_before_anything_is_judged() -> None:
    """It is kept with the model's state, and a look at that state is enough."""
    pipeline = evaluated(40)
    before = standings_of(pipeline.evaluator.model)
    pipeline.restart()
    assert standings_of(pipeline.evaluator.model) == before


def test_a_chain_follows_the_plan_from_the_window_that_ends_under_it() -> None:
    """Its thresholds are those of the new share; the one before judges all windows until then."""
    chain = next(
        c
        for (_, kind), c in evaluated(40).evaluator.model.chains.items()
        if isinstance(c, Chain) and kind is Kind.FEATURES
    )
    rules = PlanRules(1.0, 20, {})
    old = Plan(rules, 1, ALWAYS, ALWAYS, (chain.reference,))
    new = Plan(PlanRules(0.01, 20, {}), 2, T0 + 40 * HOUR, T0 + 41 * HOUR, ())
    chain._plan_at = lambda ms: new if ms >= new.from_ms else old
    judged = chain.close(T0 + 42 * HOUR)
    hours = [j for j in judged if j.window.size_ms == HOUR]
    assert {j.closed.end_ms: j.plan.version for j in hours} == {
        T0 + hour * HOUR: 1 if hour <= 41 else 2 for hour in range(40, 43)
    }
    judge = chain._judges[0]
    assert judge is not None
    again = Judge(chain.reference, 0, chain.grown[0], chain.rules, HOUR, new.share(chain.reference))
    assert (judge.alpha, judge.run_length) == (again.alpha, again.run_length)
    assert {slow.delta for slow in chain.slow.values()} == {judge.alpha}
    thresholds = {
        cusum_threshold(slow.page_hinkley.delta, judge.run_length) for slow in chain.slow.values()
    }
    assert {slow.threshold for slow in chain.slow.values()} == thresholds
    assert all(slow.threshold > slow.page_hinkley.threshold for slow in chain.slow.values())
