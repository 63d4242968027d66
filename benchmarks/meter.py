"""What a process has used, as Linux counts it: processor time of all its threads, and resident memory."""

import os
from pathlib import Path

__all__ = ["ENOUGH_S", "cpu_s", "peak_mb", "rss_mb"]

ENOUGH_S = 0.5
"""Processor time from which a measurement is held against a promise: it is counted in ticks of 10 ms."""

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_PAGE_MB = os.sysconf("SC_PAGE_SIZE") / 1e6


def cpu_s(pid: int) -> float:
    """Tell the processor time of a process by now, user and system, in seconds; counted in ticks, mostly 10 ms."""
    stat = Path(f"/proc/{pid}/stat").read_text()
    fields = stat[stat.rindex(")") + 2 :].split()  # the name before may hold anything
    return (int(fields[11]) + int(fields[12])) * _TICK_S


def rss_mb(pid: int) -> float:
    """Tell the resident memory of a process now, in MB (10^6 bytes)."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_MB


def peak_mb(pid: int) -> float:
    """Tell the most memory that a process ever had resident, in MB (10^6 bytes)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    (told,) = (line for line in lines if line.startswith("VmHWM:"))
    return int(told.split()[1]) * 1024 / 1e6
