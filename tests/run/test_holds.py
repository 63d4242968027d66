"""Who has a partition, and who takes it from whom."""

import asyncio

from stream.run.work.holds import Holds
from tests.run.rig import SOURCES

ZERO, _ = SOURCES


def test_two_that_take_a_partition_at_once_have_it_one_after_the_other() -> None:
    """As a worker that ends does in the middle of a rebalance."""
    holds, told = Holds(lambda _: None), list[str]()

    async def take(name: str) -> None:
        async with holds.taken_from_others(ZERO, 5.0):
            told.append(f"{name} has it")
            await asyncio.sleep(0)
            told.append(f"{name} gives it back")

    async def story() -> None:
        await asyncio.gather(take("a"), take("b"))

    asyncio.run(story())
    assert told == ["a has it", "a gives it back", "b has it", "b gives it back"]
