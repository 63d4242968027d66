"""The simulator finds what it is there to find: bugs planted in the product, one at a time."""

import pytest

from tests.simulator.campaign import judged, quietly
from tests.simulator.history import HISTORIES
from tests.simulator.oracle import uninterrupted
from tests.simulator.planted import BUGS, Bug

TRIES = 12
"""Schedules in which a bug must be found, from the one on that is named with it."""


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_a_planted_bug_is_found(bug: Bug) -> None:
    """By the invariant it breaks; and in the same schedule the unbroken code breaks none."""
    with quietly():
        for number in range(HISTORIES):
            uninterrupted(number)  # by the code as it is
    for seed in range(bug.since, bug.since + TRIES):
        with bug.plant():
            found = judged(seed).differences
        if any(told.startswith(f"{bug.invariant}:") for told in found):
            break
    else:
        pytest.fail(f"not found in {TRIES} schedules")
    assert judged(seed).differences == []


def test_every_bug_has_a_name_of_its_own() -> None:
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 10
