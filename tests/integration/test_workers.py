"""Workers that are killed, frozen, started and ended under load leave the alerts and the state of a replay."""

import random
import signal
import threading
import time
from pathlib import Path

import pytest

from stream.files.source import FileEvent
from tests.integration.oracle import Oracle
from tests.integration.story import SESSION, TOOK_OVER, story, writes_refused

pytestmark = pytest.mark.servers

KILLS = 20
SENT_S = 2.0
"""Far longer than a committed alert takes to its topic; one in flight as its worker freezes may come twice."""
END_S = 30.0


def test_workers_that_are_killed_twenty_times_lose_and_repeat_nothing(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Either of two, at a random moment at which it owns something; started again while the other takes over."""
    chance = random.Random(5)  # noqa: S311 - no secrets here
    with story(tmp_path, events, kafka_bootstrap, redis_url, workers=2) as told:
        alive = [0, 1]

        def act() -> None:
            victim = alive.pop(chance.randrange(2))
            told.owns(victim)
            threading.Event().wait(chance.uniform(0.0, 1.0))
            told.workers.kill(victim)
            alive.append(len(told.workers.workers))
            told.workers.start()

        began = time.monotonic()
        told.goes_on(*[act] * KILLS)
        print(f"{KILLS} kills within {time.monotonic() - began:.1f} s")
        told.recovers("the last kill -9")
        told.ends_like(oracle)


def test_a_frozen_worker_wakes_after_it_was_replaced_and_can_change_nothing(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Either of two, stopped for longer than its session with a commit that Redis had refused.

    As it wakes, the store's FENCED or Kafka's word that the partitions are gone comes first; either does.
    """
    with story(tmp_path, events, kafka_bootstrap, redis_url, workers=2) as told:

        def freeze(number: int, other: int) -> None:
            told.flows()
            frozen, log = told.workers.workers[number], told.workers.log
            refused, had = log(number).count("keeps trying"), log(other).count(TOOK_OVER)
            owned = log(number).count(TOOK_OVER)
            with writes_refused(redis_url):
                told.says(number, "keeps trying", refused + 1)
                time.sleep(SENT_S)  # nothing more is committed, and what was before is sent
                frozen.send_signal(signal.SIGSTOP)
            try:
                told.says(other, TOOK_OVER, had + 1)
                told.recovers("a frozen worker")
            finally:
                frozen.send_signal(signal.SIGCONT)
            told.says(number, TOOK_OVER, owned + 1)  # it knows of its loss, and has its share again

        told.goes_on(told.flows, lambda: freeze(0, 1), lambda: freeze(1, 0))
        told.recovers("its return")
        told.ends_like(oracle)


@pytest.mark.parametrize(
    "group",
    [
        pytest.param(SESSION, id="cooperative-sticky"),
        pytest.param("group.protocol: consumer", id="consumer-protocol"),
    ],
)
def test_workers_that_come_and_go_under_load_leave_no_trace(
    tmp_path: Path,
    kafka_bootstrap: str,
    redis_url: str,
    events: list[FileEvent],
    oracle: Oracle,
    group: str,
) -> None:
    """From one to four, three of them end, then the last one, too, and a new one goes on; all ends are clean."""
    with story(tmp_path, events, kafka_bootstrap, redis_url, group=group) as told:
        workers = told.workers

        def end(*numbers: int) -> None:
            told.flows()
            began = time.monotonic()
            for number in numbers:
                workers.workers[number].terminate()
            for number in numbers:
                left = max(0.1, began + END_S - time.monotonic())
                assert workers.workers[number].wait(left) == 0, workers.logs()
            print(f"{len(numbers)} ended within {time.monotonic() - began:.1f} s")

        def to_four() -> None:
            for _ in range(3):
                workers.start()
            for number in range(4):
                told.owns(number)
            told.recovers("the arrival of three")

        def to_one() -> None:
            end(0, 1, 3)
            told.recovers("the end of three")

        def another_one() -> None:
            end(2)
            workers.start()
            told.recovers("the end of the last one")

        told.goes_on(told.flows, to_four, to_one, another_one)
        told.ends_like(oracle)
