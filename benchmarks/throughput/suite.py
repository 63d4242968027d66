"""All that was promised about throughput, as cases: what `--suite` measures."""

from dataclasses import replace

from benchmarks.throughput.case import Case

__all__ = ["LATENCY", "suite"]

LATENCY = {
    "drift": True,
    "paced": True,
    "pane": "1s",
    "windows": "2s",
    "lateness": "0s",
    "warm_up": 20_000,
}
"""Windows close every two seconds, and each has something to tell."""
LATENCY_S = 60
RATES = (1 / 64, 1 / 16, 0.1, 1 / 4, 1 / 2)


def suite(base: Case) -> list[Case]:
    """Give the cases, each with the base's events and feed; from memory those that need no broker."""
    whole = replace(base, mode="whole")
    cases = [
        whole,
        replace(whole, features=100),
        replace(whole, series=10_000),
        replace(whole, models=64),
        *(replace(whole, sample=rate) for rate in RATES),
    ]
    if base.feed == "memory":
        return cases
    timed = replace(whole, events=base.rate * LATENCY_S, **LATENCY)
    first = [replace(base, mode="consume"), replace(base, mode="decode")]
    return [*first, *cases, replace(whole, workers=2), timed]
