"""While the rates change with the load: the state of the uninterrupted run at the rates that were written down."""

import pytest

from stream.config import Adaptive, Sampling
from stream.ingest.raw import Source
from stream.ingest.schedule import Schedule
from stream.state.fields import STATE
from stream.state.store import partition_key
from stream.state.versions import load
from stream.words import Kind
from tests.simulator.campaign import quietly
from tests.simulator.history import SOURCES
from tests.simulator.oracle import differences, uninterrupted
from tests.simulator.world import Outcome, run

ADAPTIVE = Sampling(adaptive=Adaptive(), key="model", floor=20)
SCHEDULES, AT_ONCE = 20, 5


def recorded(outcome: Outcome) -> dict[Source, Schedule]:
    """Read from the state at which rates the features were counted."""
    found = {}
    for source in SOURCES:
        state = outcome.state[partition_key("sim", source.topic, source.partition)][STATE]
        *_, (steps, _) = load(state, "partition")
        assert source.kind is Kind.FEATURES or not steps
        if source.kind is Kind.FEATURES:
            found[source] = Schedule(steps)
    return found


@pytest.mark.parametrize("first", range(0, SCHEDULES, AT_ONCE))
def test_whatever_goes_wrong_the_state_is_that_of_the_recorded_rates(first: int) -> None:
    """Crashes, rebalances, zombies, lost replies: what was counted at a rate nobody committed leaves no trace.

    But dead letters, which are written before the commit: who is fenced then may have read more than its heir.
    """
    steps = 0
    with quietly():
        for seed in range(first, first + AT_ONCE):
            outcome = run(seed, sampling=ADAPTIVE)
            schedules = recorded(outcome)
            steps += sum(len(schedule.steps) for schedule in schedules.values())
            should = run(None, outcome.history, sampling=ADAPTIVE, recorded=schedules)
            assert set(outcome.letters) <= set(uninterrupted(outcome.history).letters), seed
            outcome.letters = [letter for letter in outcome.letters if letter in should.letters]
            assert differences(outcome, should) == [], seed
    assert steps > 5 * AT_ONCE, "the rates hardly changed"


def test_at_other_rates_the_state_would_be_another() -> None:
    """Else equal states would say little."""
    with quietly():
        outcome = run(3, sampling=ADAPTIVE)
        should = run(None, outcome.history, sampling=ADAPTIVE, recorded={})
    assert differences(outcome, should)
