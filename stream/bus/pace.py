"""How much is asked of Kafka at once, and how much of it may wait for the fold."""

import threading
import time
from collections.abc import Callable
from functools import partial

__all__ = ["CONSUME", "CONSUME_LEAST", "IN_FLIGHT_MAX", "SLOW_S", "Pace"]

CONSUME = 40_000
"""Messages asked for at once, as far as they are there within a tenth of a second: they share what a call costs."""
CONSUME_LEAST = 500
IN_FLIGHT_MAX = 3
"""Calls whose messages are handed over and not all folded yet; beyond it the thread waits.

So what is held in memory is bounded in bytes, too: a call ends with the messages that fill 32 MB.
"""
SLOW_S = 0.5
"""Waiting longer than this for the fold, the thread asks for half as many; sooner, for twice as many again."""


class Pace:
    """What was handed over and is not folded yet, and with it how much is asked for next.

    One thread hands over and waits; any may say that a batch is folded, or let the waiting end.
    """

    def __init__(self) -> None:
        self.consume = CONSUME
        self._calls = 0
        self._in_flight: dict[int, int] = {}
        """How many batches of each call are not folded yet."""
        self._ended = False
        self._room = threading.Condition()

    @property
    def in_flight(self) -> bool:
        """Whether something that was handed over is not folded yet."""
        return bool(self._in_flight)

    @property
    def ended(self) -> bool:
        """Whether nothing more is to be handed over."""
        return self._ended

    def end(self) -> None:
        """Let nobody wait any more, as nothing more is to be handed over."""
        with self._room:
            self._ended = True
            self._room.notify_all()

    def hand_over(self, batches: int) -> Callable[[], None]:
        """Count a call's batches as handed over; what is given is to be called once for each that is folded."""
        self._calls += 1
        with self._room:
            self._in_flight[self._calls] = batches
        return partial(self._done, self._calls)

    def _done(self, call: int) -> None:
        with self._room:
            self._in_flight[call] -= 1
            if not self._in_flight[call]:
                del self._in_flight[call]
            self._room.notify_all()

    def await_room(self, limit_s: float) -> bool:
        """Wait for the folding to catch up, at most so long and not once all has ended; whether it has.

        Where it is slow, less is asked for: what was read is soon folded, or let go of, whatever the speed.
        """
        began = time.monotonic()
        with self._room:
            self._room.wait_for(
                lambda: len(self._in_flight) < IN_FLIGHT_MAX or self._ended, limit_s
            )
            full = len(self._in_flight) >= IN_FLIGHT_MAX
        if full or time.monotonic() - began > SLOW_S:
            self.consume = max(CONSUME_LEAST, self.consume // 2)
        else:
            self.consume = min(CONSUME, 2 * self.consume)
        return not full

    def await_all(self, limit_s: float) -> bool:
        """Wait until all is folded that was handed over, at most so long; whether it is, or all has ended."""
        with self._room:
            return self._room.wait_for(lambda: not self._in_flight or self._ended, limit_s)
