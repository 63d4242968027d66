"""The alarm layer of a chain: what it finds, what it learns from and when, and that it goes on after a restart."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest

from detectors import Verdict
from detectors.alarms import signals
from detectors.alarms.layer import PLENTY, AlarmLayer, Size
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST, read_volume, volume_worth
from detectors.alarms.tail import KNOWN
from detectors.arrays import Flags
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.alarm_judge import columns_worth
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.baseline import Compare
from stream.evaluate.judging.findings import Findings
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.signals import learn_signals
from stream.evaluate.judging.track import recent_of
from stream.evaluate.judging.volume import Arrivals
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state.versions import dump, load
from stream.words import Kind
from tests.evaluate.streams import LEARNED, WINDOW
from tests.evaluate.watched import COLUMNS, LAYOUT, RULES, SHARE, reference, window
from tests.events import HOUR, PLAN, T0

WEEK = 42
"""Windows."""
MONDAYS = tuple(24 + WEEK * i for i in range(9))
"""Windows since T0, a Thursday, with which a week begins."""
QUIET = 3
"""Windows that end an incident."""
NAMES = [column.name for column in COLUMNS]
X = NAMES.index("x")


class Run:
    """A chain with windows fed to it, each as one pane, right after its reference; None is an empty one."""

    def __init__(self, known: Reference | None = None, rules: Rules = RULES) -> None:
        self.reference = known or reference()
        self.chain = Chain(
            self.reference.series, self.reference.kind, self.reference, rules, lambda _: PLAN
        )
        self.next = (self.reference.end_ms - T0) // WINDOW
        self.judged: list[Judged] = []

    def play(self, windows: Iterable[Summary | None]) -> list[Judged]:
        """Feed windows, and give what was said of them."""
        told: list[Judged] = []
        for summary in windows:
            if summary is not None:
                self.chain.take(T0 + self.next * WINDOW, summary, {})
            self.next += 1
            told += self.chain.close(T0 + self.next * WINDOW)
        self.judged += told
        return told

    @property
    def alarms(self) -> Alarms:
        (alarms,) = self.chain._alarms
        assert alarms is not None
        return alarms

    def restart(self) -> None:
        """Go on with what is stored."""
        of, payload = self.chain, load(stored(self), "chain")
        self.chain = Chain.restore(
            of.series, of.kind, of.reference, of.rules, lambda _: PLAN, payload
        )


def calm_since(run: "Run") -> Flags:
    """[C, T] who was in control in the windows since the reference."""
    own = len(run.alarms.reference.histories[0])
    return run.alarms.history()[0].calm[:, own:]


def stored(run: Run) -> bytes:
    return dump("chain", run.chain.payload())


def sound(n: int, first: int = 100) -> list[Summary | None]:
    return [window(first + seed) for seed in range(n)]


def verdict_of(judged: Judged, column: str | None, name: str) -> Verdict:
    (found,) = (
        f.verdict for f in judged.findings if (f.column, f.verdict.detector) == (column, name)
    )
    return found


def loud(judged: Sequence[Judged], column: str | None, name: str) -> list[int]:
    """Tell in which of the windows a test of a column alarms."""
    return [
        i
        for i, one in enumerate(judged)
        if any(
            f.verdict.alarm and (f.column, f.verdict.detector) == (column, name)
            for f in one.findings
        )
    ]


# -- what is found ---------------------------------------------------------------------------------------------------

DRIFTS: list[tuple[str | None, str, dict[str, Any]]] = [
    ("x", "location", {"shift": 1.0}),
    ("x", "spread", {"scale": 2.0}),
    ("word", "shape", {"words": 4}),
    ("x", "missing", {"holes": 0.6}),
    (None, "volume", {"n": 1000}),
]


@pytest.mark.parametrize(("column", "name", "drift"), DRIFTS, ids=[d[1] for d in DRIFTS])
def test_each_test_finds_its_drift_and_is_silent_when_it_is_off(
    column: str | None, name: str, drift: dict[str, Any]
) -> None:
    """The window before is in control; what is off is not told at all, and all else is told as before."""
    changed = window(7, **drift)
    before, now = Run().play([window(100), changed])
    assert not any(f.verdict.alarm for f in before.findings)
    found = verdict_of(now, column, name)
    assert found.alarm
    assert found.p_value is not None
    assert found.note == ""
    _, off = Run(rules=replace(RULES, off=frozenset({name}))).play([window(100), changed])
    told = [f for f in now.findings if f.verdict.detector not in (name, "silence")]
    assert [f for f in off.findings if f.verdict.detector != "silence"] == told


@pytest.mark.parametrize(("column", "name", "drift"), DRIFTS, ids=[d[1] for d in DRIFTS])
def test_a_floor_is_the_effect_from_which_on_it_is_told(
    column: str | None, name: str, drift: dict[str, Any]
) -> None:
    changed = window(7, **drift)
    found = verdict_of(Run().play([changed])[0], column, name)
    for floor, alarm in ((found.effect * 1.01, False), (found.effect * 0.99, True)):
        again = Run(rules=replace(RULES, floors={name: floor})).play([changed])[0]
        told = verdict_of(again, column, name)
        assert told == replace(found, alarm=alarm, lag=found.lag * alarm, away=told.away)
        assert told.away * found.away > 0


@pytest.mark.parametrize(
    ("column", "test", "drift"),
    [("x", COLUMN_TESTS[0], {"shift": 1.2}), (None, VOLUME_TEST, {"n": 450})],
    ids=["location", "volume"],
)
def test_a_share_that_no_history_reaches_is_judged_by_less(
    column: str | None, test: signals.Test, drift: dict[str, Any]
) -> None:
    """A chance that the share itself would let through is no alarm until what `cautious` leaves of a share does."""
    known, changed = reference(), window(7, **drift)
    alarms = Alarms(known, 0, RULES)
    alarms.take(known.end_ms, changed, Arrivals.of(changed, alarms.weight))
    places = {name: i for i, name in enumerate(NAMES)}

    def judged(share: float) -> Verdict:
        found = Findings(places, alarms.judge(share)).of(column)
        return next(verdict for verdict in found if verdict.detector == test.name)

    chance = judged(SHARE).p_value
    assert chance is not None
    enough = chance / test.share
    assert 0 < enough < KNOWN / 100
    assert not judged(2 * enough).alarm
    assert judged(KNOWN * (2 * enough / KNOWN) ** (2 / 3)).alarm


def test_the_threshold_of_a_quiet_window_is_that_of_others_of_its_size() -> None:
    """However little it surprises; and only more of another shape alarms."""
    judged = Run().play(sound(40))
    for name in ("location", "spread", "missing"):
        bounds = np.array([verdict_of(one, "x", name).threshold for one in judged])
        if name == "missing":
            assert (bounds < 0.5).all()
        else:
            assert np.abs(bounds).max() < 4 * np.median(np.abs(bounds))
    shapes = [verdict_of(one, "word", "shape") for one in judged]
    assert min(v.statistic for v in shapes) < 0 < min(v.threshold for v in shapes)


def test_a_fixed_threshold_of_the_missing_or_the_volume_takes_the_layers_place() -> None:
    """Its verdict says that no budget covers it."""
    rules = replace(RULES, fixed={"missing": 0.5, "volume": 500.0})
    judged = Run(rules=rules).play([window(7, holes=0.6)])[0]
    for column, name in (("x", "missing"), (None, "volume")):
        found = verdict_of(judged, column, name)
        assert (found.alarm, found.p_value) == (True, None)
        assert found.note == "fixed threshold: no false-alarm budget covers it"


def test_the_volume_of_errors_is_not_judged() -> None:
    """They are as many as the labels."""
    errors = Run(reference(kind=Kind.ERRORS))
    judged = errors.play([window(7), window(8, n=1000)])
    assert {f.column for one in judged for f in one.findings} == set(NAMES)
    assert None not in {s.column for s in errors.alarms.standing(SHARE)}


def test_a_column_that_has_no_values_at_all_is_told_by_the_hard_rule_and_once() -> None:
    now = Run().play([window(7), window(8, lost="x")])[-1]
    assert verdict_of(now, "x", "missing").note == "hard rule: every value is missing"


def test_a_verdict_tells_how_much_it_rests_on() -> None:
    """Values, of the window and of the reference; events where the missing ones are judged."""
    (judged,) = Run().play([window(7, holes=0.5)])
    location, missing = (verdict_of(judged, "x", name) for name in ("location", "missing"))
    assert (missing.n, missing.m) == (200, LEARNED * 200)
    assert location.n < 150
    assert 150 * LEARNED < location.m < missing.m


def test_a_step_that_is_found_late_says_since_when() -> None:
    """A small one, added up over windows: the lag leads back to about its begin."""
    judged = Run().play([*sound(10), *(window(300 + i, shift=0.25, n=150) for i in range(12))])
    found = [verdict_of(judged[i], "x", "location") for i in loud(judged, "x", "location")]
    at = loud(judged, "x", "location")
    assert 10 < at[0] < 20
    assert abs(at[0] - found[0].lag - 10) <= 3


# -- what is history -------------------------------------------------------------------------------------------------


def test_history_grows_by_what_is_in_control_for_each_column_by_itself() -> None:
    """What drifts for three windows is kept out until its incident is over; its neighbours go on."""
    run, until = Run(), MONDAYS[1] - LEARNED
    run.play([*sound(3), *(window(300 + i, shift=2.0) for i in range(3)), *sound(until - 5, 500)])
    turns = {
        change.phase: i
        for i, one in enumerate(run.judged)
        for column, change in one.changes
        if column == "x"
    }
    over = turns["resolved"]
    assert turns == {"started": 3, "resolved": over}
    assert 3 + 3 + QUIET - 1 <= over < until - 1
    calm = calm_since(run)[X].tolist()
    assert calm == [not 3 <= i < over for i in range(until + 1)]
    assert run.alarms.fitted_ms == T0 + MONDAYS[1] * WINDOW
    windows = run.alarms.layer.windows.tolist()
    assert windows.pop(X) == LEARNED + until - (over - 3)
    assert {*windows, *run.alarms.volume_layer.windows.tolist()} == {LEARNED + until}


def test_with_a_daily_refit_it_learns_anew_at_the_first_window_of_each_day() -> None:
    """Days begin at 0:00 UTC; by default the same windows bring one new fit, on Monday."""
    fits: dict[int, set[int]] = {}
    for days in (1, 7):
        run = Run(rules=replace(RULES, refit_ms=days * 24 * HOUR))
        fits[days] = set()
        for summary in sound(WEEK):
            run.play([summary])
            fits[days].add(run.alarms.fitted_ms)
    end = reference().end_ms
    later = range(end + WINDOW, end + WEEK * WINDOW, WINDOW)
    assert fits[1] == {end} | {start for start in later if start % (24 * HOUR) == 0}
    assert fits[7] == {end} | {T0 + m * WINDOW for m in MONDAYS if T0 + m * WINDOW in later}


def test_what_lies_between_the_onset_and_the_discovery_is_no_history() -> None:
    run = Run()
    judged = run.play([*sound(10), *(window(300 + i, shift=0.25, n=150) for i in range(12))])
    first = loud(judged, "x", "location")[0]
    lag = verdict_of(judged[first], "x", "location").lag
    calm = calm_since(run)[X].tolist()
    assert lag > 0
    assert not any(calm[first - lag : first + 1])
    assert all(calm[: 10 - 3])
    assert calm_since(run)[X + 1].all()


def test_empty_windows_and_windows_of_few_events_tell_nothing_of_columns() -> None:
    """They are no history of theirs; scores tell of several together once these are enough, the layer does not."""
    run = Run()
    judged = run.play(
        [window(1), None, window(2, n=10), window(3, n=10), window(4, n=15), *sound(40)]
    )
    named = [{f.column for f in one.findings} - {None} for one in judged[:6]]
    assert [bool(names) for names in named] == [True, False, False, False, True, True]
    assert run.alarms.layer.windows[X] < run.alarms.layer.windows.max() + 1
    own = len(run.alarms.reference.histories[0])
    events = run.alarms.history()[0].readings.events[X, own:].tolist()[:5]
    assert events == [200, 0, 0, 0, 0]


def test_too_few_values_of_a_column_are_said_so() -> None:
    now = Run().play([window(1, n=40, holes=0.6)])[0]
    assert verdict_of(now, "x", "location").note.startswith("too few events: ")
    assert verdict_of(now, "word", "location").note == ""


def test_a_window_that_the_stream_ends_in_is_not_taken() -> None:
    """Nor judged, but by hard rules."""
    run = Run()
    run.play(sound(2))
    before = dump("chain", run.alarms.payload())
    run.chain.take(T0 + run.next * WINDOW, window(9, shift=3.0), {})
    (half,) = run.chain.close(T0 + (run.next + 1) * WINDOW, whole=False)
    assert half.closed.whole is False
    assert list(half.findings) == []
    assert dump("chain", run.alarms.payload()) == before


# -- when it learns --------------------------------------------------------------------------------------------------


def test_the_layer_is_fitted_anew_with_the_first_window_of_a_week_and_never_else() -> None:
    run, fits, seen = Run(), [], set[int]()
    kept = []
    for i, summary in enumerate(sound(100)):
        run.play([summary])
        if id(run.alarms.layer) not in seen:
            fits.append(LEARNED + i)
            seen.add(id(run.alarms.layer))
            kept.append(run.alarms.layer)
    assert fits == [LEARNED, *(m for m in MONDAYS if LEARNED < m < LEARNED + 100)]


def test_it_learns_until_there_are_windows_enough_and_a_week_and_only_hard_rules_speak() -> None:
    """The reason is in verdicts and in how the monitor stands; the week is reached with the 42nd window."""
    run = Run(reference(10), replace(RULES, windows_min=28))
    judged = run.play(
        [*(window(200 + i, shift=0.1 * i, lost="word" if i == 5 else "") for i in range(8))]
    )
    assert {f.verdict.detector for one in judged for f in one.findings if f.verdict.alarm} == {
        "missing"
    }
    assert verdict_of(judged[-1], "x", "location").note == "learning: 17 of 28 windows"
    run.play(sound(20))
    reasons = [verdict_of(one, "x", "location").note for one in run.judged]
    assert reasons[18] == "learning: 112 of 168 hours"
    assert all(v.p_value is None for one in run.judged for v in [verdict_of(one, "x", "location")])
    run.play(sound(10, 900))
    reasons = [verdict_of(one, "x", "location").note for one in run.judged]
    ready = [i for i, reason in enumerate(reasons) if not reason]
    assert ready == list(range(WEEK - 10, len(reasons)))
    assert verdict_of(run.play([window(7, shift=2.0)])[0], "x", "location").alarm


def learning(compare: Compare) -> Iterator[tuple[Run, Summary | None]]:
    """Give a chain that cannot be ready after each of many windows, odd ones among them, and the window."""
    run = Run(reference(10), replace(RULES, compare=compare, history_ms=6 * WINDOW, windows_min=60))
    odd = [window(1, n=10), window(2, lost="x"), window(3, holes=1.0), window(4, n=30)]
    for summary in [window(0), None, *odd, *sound(30), window(5, lost="word"), *sound(10, 300)]:
        run.play([summary])
        yield run, summary


COMPARES: list[Compare] = ["fixed", "rolling", "last_week"]


@pytest.mark.parametrize("compare", COMPARES)
def test_what_a_learning_layer_has_learned_from_is_told_as_by_what_its_windows_are_worth(
    compare: Compare,
) -> None:
    """Until it can be ready nobody asks for that, but how many windows it knows, and of which hours, is stored."""
    counts = set()
    for run, _ in learning(compare):
        alarms = run.alarms
        columns, _, starts = alarms.history()
        worth = columns_worth(alarms.signals, columns)
        whole = alarms._fit_layer(COLUMN_TESTS, columns, worth, starts)
        assert not whole.ready.any()
        short, _ = alarms._fit(alarms._own())
        assert dump("chain", short.payload()) == dump("chain", whole.payload())
        counts.add(tuple(alarms.layer.windows.tolist()))
    assert len(counts) > 5


@pytest.mark.parametrize("compare", COMPARES)
def test_a_layer_that_learns_says_the_same_however_far_it_looks_back(compare: Compare) -> None:
    """It judges nothing, but says of each column why; and for that it looks back no further than it must."""
    notes = set()
    for run, summary in learning(compare):
        alarms = run.alarms
        judge, start = alarms.judging, alarms.track.newest_ms
        own = summary if summary is not None and summary.n >= RULES.events_min else None
        assert judge.reach < judge.baseline.reach or compare == "last_week"
        said = [
            [(part.columns.tolist(), part.told.tolist(), list(part.verdicts)) for part in of]
            for reach in (judge.reach, judge.baseline.reach)
            for of in [judge.judge(*recent_of([alarms.track], reach), own, start, SHARE)]
        ]
        assert repr(said[0]) == repr(said[1])
        notes |= {verdict.note[:12] for *_, verdicts in said[0] for verdict in verdicts}
    assert len(notes) > 5


def test_how_far_the_learning_is_stands_in_the_standings() -> None:
    run = Run(reference(10))
    run.play(sound(1))
    stands = {s.column: (s.state, s.reason) for s in run.chain.standings[0]}
    assert stands["x"] == stands[None] == ("learning", "10 of 28 windows")
    run.play(sound(25))
    stands = {s.column: (s.state, s.reason) for s in run.chain.standings[0]}
    assert stands["x"] == ("learning", "140 of 168 hours")
    run.play(sound(9))
    assert {s.state for s in run.chain.standings[0] if s.column != "constant"} == {"watching"}


def test_as_many_windows_as_four_weeks_have_hours_are_a_history_without_a_week() -> None:
    size = Size(60_000, 60_000, 28)
    ready = []
    for n in (PLENTY - 1, PLENTY):
        read = read_volume(np.random.default_rng(1).poisson(50, n))
        starts = T0 + 60_000 * np.arange(n, dtype=np.int64)
        layer = AlarmLayer((VOLUME_TEST,), read.x, volume_worth(read), starts, size)
        ready.append((bool(layer.ready[0]), layer.reason(0)))
    assert ready == [(False, f"learning: {60_000 * (PLENTY - 1) // HOUR} of 168 hours"), (True, "")]


def test_a_column_that_broke_while_it_was_learned_is_learned_on_when_it_is_whole_again() -> None:
    """Its incident ends although only the hard rule can speak yet; else its windows would be kept out for good."""
    run = Run(reference(10))
    run.play([window(1, lost="x"), *sound(6)])
    phases = [change.phase for one in run.judged for column, change in one.changes if column == "x"]
    assert phases == ["started", "resolved"]
    run.play(sound(WEEK, 400))
    assert run.alarms.layer.ready[X]
    assert run.alarms.layer.windows[X] == run.alarms.layer.windows[X + 1] - QUIET


# -- going on --------------------------------------------------------------------------------------------------------


@cache
def eventful() -> tuple[Summary | None, ...]:
    """Learning, control, drifts found early and late, a gap, few events, a lost column."""
    return (
        *sound(36), *(window(300 + i, shift=0.3) for i in range(8)), *sound(8, 400), None, None,
        window(1, n=10), window(2, lost="word"), *sound(12, 500), window(3, n=900),
    )  # fmt: skip


@pytest.mark.parametrize("refit_days", [7, 1])
def test_a_chain_goes_on_from_its_payload_at_any_window_as_one_that_never_stopped(
    refit_days: int,
) -> None:
    """From the first window, while it learns, in incidents and out of them: the same bytes and the same findings."""
    rules = replace(RULES, refit_ms=refit_days * 24 * HOUR)
    whole, restarted = Run(reference(10), rules), Run(reference(10), rules)
    for i, summary in enumerate(eventful()):
        one, other = whole.play([summary]), restarted.play([summary])
        assert [list(j.findings) for j in other] == [list(j.findings) for j in one], i
        assert [j.changes for j in other] == [j.changes for j in one], i
        assert stored(restarted) == stored(whole), i
        restarted.restart()
    assert {f.verdict.detector for j in whole.judged for f in j.findings if f.verdict.alarm} >= {
        "location", "missing", "volume",
    }  # fmt: skip
    assert whole.alarms.fitted_ms > whole.reference.end_ms


# -- how it stands ---------------------------------------------------------------------------------------------------


def test_a_monitor_says_what_it_would_find_within_a_day_and_finds_it() -> None:
    """By each of its tests; more budget finds less; a column of one value has its missing values alone."""
    run = Run()
    run.play(sound(1))
    stands = {s.column: s.detectable for s in run.alarms.standing(SHARE)}
    names = [test.name for test in COLUMN_TESTS if test.name != "shape"]
    assert list(stands["x"]) == list(stands["word"]) == names
    assert list(stands["few"]) == ["location", "missing"]
    assert list(stands["constant"]) == ["missing"]
    assert list(stands[None]) == ["volume"]
    tight = {s.column: s.detectable for s in run.alarms.standing(SHARE / 100)}
    assert all(tight[c][n] > step for c in stands for n, step in stands[c].items() if c is not None)
    assert tight[None]["volume"] >= stands[None]["volume"]
    found = 0
    for seed in range(20):
        moved = Run()
        shift = stands["x"]["location"] * 1.2
        judged = moved.play([window(1000 + 10 * seed + i, shift=shift) for i in range(6)])
        found += bool(loud(judged, "x", "location"))
    assert found >= 18


def test_what_it_would_find_is_never_less_than_what_is_worth_telling() -> None:
    """A floor binds where windows are large; a fixed threshold takes a test's place, and its power with it."""
    floors = {"location": 3.0, "spread": 2.0, "missing": 1.5, "volume": 4.0}
    stands = {
        s.column: s.detectable
        for s in Alarms(reference(), 0, replace(RULES, floors=floors)).standing(SHARE)
    }
    told = {**stands["x"], **stands[None]}
    assert set(told) == set(floors)
    assert all(floors[name] <= least < 1.1 * floors[name] for name, least in told.items())
    fixed = Alarms(reference(), 0, replace(RULES, fixed={"missing": 0.5}))
    assert "missing" not in next(s.detectable for s in fixed.standing(SHARE) if s.column == "x")


def test_a_size_of_windows_that_was_never_judged_has_nothing_to_tell() -> None:
    chain: Any = Run().chain
    assert chain._alarms == [None]
    assert chain.payload()[5] == [None]


def test_windows_that_were_let_go_are_in_the_next_fit() -> None:
    """They are read anew from the reference's counts, to the bit."""
    own = Run(reference(4 * WEEK))
    own.play(sound(1))
    alarms, (history,) = own.alarms, own.reference.histories
    assert alarms.track.own is None
    usual = np.full(len(history), True)
    _, read = learn_signals(own.reference, history, usual)
    columns, volume, starts = alarms.history()
    assert (columns.readings.x[..., : len(history)] == read.x).all()
    assert (columns.readings.valid[:, : len(history)] == read.valid).all()
    assert volume.readings.valid[0, : len(history)].tolist() == [
        summary.seen + 1 for summary in history.summaries
    ]
    assert starts[: len(history)].tolist() == history.starts.tolist()
    assert len(starts) == len(history) + 1


def test_windows_that_can_be_read_again_may_be_let_go_at_any_time() -> None:
    """What is said and stored is the same, also when they are wanted for the fit of a week, and after a restart."""
    known = reference(2 * WEEK)
    kept, going = (Run(replace(known, histories=(History.restore(
        known.histories[0].payload(), LAYOUT.size, len(LAYOUT.numbers)),))) for _ in range(2))  # fmt: skip
    (history,) = going.reference.histories
    history.again = lambda: known.histories[0]
    windows = sound(WEEK + 3)
    for run in (kept, going):
        run.play(windows[:5])
    history.let_go()
    for run in (kept, going):
        run.play(windows[5:])
    assert not history.is_held
    assert kept.reference.histories[0].is_held
    for run in (kept, going):
        run.restart()
        run.play(sound(WEEK, 500))
    assert stored(going) == stored(kept)
    assert not history.is_held
