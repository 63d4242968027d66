"""How the rate of an adaptive sample follows the load: down a ladder of halves while a worker is too slow, and back.

A pure function of what was measured; who measures, and when, is `stream/run/pressure.py`.
"""

from dataclasses import dataclass

__all__ = ["RUNGS", "LadderRules", "next_rung", "rate_of"]

RUNGS = 6
"""Steps of the whole ladder: 1, 1/2 ... 1/64."""
EASY_LAG = 0.25
"""The lag is made up for when it is below this part of the one that is too long."""


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


def next_rung(rules: LadderRules, rung: int, lag_s: float, busy: float, since_s: float) -> int:
    """Tell the rung to stand on: the one below, the one above, or the same.

    Down only if the backlog is long *and* the worker busy: what waits for a broker or the store is not read sooner for
    being thinned. Up only if the backlog is short and twice the work would still not be too much, so a load that stays
    as it is never makes the rate swing.

    Args:
        rules: when to step.
        rung: the present one; 0 is the rate 1.
        lag_s: how long the backlog takes to be read at the present pace.
        busy: part of the time that went into the work.
        since_s: time since the last step.

    >>> next_rung(LadderRules(), 2, lag_s=20.0, busy=1.0, since_s=6.0)
    3
    >>> next_rung(LadderRules(), 2, lag_s=0.1, busy=0.4, since_s=31.0)
    1
    """
    if lag_s > rules.lag_s and busy >= rules.busy:
        return min(rung + 1, rules.lowest) if since_s >= rules.down_s else rung
    if lag_s <= rules.lag_s * EASY_LAG and 2 * busy <= rules.busy and since_s >= rules.up_s:
        return max(rung - 1, 0)
    return rung


def rate_of(rung: int) -> float:
    """Give the rate of a rung: 1, 1/2 ... 1/64."""
    return 1.0 / (1 << rung)
