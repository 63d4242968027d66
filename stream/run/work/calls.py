"""Calls that may block or fail, made on a thread of their own and repeated until they are answered."""

import asyncio
import logging
from collections.abc import Callable
from typing import TypeVar

from stream.errors import BusUnavailable, StoreUnavailable
from stream.run.work.one_thread import OneThread

__all__ = ["Calls"]

LOG = logging.getLogger("driftbus.worker")
T = TypeVar("T")
RETRY_FIRST_S, RETRY_LONGEST_S = 0.5, 10.0


class Calls:
    """One thread towards one place outside, such as the store. `well` tells whether it answers.

    The event loop goes on meanwhile, so health is told even while the place does not answer. A second thread towards
    the same place is made `beside` the first, and both know the same of it.
    """

    def __init__(
        self, name: str, clock: Callable[[], float], beside: "Calls | None" = None
    ) -> None:
        self._place: _Place = _Place() if beside is None else beside._place
        self._clock = clock
        self._thread = OneThread(name)

    @property
    def well(self) -> bool:
        """Whether the place answers."""
        return self._place.well

    async def once(self, call: Callable[[], T]) -> T:
        """Make a call; its errors are the caller's. Who is cancelled waits no longer, and the call goes on."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def insist(self, call: Callable[[], T], patience_s: float = float("inf")) -> T:
        """Make a call that may be repeated until it is answered, with back-off.

        Raises:
            StoreUnavailable, BusUnavailable: there was no answer for `patience_s`.
        """
        wait, began = RETRY_FIRST_S, self._clock()
        while True:
            try:
                answer = await self.once(call)
                self.found()
                return answer
            except (StoreUnavailable, BusUnavailable) as error:
                self.lost(error)
                if self._clock() - began + wait > patience_s:
                    raise
                await asyncio.sleep(wait)
                wait = min(2 * wait, RETRY_LONGEST_S)

    def behind(self, call: Callable[[], object]) -> None:
        """Make a call behind those that are on their way; nobody waits for it."""
        asyncio.get_running_loop().run_in_executor(self._thread, call)

    def lost(self, error: Exception) -> None:
        """Know that the place does not answer, and say so once."""
        if self.well:
            LOG.error("%s; driftbus keeps trying, nothing is lost", error)
        self._place.well = False

    def found(self) -> None:
        """Know that the place answers."""
        self._place.well = True

    def close(self) -> None:
        """Give the thread back; a call that hangs does not hold up the end."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Place:
    """What is known of a place by all who call it."""

    def __init__(self) -> None:
        self.well = True
