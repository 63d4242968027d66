"""What tests let happen to a worker's runtime, and what its sink was given."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.run.rig import SOURCES, Rig, stream

__all__ = ["alerts", "drifting", "evaluate_twice", "run"]

ZERO, ONE = SOURCES


def run(story: Callable[[Rig], Awaitable[Any]], rig: Rig | None = None) -> Rig:
    """Run a story on a rig that has taken both partitions over."""
    rig = rig or Rig()

    async def whole() -> None:
        await rig.runtime.take_over(SOURCES)
        await story(rig)

    asyncio.run(whole())
    rig.runtime.close()
    return rig


def alerts(rig: Rig) -> list[str]:
    """Tell the ids that the first sink was given, in order."""
    return [event.id for event in rig.sink.events]


async def drifting(rig: Rig) -> None:
    """Fold eight hours on both partitions, with drift in them; events with odd numbers go to partition 1."""
    events = stream(8, shift_after=4)
    for source, own in ((ZERO, events[0::2]), (ONE, events[1::2])):
        await rig.fold(source, 0, own)
    await rig.pass_s(2)


async def evaluate_twice(rig: Rig) -> None:
    """Fold what drifts, and evaluate it, and once more, when there is nothing left."""
    await drifting(rig)
    await rig.evaluate()
    await rig.evaluate()
