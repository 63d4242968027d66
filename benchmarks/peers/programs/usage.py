"""What a process and its children have used, as Linux counts it."""

import os
from collections import defaultdict
from contextlib import suppress
from pathlib import Path

__all__ = ["cpu_s", "peak_mb"]

_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")
_PARENT = 1
_TIMES = slice(11, 15)
"""Where /proc/PID/stat has, behind the name, user and system time, and the same of children that were waited for."""


def cpu_s(pid: int) -> float:
    """Tell the processor time of a process and all its children, user and system, in seconds; it comes in 10 ms."""
    return sum(sum(map(int, fields[_TIMES])) for fields in _family(pid).values()) * _TICK_S


def peak_mb(pid: int) -> float:
    """Tell the most memory that a process ever had resident, in MB (10^6 bytes); children add theirs."""
    total = 0.0
    for member in _family(pid):
        with suppress(OSError):
            for line in Path(f"/proc/{member}/status").read_text().splitlines():
                if line.startswith("VmHWM:"):
                    total += int(line.split()[1]) * 1024 / 1e6
    return total


def _family(pid: int) -> dict[int, list[str]]:
    """Give a process and what descends from it, each with the fields of its stat behind the name."""
    fields, children = {}, defaultdict(list)
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            with suppress(OSError):  # it has ended meanwhile
                stat = (folder / "stat").read_text()
                fields[int(folder.name)] = stat[stat.rindex(")") + 2 :].split()
    for member, of in fields.items():
        children[int(of[_PARENT])].append(member)
    family, waiting = {}, [pid]
    while waiting:
        member = waiting.pop()
        if member in fields:
            family[member] = fields[member]
            waiting += children[member]
    return family
