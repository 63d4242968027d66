"""For libraries that take data frames: the same bytes, decoded to frames; that is timed apart from their own work."""

import os
import time
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pandas as pd

from benchmarks.peers.programs.tell import Tell
from benchmarks.peers.programs.usage import peak_mb

__all__ = ["PACKAGES", "REPORT_EVERY", "Judge", "watch"]

PACKAGES = ("pandas", "numpy", "orjson")
REPORT_EVERY = 10_000
"""Rows that are compared with the reference at a time."""

Judge = Callable[[pd.DataFrame], int]
"""Take the next rows, and tell how many comparisons or profiles were made of them."""


def watch(
    told: dict[str, Any], tell: Tell, learn: Callable[[pd.DataFrame], Judge], rows: int
) -> None:
    """Give a library `rows` rows at a time: first, not counted, those of the warm-up, then those that are.

    The reference goes to `learn`. What is told at the end is processor time in seconds, of all threads, user and
    system, and of children that have ended.
    """
    judge = learn(_frame(Path(told["reference"]).read_bytes().splitlines()))
    with Path(told["values"]).open("rb") as lines:
        for first in range(0, told["warm_up"], rows):
            judge(_frame(list(islice(lines, min(rows, told["warm_up"] - first)))))
        decode_s, own_s, reports = 0.0, 0.0, 0
        began = time.monotonic()
        while taken := list(islice(lines, rows)):
            start = _cpu_s()
            frame = _frame(taken)
            decoded = _cpu_s()
            reports += judge(frame)
            own_s += _cpu_s() - decoded
            decode_s += decoded - start
        wall_s = time.monotonic() - began
    tell(
        "measured",
        decode_s=decode_s,
        own_s=own_s,
        wall_s=wall_s,
        reports=reports,
        rss_mb=peak_mb(os.getpid()),
    )


def _frame(lines: Sequence[bytes]) -> pd.DataFrame:
    return pd.DataFrame.from_records([orjson.loads(line)["features"] for line in lines])


def _cpu_s() -> float:
    used = os.times()
    return time.process_time() + used.children_user + used.children_system
