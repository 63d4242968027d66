"""A worker that is told to end does so within `shutdown_timeout`, whatever hangs."""

import asyncio
import logging
from typing import Any

import pytest

from stream.bus.pace import Pace
from stream.config.load import from_text
from stream.run.work import worker as of_worker
from stream.run.work.worker import LEAVE_S, Worker


class Clock:
    """Goes on by half a second whenever it is asked."""

    now = 1_000.0

    def monotonic(self) -> float:
        self.now += 0.5
        return self.now


class Hung:
    """A consumer whose batches are never folded, and which does not end."""

    beat = 0.0

    def __init__(self) -> None:
        self.pace = Pace()
        self.pace.hand_over(1)
        self.stopped = False
        self.waited_s = 0.0

    def is_alive(self) -> bool:
        return True

    def stop(self) -> None:
        assert self.pace.ended  # long since
        self.stopped = True

    def join(self, seconds: float) -> None:
        self.waited_s += seconds


@pytest.mark.parametrize("given_s", [6, 20])
def test_who_waits_for_a_fold_that_hangs_ends_in_time(
    given_s: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What is left of the time is enough to leave the group; what was not committed is folded again by others."""
    worker = Worker(from_text(f"bootstrap: 127.0.0.1:9\nshutdown_timeout: {given_s}s", {}), [])
    clock, consumer = Clock(), Hung()
    monkeypatch.setattr(of_worker, "time", clock)
    monkeypatch.setattr(worker, "consumer", consumer)
    began, closed = clock.now, list[Any]()
    monkeypatch.setattr(worker.outlet, "close", closed.append)
    worker.brokers.close()
    with caplog.at_level(logging.ERROR):
        asyncio.run(asyncio.wait_for(worker.wind_up(), 60))
    assert consumer.stopped
    (left_s,) = closed
    assert clock.now - began + consumer.waited_s + left_s <= given_s
    assert clock.now - began >= given_s - LEAVE_S
    assert "out of time; what was not committed will be folded again" in caplog.text
    assert worker._over.is_set()
