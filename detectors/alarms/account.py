"""What the alarm layer judged a window by, in words and numbers of JSON, and the same judgement made of these again.

An alert carries such an account, so that its reader needs neither the stream nor its state to see why it was raised.
Numbers of single precision are written as short as they are read back exactly; worths have twelve digits.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from detectors.alarms.layer import AlarmLayer, Size
from detectors.alarms.memory import LAGS, PHIS
from detectors.alarms.season import season
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST
from detectors.alarms.steps import LEAST
from detectors.arrays import Counts, Floats

__all__ = ["Again", "account", "recompute"]

TESTS = {test.name: test for test in (*COLUMN_TESTS, VOLUME_TEST)}
DIGITS = 12
UNKNOWN = 1e30
"""Doubt about steps at other lags than the one that is told of: they surprise nobody."""


class Again(NamedTuple):
    """A judgement that was made again.

    Attributes:
        p_value: the chance of so surprising a window in control; an alarm if it is below the account's `alpha` (and
            the effect is not below its floor).
        statistic: the score: the step's size, of `missing` the share, of `volume` the number of events.
        size: of the step that surprises most, in units of the signal.
        lag: how many windows before the newest it began.
        usual: what season and history make of the newest window, in units of the signal.
        expected: [N] what they make of each window that was looked back on, the newest last.
    """

    p_value: float
    statistic: float
    size: float
    lag: int
    usual: float
    expected: list[float]


def account(
    layer: AlarmLayer, s: int, c: int, x: Floats, worth: Floats, base: Floats, events: Counts, last_ms: int,
    alpha: float, counted: tuple[int, int] | None = None,
) -> dict[str, object]:  # fmt: skip
    """Tell what `AlarmLayer.judge` judges column c by in test s; the layer must judge that column.

    Args:
        layer: the one that judges.
        s: the place of the test.
        c: the place of the column.
        x: [N] as it is given to `judge`, of numbers of single precision less `base`.
        worth: [N] likewise.
        base: [N] what x is measured from, of single precision.
        events: [N] numbers that the worth may go with, which are shorter to write.
        last_ms: when the newest window began.
        alpha: the chance of a false alarm that the test may take.
        counted: what the statistic is, k of n, where that is no step.

    Returns:
        JSON values, some 3 KB of hours, 2 KB of days; and 1 KB more where there is a base:

        - `test`; `last_ms`, `size_ms`, `every_ms`: the newest window's begin, how long windows are, how far apart;
        - `x`: [N] the signal in the windows looked back on, the newest last, less `base` (only where windows are
          compared with those of a week before); `worth`: [N], times `unit`, one over its sampling variance, 0 for a
          window that does not count;
        - `span_ms`, `windows`: the time and the windows that were learned from; `season`: coefficients of the
          regressors of `season.season`, for each correlation;
        - `phi`: the correlations that are likely, with their `weight`, `wander`, `scale`, `gain`: see `memory.Memory`;
          `lag`: how many windows ago the step began that surprises most, and `doubt` about its size; `freedom`;
        - `tail`: `share` and `slope` of `tail.Tail`; `rate`: only of arcsine rates, what a usual window is worth;
        - `alpha`; `counted`.
    """
    test, memory, tail = layer.tests[s], layer.memories[s], layer.tails[s]
    live = np.flatnonzero(memory.weight[c].astype(np.float64) >= LEAST)
    lag = _lag(layer, s, c, x, worth, last_ms)
    at = int(np.searchsorted(LAGS, lag))
    told = worth > 0
    unit, each = _short_worth(worth, events)
    based = {"base": _singles(np.where(told, base, 0.0))} if base.any() else {}
    return {
        "test": test.name,
        "alpha": alpha,
        **({} if counted is None else {"counted": list(counted)}),
        "last_ms": last_ms, "size_ms": layer.size.size_ms, "every_ms": layer.size.every_ms,
        "x": _singles(np.where(told, x + base, 0.0)), **based,
        "worth": each, "unit": unit,
        "span_ms": layer.span_ms, "windows": int(layer.windows[c]),
        "season": [_singles(memory.season[c, g]) for g in live],
        "phi": PHIS[live].tolist(),
        **{name: _singles(getattr(memory, name)[c, live]) for name in ("weight", "wander", "scale", "gain")},
        "lag": lag, "doubt": _singles(memory.doubt[c, live, at]),
        "freedom": _number(float(memory.freedom[c])),
        "tail": {"share": tail.share, "slope": float(tail.slope[c])},
        **({"rate": float(layer.usual[s, c])} if layer.rates[s, c] else {}),
    }  # fmt: skip


def recompute(told: Mapping[str, Any]) -> Again:
    """Judge again what an `account` tells of, by nothing but the account.

    Raises KeyError or ValueError for what is no account. Cost: about a millisecond.

    >>> import json
    >>> from detectors.alarms.layer import AlarmLayer, Size
    >>> rng, hour = np.random.default_rng(1), 3_600_000
    >>> x = rng.normal(size=(1, 1, 797))
    >>> x[..., 790:] += 4
    >>> x = x.astype(np.float32).astype(np.float64)
    >>> layer = AlarmLayer((COLUMN_TESTS[0],), x[..., :700], np.ones((1, 1, 700)), hour * np.arange(700),
    ...     Size(hour, hour, 28))
    >>> seen, ones = x[..., 700:], np.ones((1, 1, 97))
    >>> judged = layer.judge(seen, ones, hour * 796, np.array([1e-4]))[0]
    >>> told = account(layer, 0, 0, seen[0, 0], ones[0, 0], np.zeros(97), ones[0, 0].astype(int), hour * 796, 1e-4)
    >>> again = recompute(json.loads(json.dumps(told)))
    >>> again.p_value == float(judged.chance[0]), again.lag, again.p_value < told["alpha"]
    (True, 8, True)
    """
    test = TESTS[told["test"]]
    rates = np.array([["rate" in told]])
    size = Size(told["size_ms"], told["every_ms"], 0)
    usual = np.array([[float(told.get("rate", 0.0))]])
    hours = np.zeros((1, 24), np.int64)
    tail = [float(told["tail"]["share"]), np.array([float(told["tail"]["slope"])])]
    windows = np.array([told["windows"]], np.int64)
    learned = [windows, int(told["span_ms"]), usual, [_memory(told)], [tail], [], hours]
    layer = AlarmLayer.restore((test,), size, rates, learned)
    x = _exact(told["x"])
    base = _exact(told["base"]) if "base" in told else np.zeros_like(x)
    worth = np.array(told["worth"], np.float64) * float(told["unit"])
    alphas = np.array([float(told["alpha"])])
    (judged,) = layer.judge(
        (x - base)[None, None], worth[None, None], told["last_ms"], alphas, base[None, -1:]
    )
    times = told["last_ms"] - size.every_ms * np.arange(len(x) - 1, -1, -1, dtype=np.int64)
    best = int(np.argmax(told["weight"]))
    expected = season(times, size.size_ms, layer.span_ms) @ _exact(told["season"][best]) + base
    step = float(judged.size[0])
    k, n = told.get("counted", (step, 1))
    return Again(
        float(judged.chance[0]), k / max(n, 1), step, int(judged.lag[0]), float(judged.usual[0]), expected.tolist()
    )  # fmt: skip


def _memory(told: Mapping[str, Any]) -> list[object]:
    """Put what is told of a memory into the places of its correlations, and of the lag."""
    live, at = np.searchsorted(PHIS, told["phi"]), int(np.searchsorted(LAGS, told["lag"]))
    seasons = np.zeros((1, len(PHIS), len(told["season"][0])))
    seasons[0, live] = told["season"]
    doubt = np.full((1, len(PHIS), len(LAGS)), UNKNOWN)
    doubt[0, live, at] = told["doubt"]
    weight, wander, scale, gain = (np.zeros((1, len(PHIS))) for _ in range(4))
    for name, array in (("weight", weight), ("wander", wander), ("scale", scale), ("gain", gain)):
        array[0, live] = told[name]
    freedom = np.array([float(told["freedom"])])
    return [weight, wander, scale, seasons, doubt, gain, freedom, np.array([at + 1], np.int64)]


def _lag(layer: AlarmLayer, s: int, c: int, x: Floats, worth: Floats, last_ms: int) -> int:
    """Judge one column alone, to know how many windows ago its most surprising step began."""
    row = slice(c, c + 1)
    tail = [layer.tails[s].share, layer.tails[s].slope[row]]
    learned = [
        layer.windows[row], layer.span_ms, layer.usual[s : s + 1, row], [layer.memories[s].part(row).payload()],
        [tail], [], layer.hours[row],
    ]  # fmt: skip
    rates = layer.rates[s : s + 1, row]
    alone = AlarmLayer.restore((layer.tests[s],), layer.size, rates, learned)
    return int(alone.judge(x[None, None], worth[None, None], last_ms, np.ones(1))[0].lag[0])


def _short_worth(worth: Floats, events: Counts) -> tuple[float | int, list[float | int]]:
    """Give a unit, and each worth in it: the events, where the worth goes with these."""
    told = (worth > 0) & (events > 0)
    if told.any():
        each = worth[told] / events[told]
        if np.ptp(each) <= 1e-14 * each[-1] and (told == (worth > 0)).all():
            return _number(float(each[-1])), np.where(told, events, 0).tolist()
    return 1, [_number(float(f"{x:.{DIGITS}g}")) for x in worth.tolist()]


def _singles(array: ArrayLike) -> list[float | int]:
    """Write numbers of single precision as short as they are read back exactly."""
    return [_number(float(str(x))) for x in np.asarray(array, np.float32)]


def _exact(numbers: Sequence[float]) -> Floats:
    """Read back what `_singles` wrote."""
    return np.array(numbers, np.float32).astype(np.float64)


def _number(x: float) -> float | int:
    """Write whole numbers without a fraction."""
    return int(x) if x.is_integer() and abs(x) < 2**53 else x
