"""One thread makes calls in their order, and lets the process end whatever it is at."""

import subprocess
import sys
import threading
from concurrent.futures import CancelledError

import pytest

from stream.run.work.one_thread import OneThread

HANGS = """
import threading
from stream.run.work.one_thread import OneThread
thread, begun = OneThread("hangs"), threading.Event()
thread.submit(lambda: (begun.set(), threading.Event().wait()))
begun.wait()
thread.shutdown(wait=False, cancel_futures=True)
"""


def test_calls_are_made_one_after_the_other_and_tell_what_came_of_them() -> None:
    thread, made = OneThread("one"), list[int]()

    def make(n: int) -> int:
        made.append(n)
        return n

    answers = [thread.submit(make, n) for n in range(20)]
    failed = thread.submit(lambda: 1 // 0)
    name = thread.submit(lambda: threading.current_thread().name)
    assert [answer.result(60) for answer in answers] == made == list(range(20))
    with pytest.raises(ZeroDivisionError):
        failed.result(60)
    assert name.result(60) == "one"
    thread.shutdown()


def test_after_the_end_nothing_is_begun() -> None:
    """The call that is under way is left to itself, those behind it are cancelled, and no more are taken."""
    thread, begun, end = OneThread("one"), threading.Event(), threading.Event()

    def long() -> bool:
        begun.set()
        return end.wait(60)

    under_way = thread.submit(long)
    waiting = thread.submit(lambda: pytest.fail("it was begun"))
    assert begun.wait(60)
    thread.shutdown(wait=False, cancel_futures=True)
    with pytest.raises(CancelledError):
        waiting.result(60)
    with pytest.raises(RuntimeError, match="no more calls"):
        thread.submit(lambda: None)
    end.set()
    assert under_way.result(60)
    thread.shutdown()


def test_a_call_that_waits_is_not_made_once_it_is_cancelled() -> None:
    thread, end = OneThread("one"), threading.Event()
    thread.submit(end.wait, 60)
    waiting, behind = thread.submit(lambda: pytest.fail("it was made")), thread.submit(lambda: 7)
    assert waiting.cancel()
    end.set()
    assert behind.result(60) == 7
    thread.shutdown()


def test_a_process_ends_in_the_middle_of_a_call() -> None:
    """As a worker does whose evaluation takes longer than it has."""
    ended = subprocess.run([sys.executable, "-c", HANGS], timeout=60, check=False)
    assert ended.returncode == 0
