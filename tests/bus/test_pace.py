"""What waits for the fold is waited for no longer than it takes, and not at all once nothing more is handed over."""

import time
from collections.abc import Callable
from threading import Thread

import pytest

from stream.bus.pace import IN_FLIGHT_MAX, Pace

LONG_S = 60.0


@pytest.mark.parametrize("wait", [Pace.await_room, Pace.await_all])
def test_who_waits_for_the_fold_is_let_go_when_all_ends(
    wait: Callable[[Pace, float], bool],
) -> None:
    """Else a worker's end would take as long as the fold that hangs may take."""
    pace = Pace()
    for _ in range(IN_FLIGHT_MAX):
        pace.hand_over(1)
    waiting = Thread(target=wait, args=(pace, LONG_S), daemon=True)
    waiting.start()
    time.sleep(0.05)
    assert waiting.is_alive()
    pace.end()
    waiting.join(LONG_S / 2)
    assert not waiting.is_alive()
    began = time.monotonic()
    wait(pace, LONG_S)
    assert time.monotonic() - began < LONG_S / 2, "who comes later does not wait either"


@pytest.mark.parametrize("wait", [Pace.await_room, Pace.await_all])
def test_who_waits_for_the_fold_is_let_go_when_it_is_done(
    wait: Callable[[Pace, float], bool],
) -> None:
    pace = Pace()
    done = [pace.hand_over(2) for _ in range(IN_FLIGHT_MAX)]
    assert not wait(pace, 0.0)
    for folded in done:
        folded()
    assert pace.in_flight
    assert not wait(pace, 0.0)
    for folded in done:
        folded()
    assert not pace.in_flight
    assert wait(pace, 0.0)
