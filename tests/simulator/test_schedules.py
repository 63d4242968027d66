"""Whatever goes wrong, and whenever: the state, the alerts and the dead letters of the uninterrupted run."""

import os
import re
import subprocess
import sys
from collections import Counter

import orjson
import pytest

from stream.evaluate import known
from stream.files.source import FileEvent
from stream.ingest.raw import DeadLetter
from stream.run.offline.replay import Replay
from tests.simulator.campaign import Total, judged, quietly, told_steps
from tests.simulator.chaos import FAULTS, Chaos
from tests.simulator.history import HISTORIES, config, history, references
from tests.simulator.oracle import uninterrupted
from tests.simulator.world import run

SCHEDULES, AT_ONCE = 100, 10
"""Run with the tests; `make simulate` runs as many as are asked for."""


@pytest.mark.parametrize("first", range(0, SCHEDULES, AT_ONCE))
def test_every_schedule_ends_as_the_uninterrupted_run_does(first: int) -> None:
    total = Total()
    for seed in range(first, first + AT_ONCE):
        total.add(judged(seed))
    assert not total.failed, "\n".join(total.report())


def test_large_models_that_leave_panes_for_later_end_as_small_ones_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What they add up is not written down in between; who takes them over reads it again."""
    with quietly():
        for number in range(HISTORIES):
            uninterrupted(number)  # of models that are none
    monkeypatch.setattr(known, "LARGE", 1)
    total = Total()
    for seed in range(AT_ONCE):
        total.add(judged(seed))
    assert not total.failed, "\n".join(total.report())


def test_these_schedules_meet_every_fault_at_every_sort_of_call() -> None:
    """Planned are more than strike: some wait for a call that does not come in time."""
    planned = [plan for seed in range(SCHEDULES) for plan in Chaos(seed).planned]
    assert {plan.fault for plan in planned} == set(FAULTS)
    assert {plan.call for plan in planned} == {
        call for _, calls in FAULTS.values() for call in calls
    }


def test_a_quiet_schedule_tells_incidents_that_start_go_on_and_end_on_every_history() -> None:
    """Else equal alerts would say little."""
    with quietly():
        for number in range(HISTORIES):
            alerts = uninterrupted(number).alerts
            phases = Counter(str(data["phase"]) for _, data in alerts)
            assert {"started", "resolved"} <= phases.keys(), number
            assert len({identity for identity, _ in alerts}) == len(alerts) >= 8, number
            assert len(uninterrupted(number).letters) >= 4, number


def test_the_uninterrupted_run_tells_what_a_replay_tells() -> None:
    """On the history in which nothing is late, as files have one partition and Kafka has several."""
    dead: list[DeadLetter] = []
    with quietly():
        live = uninterrupted(0)
        replay = Replay(config(), references(), dead.extend)
        events = [FileEvent(r.source.kind, r.stamp_ms, r.value) for r in history(0).records]
        for _ in replay.feed(events, 25):
            pass
        replay.finish(flush=False)
    told = {event.id: _content(event.data) for event in replay.alerts}
    assert told == {identity: _content(data) for identity, data in live.alerts}
    assert len(dead) == len(set(live.letters))


def _content(data: dict[str, object]) -> bytes:
    """Give an alert's data without its evidence, and without how far time was when it was told."""
    window = data["window"]
    assert isinstance(window, dict)
    kept = {k: v for k, v in window.items() if k not in ("watermark", "late_dropped")}
    return orjson.dumps(data | {"window": kept, "replay": None}, option=orjson.OPT_SORT_KEYS)


def test_a_seed_gives_the_same_steps_in_any_process() -> None:
    """So a schedule that was found anywhere can be looked at anywhere."""
    command = [sys.executable, "-m", "tests.simulator", "--seed", "7", "--steps"]
    told = subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"PYTHONHASHSEED": "1"},
    )
    assert told.stdout.splitlines() == list(told_steps(7))
    assert len(told.stdout.splitlines()) > 200
    assert re.search(r"^ +\d+\.\d{3} \*\* ", told.stdout, re.MULTILINE), "faults stand out"


def test_to_be_watched_changes_nothing() -> None:
    with quietly():
        watched, alone = run(7, trace=lambda now, what: None), run(7)
    assert watched == alone


def test_to_remember_changes_nothing() -> None:
    """Whatever was judged and read in other schedules of the same history, and then gone on with."""
    with quietly():
        run(7 + HISTORIES)
        remembered = run(7)
    assert run(7) == remembered


def test_some_schedules_delete_panes_and_some_keep_them_to_be_compared() -> None:
    with quietly():
        assert {run(seed).keeps_panes for seed in range(2)} == {True, False}
