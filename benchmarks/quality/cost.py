"""What judging costs: processor time of one window of a large fleet on one core, and memory a monitor."""

import numpy as np

from benchmarks.quality.case import Tell
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.figures import Cost, Where
from benchmarks.quality.plan import Case

__all__ = ["measure_cost"]

CELL, SEED = "season_ar_0.9", 5_001
WINDOWS = 24


def measure_cost(monitors: int, history: int, tell: Tell) -> Cost:
    """Fit and judge a fleet block by block, which is what memory allows, and add the blocks' times window by window.

    Wants about 200 MB whatever the fleet, and some seconds a thousand monitors.
    """
    case = Case(Where(CELL, history, monitors, 1.0, "scale"), fleets=1, weeks=1)
    cost = Cost(monitors, history)
    judging = np.zeros(WINDOWS)
    tell(f"{monitors} monitors: the time of a window, in {case.blocks} blocks")
    for block in range(case.blocks):
        learned, windows = case.stream.control(SEED, block)
        windows = windows.part(0, 1 + WINDOWS)
        ours = Driftbus(case.budget)
        if not block:
            cost.stored_bytes, cost.resident_bytes = ours.weighed(
                learned, windows
            )  # and compiles what compiles
        times = ours.timed(learned, windows)
        cost.fit_s += float(times[0])
        judging += times[1:]
    cost.window_s, cost.window_max_s = float(np.median(judging)), float(judging.max())
    return cost
