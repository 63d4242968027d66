"""How the rate of an adaptive sample follows the load: down a ladder of halves while a worker is too slow, and back.

A pure function of what was measured; who measures, and when, is `stream/run/work/pressure.py`.
"""

from dataclasses import dataclass
from math import inf

__all__ = ["MAKES_UP", "RUNGS", "LadderRules", "Load", "next_rung", "rate_of"]

RUNGS = 6
"""Steps of the whole ladder: 1, 1/2 ... 1/64."""
EASY_LAG = 0.25
"""The lag is made up for when it is below this part of the one that is too long."""
MAKES_UP = 0.2
"""A backlog shrinks fast enough when at least this part of what is read comes out of it."""


@dataclass(frozen=True, slots=True)
class LadderRules:
    """When to step.

    Attributes:
        lowest: the last rung, of `RUNGS` at most.
        lag_s: a backlog that takes longer to read than this is too long.
        busy: part of its time from which on the worker itself is what holds up the reading.
        down_s: shortest time from any step to the next one down, in which that step must show.
        up_s: and to the next one up.
    """

    lowest: int = RUNGS
    lag_s: float = 10.0
    busy: float = 0.8
    down_s: float = 5.0
    up_s: float = 30.0


@dataclass(frozen=True, slots=True)
class Load:
    """What was measured.

    Attributes:
        lag_s: how long the backlog takes to be read at the present pace.
        busy: part of the time in which the worker was at work or waited for a core to work on; several threads may
            make it more than 1.
        made_up: part of what was read that came out of the backlog; negative while that grows.
    """

    lag_s: float
    busy: float
    made_up: float


def next_rung(
    rules: LadderRules, rung: int, load: Load, since_s: float, patience_s: float = inf
) -> int:
    """Tell the rung to stand on: the one below, the one above, or the same.

    Down only if the backlog is long, the worker busy, *and* the backlog not being made up for: what waits for a broker
    or the store is not read sooner for being thinned, and a worker that comes back and catches up needs no help. Up
    only if the backlog is short and twice the work would still not be too much, so a load that stays as it is never
    makes the rate swing. Twice is more than one step up brings, as part of the work is done for every event, so when
    that has been in the way for `patience_s` the step is tried.

    Args:
        rules: when to step.
        rung: the present one; 0 is the rate 1.
        load: what was measured.
        since_s: time since the last step.
        patience_s: time after which a step up is tried.

    >>> next_rung(LadderRules(), 2, Load(lag_s=20.0, busy=1.0, made_up=0.0), since_s=6.0)
    3
    >>> next_rung(LadderRules(), 2, Load(lag_s=0.1, busy=0.4, made_up=0.0), since_s=31.0)
    1
    """
    if load.lag_s > rules.lag_s:
        too_slow = load.busy >= rules.busy and load.made_up < MAKES_UP
        return min(rung + 1, rules.lowest) if too_slow and since_s >= rules.down_s else rung
    easy = load.lag_s <= rules.lag_s * EASY_LAG and since_s >= rules.up_s
    if easy and (2 * load.busy <= rules.busy or since_s >= patience_s):
        return max(rung - 1, 0)
    return rung


def rate_of(rung: int) -> float:
    """Give the rate of a rung: 1, 1/2 ... 1/64."""
    return 1.0 / (1 << rung)
