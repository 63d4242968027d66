"""EDDM: alarms when errors come closer together than they ever did.

Baena-Garcia and others, "Early drift detection method" (Knowledge Discovery from Data Streams,
2006). Of the distances between errors, counted in updates, the mean p and the standard deviation s
are kept; p + 2 s grows as long as a model learns. Compared with its maximum,

    warning:  (p + 2 s) / max < alpha
    drift:    (p + 2 s) / max < beta

Answers are bit for bit those of river 0.26, which begins anew with the update after a drift. To be
known of both:

- Exactly 1 is an error; any other number is none.
- Only an error can be a drift, so a model that fails once and for all is noticed error by error.
- The first distance is measured from the beginning, where no error was.
- `warm_start` counts twice: as many updates pass before a maximum is taken, and as many errors
  before anything is told.
- A warning stands until an error finds the level above alpha: through new maxima, when all is at
  its best, and beside a drift. `clear_warning` takes it back in both cases.
"""

from typing import Any, ClassVar

import numpy as np

from detectors.arrays import Counts, Floats
from detectors.compiled import compiled
from detectors.sequential.sequential import (
    CALM,
    DRIFT,
    LARGEST,
    SMALLEST,
    check_aggregate,
    flag,
    number,
    whole,
)
from detectors.sequential.warns import Warns

__all__ = ["EDDM"]

# Where the state holds what; the settings that a step needs come last.
(STATUS, WARNED, SEEN, LAST, ERRORS, MEAN, SQUARES, HIGHEST) = range(8)
(SILENT, ALPHA, BETA, CLEAR, HALF) = range(8, 13)
NEAR = 1e-12  # share of the maximum within which the last bit may decide


class EDDM(Warns):
    """Detects that errors come more often, early also where that creeps in.

    Args:
        warm_start: updates, and errors, that pass before anything is told.
        alpha: share of the maximum below which to warn; at least beta.
        beta: share of the maximum below which to alarm.
        clear_warning: whether a new maximum or a drift ends a warning; river's does not.

    Values are 1 for an error; any other finite number is none. There are no aggregates: distances
    between errors are lost in them. Cost: about 0.15 us an update without error and 0.4 us
    with one, 0.003 to 0.02 us a value of `update_many`, and 104 bytes of state.

    Raises:
        ValueError: an argument is out of its range, an update is not a finite number, or a weight
            is not 1.

    >>> EDDM().update_many(([0] * 9 + [1, 0, 0, 1]) * 20 + [0, 1] * 30)
    array([267])
    """

    name: ClassVar[str] = "eddm"
    SETTINGS: ClassVar[tuple[str, ...]] = ("warm_start", "alpha", "beta", "clear_warning")
    COUNTERS: ClassVar[tuple[int, ...]] = (SEEN, LAST, ERRORS)
    FIXED: ClassVar[int | None] = SILENT

    def __init__(
        self,
        warm_start: int = 30,
        alpha: float = 0.95,
        beta: float = 0.9,
        *,
        clear_warning: bool = False,
    ) -> None:
        warm_start = whole("warm_start", warm_start, 0)
        alpha, beta = number("alpha", alpha), number("beta", beta)
        clear_warning = flag("clear_warning", clear_warning)
        if alpha < beta:
            raise ValueError(f"need alpha >= beta, got {alpha} and {beta}")
        self.warm_start = warm_start
        self.alpha = alpha
        self.beta = beta
        self.clear_warning = clear_warning
        # The exponent is data, as a constant 1/2 would be compiled to a square root.
        settings = (warm_start, alpha, beta, clear_warning, 0.5)
        self._state = np.array([0.0] * SILENT + [float(setting) for setting in settings])
        self._quiet = 0  # updates without error that the state does not know of yet
        _begin(self._state)

    def update(self, x: float, weight: int = 1, variance: float = 0.0) -> None:
        """Take one answer: 1 if it was an error. Refuses a weight other than 1.

        See `Sequential.update`.
        """
        if weight != 1 or variance != 0.0 or not SMALLEST <= x <= LARGEST:
            check_aggregate(x, weight, variance)
            raise ValueError("EDDM needs each answer: distances are lost in an aggregate")
        if x == 1:
            self._status = _error(self._state, float(self._quiet))
            self._quiet = 0
            return
        if self._status == DRIFT:
            _begin(self._state)
            self._status = CALM
        self._quiet += 1

    def _run(self, values: Floats, found: Counts) -> int:
        self._settle()
        detections, self._status = _steps(self._state, values, found)
        return detections

    def _saved(self) -> dict[str, Any]:
        self._settle()
        return super()._saved()

    def _check_state(self, own: Any, saved: Any) -> None:
        super()._check_state(own, saved)
        if saved[LAST] > saved[SEEN] or not (saved[HIGHEST] == -1.0 or saved[HIGHEST] > 0.0):
            raise ValueError(f"there are no such distances between errors in an {self.name}")

    def _settle(self) -> None:
        self._state[SEEN] += self._quiet
        self._quiet = 0


@compiled
def _begin(state: Floats) -> None:
    """Forget all but the settings."""
    state[:SILENT] = 0.0
    state[HIGHEST] = -1.0


@compiled
def _error(state: Floats, quiet: float) -> int:
    """Take an error after `quiet` updates without one and tell the status."""
    if state[STATUS] == DRIFT:
        _begin(state)
    state[SEEN] += quiet + 1.0
    state[ERRORS] += 1.0
    distance = state[SEEN] - state[LAST]
    state[LAST] = state[SEEN]
    gap = distance - state[MEAN]
    state[MEAN] += (1.0 / state[ERRORS]) * gap
    state[SQUARES] += gap * (distance - state[MEAN])
    if state[SEEN] <= state[SILENT]:
        return CALM
    variance = state[SQUARES] / (state[ERRORS] - 1.0) if state[ERRORS] > 1.0 else 0.0
    reach = _reach(state, variance)
    if reach > state[HIGHEST]:
        state[HIGHEST] = reach
        if state[CLEAR] == 1.0:
            state[WARNED] = 0.0
    elif state[ERRORS] > state[SILENT]:
        _judge(state, reach / state[HIGHEST])
    return int(state[STATUS])


@compiled
def _reach(state: Floats, variance: float) -> float:
    """Give p + 2 s, to river's last bit where that decides.

    River's s is a power of 1/2, which is slow and one bit off the square root now and then.
    """
    rough, highest = state[MEAN] + 2.0 * np.sqrt(variance), state[HIGHEST]
    close = NEAR * highest
    if (
        rough > highest - close
        or abs(rough - state[ALPHA] * highest) < close
        or abs(rough - state[BETA] * highest) < close
    ):
        return float(state[MEAN] + 2.0 * variance ** state[HALF])
    return float(rough)


@compiled
def _judge(state: Floats, level: float) -> None:
    """Compare the level with both thresholds."""
    if level < state[BETA]:
        state[STATUS] = DRIFT
        if state[CLEAR] == 1.0:
            state[WARNED] = 0.0
    else:
        state[WARNED] = 1.0 if level < state[ALPHA] else 0.0


@compiled
def _steps(state: Floats, values: Floats, found: Counts) -> tuple[int, int]:
    """Take value after value; tell how many detections were noted in `found`, and the status."""
    k = 0
    quiet = 0.0
    for i in range(len(values)):
        if values[i] == 1.0:
            if _error(state, quiet) == DRIFT:
                found[k] = i
                k += 1
            quiet = 0.0
        else:
            if state[STATUS] == DRIFT:
                _begin(state)
            quiet += 1.0
    state[SEEN] += quiet
    return k, int(state[STATUS])
