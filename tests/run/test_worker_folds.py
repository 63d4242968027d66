"""What a worker does with the batches of a call, whatever becomes of each."""

import asyncio
import time
from collections import deque
from contextlib import nullcontext
from math import inf
from types import SimpleNamespace
from typing import Any

import pytest

from stream.run.work.worker import Worker


def test_the_event_loop_turns_between_batches_and_one_that_fails_holds_up_no_other() -> None:
    """So health answers; a batch is let go of as it is folded."""
    folded: list[int] = []
    errors: list[BaseException] = []
    seen: list[tuple[int, int]] = []
    items: deque[Any] = deque([1, 2, 3])

    async def fold(item: int) -> None:
        folded.append(item)
        if item == 2:
            raise ValueError(item)

    async def look() -> None:
        while True:
            seen.append((len(folded), len(items)))
            await asyncio.sleep(0)

    async def run() -> None:
        looking = asyncio.create_task(look())
        worker: Any = SimpleNamespace(runtime=SimpleNamespace(fold=fold), fail=errors.append)
        await Worker._fold(worker, items)
        looking.cancel()

    asyncio.run(run())
    assert folded == [1, 2, 3]
    assert [str(error) for error in errors] == ["2"]
    assert seen == [(1, 2), (2, 1), (3, 0)]


class Ending:
    """The pace of a consumer of which something is in flight for some looks."""

    def __init__(self, looks: float) -> None:
        self.looks = looks

    @property
    def in_flight(self) -> bool:
        self.looks -= 1
        return self.looks >= 0


@pytest.mark.parametrize(("looks", "in_time"), [(0, True), (3, True), (inf, False)])
def test_at_its_end_a_worker_winds_up_once_all_is_folded_that_was_handed_over(
    looks: float, in_time: bool
) -> None:
    """Or not at all: what is not folded by the deadline is read again."""
    wound_up: list[float] = []
    pace = Ending(looks)

    async def wind_up(_: float) -> None:
        wound_up.append(pace.looks)

    worker: Any = SimpleNamespace(
        consumer=SimpleNamespace(pace=pace), runtime=SimpleNamespace(wind_up=wind_up)
    )
    ending = Worker._finish(worker, time.monotonic() + (60.0 if in_time else 0.05))
    with nullcontext() if in_time else pytest.raises(TimeoutError):
        asyncio.run(ending)
    assert wound_up == ([-1] if in_time else [])
