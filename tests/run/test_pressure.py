"""A worker's place on the ladder, over loads that are made up: no clock, no process."""

import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest.ladder import RUNGS, LadderRules, rate_of
from stream.ingest.raw import Source
from stream.run.work import at_work
from stream.run.work.at_work import at_work_s
from stream.run.work.pressure import Pressure
from stream.words import Kind

SOURCE = Source(Kind.FEATURES, "features", 0)
RULES = LadderRules()
CARRIES = 10_000
"""Events that a whole core carries unsampled in a second."""


class Made:
    """A worker on a part of a core, which waits for it as long as it has work and others have the core.

    `fixed` is the part of an event's cost that is spent whether it is kept or not. `slow_store`: of each second so much
    is spent waiting for the store, when nothing is folded. `ends` of logs are told in jumps, every `told` seconds.
    """

    def __init__(
        self, share: float, fixed: float = 0.25, slow_store: float = 0.0, told: int = 1
    ) -> None:
        self.now = self.worked = 0.0
        self.share = share
        self.fixed = fixed
        self.slow_store = slow_store
        self.told = told
        self.came = self.read = self.end = 0
        self.pressure = Pressure(RULES, lambda: self.worked, 0.0)
        self.lags: list[float] = []
        self.rungs: list[int] = []

    def live(self, seconds: int, load: float) -> None:
        """Let so many events come in each second, as a multiple of what the worker carries."""
        for _ in range(seconds):
            self.now += 1.0
            self.came += int(load * self.share * CARRIES)
            cost = (
                (self.fixed + (1 - self.fixed) * rate_of(self.pressure.rung)) / CARRIES / self.share
            )
            n = min(self.came - self.read, int((1.0 - self.slow_store) / cost))
            self.read += n
            self.worked += n * cost
            self.pressure.count(n, n * cost / 3)
            if int(self.now) % self.told == 0:
                self.end = self.came
            self.pressure.look(self.now, max(0, self.end - self.read), {SOURCE: self.end})
            self.lags.append((self.came - self.read) / self.share / CARRIES)
            self.rungs.append(self.pressure.rung)

    def steps(self, seconds: int) -> int:
        """Tell how often it has stepped in so many seconds before."""
        return sum(a != b for a, b in pairwise(self.rungs[-seconds:]))


shares = st.floats(0.03, 1.0)
jumps = st.integers(1, 3)


@settings(max_examples=40)
@given(share=shares, load=st.floats(1.1, 3.0), fixed=st.floats(0.0, 0.25), told=jumps)
def test_whoever_has_the_core_a_lag_that_grows_is_thinned_until_it_is_bounded(
    share: float, load: float, fixed: float, told: int
) -> None:
    made = Made(share, fixed, told=told)
    made.live(600, load)
    assert max(made.lags) < 60 * load, "seconds of what it carries"
    made.live(300, load)
    assert max(made.lags[-60:]) < 10 * load + 10
    assert max(made.rungs) > 0


@settings(max_examples=30)
@given(share=shares, before=st.floats(1.2, 3.0), after=st.floats(0.05, 0.9))
def test_after_a_flood_every_event_counts_again(share: float, before: float, after: float) -> None:
    made = Made(share)
    made.live(300, 0.1)
    made.live(300, before)
    assert made.pressure.rung > 0
    made.live(3_600, after)
    assert made.pressure.rung == 0
    assert made.lags[-1] < 1


@settings(max_examples=20)
@given(load=st.floats(0.1, 3.0), told=jumps)
def test_under_a_load_that_stays_the_rate_does_not_swing(load: float, told: int) -> None:
    """What was tried in vain is tried after ever longer times: a step and back in half an hour at most."""
    made = Made(1.0, told=told)
    made.live(3 * 3_600, load)
    assert made.steps(1_800) <= 2


@given(share=shares, backlog_s=st.integers(60, 100_000), load=st.floats(0.0, 0.65), told=jumps)
@settings(max_examples=30)
def test_a_worker_that_comes_back_and_catches_up_is_not_thinned(
    share: float, backlog_s: int, load: float, told: int
) -> None:
    made = Made(share, told=told)
    made.came = made.end = int(backlog_s * load * share * CARRIES)
    made.live(600, load)
    assert set(made.rungs) == {0}


@given(share=shares, waits=st.floats(0.3, 1.0), load=st.floats(0.5, 3.0), told=jumps)
@settings(max_examples=30)
def test_a_worker_that_waits_for_a_slow_store_is_not_thinned(
    share: float, waits: float, load: float, told: int
) -> None:
    made = Made(share, slow_store=waits, told=told)
    made.live(600, load)
    assert set(made.rungs) == {0}


def test_it_is_not_looked_more_often_than_once_a_second() -> None:
    pressure = Pressure(LadderRules(down_s=0.0), lambda: 1e9, 0.0)
    assert not pressure.look(1.0, 0, {SOURCE: 0})
    pressure.count(1, 1.0)
    assert not pressure.look(1.5, 10**9, {SOURCE: 10**9})
    assert pressure.look(2.0, 10**9, {SOURCE: 10**9})


def test_it_takes_over_no_higher_than_a_partition_stood() -> None:
    pressure = Pressure(RULES, lambda: 0.0, 0.0)
    pressure.begin_at(3, 1.0)
    pressure.begin_at(1, 2.0)
    assert pressure.rung == 3 <= RUNGS


def test_time_at_work_goes_on_with_work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this thread alone: what others have waited goes with them as they end."""
    before = time.process_time()
    assert at_work_s() >= before
    (tmp_path / "1").symlink_to(at_work.THREADS / str(threading.get_native_id()))
    monkeypatch.setattr(at_work, "THREADS", tmp_path)
    before = at_work_s()
    for _ in range(3):
        sum(range(300_000))
        now = at_work_s()
        assert now > before
        before = now


def test_time_in_which_threads_wait_for_a_core_counts_as_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the system tells it: on a core, waiting, turns. A thread may have ended, and a system may tell nothing."""
    monkeypatch.setattr(at_work, "THREADS", tmp_path / "none")
    alone = at_work_s()
    for thread, waited in (("1", 2_000), ("2", 3_000)):
        (tmp_path / thread).mkdir()
        (tmp_path / thread / "schedstat").write_text(f"7000000000 {waited * 10**9} 12\n")
    (tmp_path / "3").mkdir()
    monkeypatch.setattr(at_work, "THREADS", tmp_path)
    assert 5_000 <= at_work_s() - alone < 5_001
