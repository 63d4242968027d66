"""The made-up time, and processes that freeze and die in it."""

import asyncio
from contextvars import copy_context
from typing import Any

import pytest

from tests.simulator.loop import PROCESS, Killed, Loop, Process


def begin(loop: Loop, process: Process, work: Any) -> None:
    """Start a task of a process."""
    context = copy_context()
    context.run(PROCESS.set, process)
    context.run(lambda: loop.create_task(work))


def run(loop: Loop, until: float) -> None:
    """Let time pass."""
    asyncio._set_running_loop(loop)
    try:
        loop.run_until(until)
    finally:
        asyncio._set_running_loop(None)


async def ticking(told: list[float], loop: Loop) -> None:
    """Note the time every second."""
    while True:
        await asyncio.sleep(1.0)
        told.append(loop.now)


def test_time_jumps_to_what_is_next_and_no_real_time_passes() -> None:
    loop, told = Loop(lambda: 0.0), list[float]()
    begin(loop, Process("p"), ticking(told, loop))
    run(loop, 10_000.5)
    assert told == [float(i) for i in range(1, 10_001)]
    assert loop.now == 10_000.5


def test_a_frozen_process_does_nothing_and_then_what_was_due() -> None:
    loop, told = Loop(lambda: 0.0), list[float]()
    process = Process("p")
    begin(loop, process, ticking(told, loop))
    run(loop, 2.5)
    loop.freeze(process, 4.0)
    run(loop, 6.4)
    assert told == [1.0, 2.0]
    run(loop, 8.0)
    assert told == [1.0, 2.0, 6.5, 7.5]


def test_of_a_killed_process_nothing_runs_any_more_and_others_go_on() -> None:
    loop, dead, alive = Loop(lambda: 0.0), list[float](), list[float]()
    process = Process("p")
    begin(loop, process, ticking(dead, loop))
    begin(loop, Process("q"), ticking(alive, loop))
    run(loop, 2.5)
    loop.kill(process)
    run(loop, 4.5)
    assert (dead, alive) == ([1.0, 2.0], [1.0, 2.0, 3.0, 4.0])


def test_calls_of_a_thread_come_one_after_the_other_and_let_others_go_on() -> None:
    loop, told = Loop(lambda: 0.1), list[str]()

    def slow(name: str) -> str:
        told.append(f"{name} begins")
        loop.run_others(5.0)
        told.append(f"{name} ends")
        return name

    async def both() -> None:
        ask = asyncio.get_running_loop().run_in_executor
        told.extend(await asyncio.gather(ask(None, slow, "a"), ask(None, slow, "b")))

    begin(loop, Process("p"), both())
    run(loop, 60.0)
    assert told == ["a begins", "a ends", "b begins", "b ends", "a", "b"]


@pytest.mark.parametrize("error", [ValueError("told"), Killed()])
def test_an_error_of_a_call_is_its_callers_and_a_killed_call_is_never_answered(
    error: BaseException,
) -> None:
    loop, told = Loop(lambda: 0.1), list[str]()

    def fails() -> None:
        raise error

    async def ask() -> None:
        try:
            await asyncio.get_running_loop().run_in_executor(None, fails)
        except ValueError as raised:
            told.append(str(raised))

    process = Process("p")
    begin(loop, process, ask())
    run(loop, 5.0)
    assert told == (["told"] if isinstance(error, ValueError) else [])
    for task in process.tasks:
        coroutine = task.get_coro()
        assert coroutine is not None
        coroutine.close()
