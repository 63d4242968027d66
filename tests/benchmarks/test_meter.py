"""The meter reads what Linux counts of a process."""

import os
import time

import numpy as np

from benchmarks.meter import cpu_s, peak_mb, rss_mb


def test_processor_time_grows_by_what_is_used_and_not_by_what_is_slept() -> None:
    pid = os.getpid()
    began, used = time.process_time(), cpu_s(pid)
    while time.process_time() - began < 0.3:
        sum(range(1_000))
    assert abs((cpu_s(pid) - used) - 0.3) < 0.1
    used = cpu_s(pid)
    time.sleep(0.2)
    assert cpu_s(pid) - used < 0.1


def test_memory_grows_by_what_is_written() -> None:
    before = rss_mb(os.getpid())
    held = np.ones(10_000_000)
    assert abs(rss_mb(os.getpid()) - before - held.nbytes / 1e6) < 10


def test_the_peak_stays_when_memory_is_given_back() -> None:
    held = np.ones(40_000_000)
    with_it = rss_mb(os.getpid())
    del held
    assert peak_mb(os.getpid()) > with_it - 10 > rss_mb(os.getpid()) + 100
