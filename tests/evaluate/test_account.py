"""Whatever the alarm layer tells, its reader can compute again from the alert alone."""

import json
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import orjson
import pytest

from detectors import Verdict
from detectors.alarms.account import TESTS, recompute
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Judged
from stream.evaluate.judging.baseline import Compare
from stream.evaluate.judging.calm import Calm
from stream.evaluate.judging.finding import is_hard
from stream.reference.reference import Reference
from tests.evaluate.hours import LAYOUT, RULES, WEEK, chain, feed, hour, reference

OFTEN = replace(RULES, calm=Calm(clear_after=2, ongoing_every_ms=1))
"""Nearly every window of an incident is told."""
FAULTS: tuple[dict[str, float], ...] = (
    {"location": 1.0}, {"location": -0.7, "wander": 0.9}, {"spread": 0.4}, {"shape": 1.0}, {"missing": 0.2},
    {"volume": 1.2}, {"volume": -1.5},
)  # fmt: skip
BYTES_MAX: dict[Compare, int] = {"fixed": 4096, "rolling": 4096, "last_week": 6000}
"""Against a week before there are two signals, and worths that are no numbers of events."""


def window(
    rng: np.random.Generator, level: float, location: float = 0.0, spread: float = 0.0, shape: float = 0.0,
    missing: float = 0.0, volume: float = 0.0,
) -> Summary:  # fmt: skip
    """Make an hour of about 400 values around a level, one in fifty missing, and put a fault into it."""
    n = int(rng.poisson(400 * np.exp(volume)))
    x = rng.normal(level + location, np.exp(spread), n)
    if shape:  # as many above as below, in two heaps
        x = level + np.sign(x - level) * rng.normal(1.0, 0.2, n)
    x[rng.random(n) < 0.02 + missing] = np.nan
    return Summary.of(LAYOUT, {"x": x})


@cache
def weeks(number: int) -> tuple[Reference, list[Summary]]:
    """Make three weeks of hours, a season in them, from the middle of the last one on with a fault.

    Gives what is known after two, and the hours of the third.
    """
    rng = np.random.default_rng(number)
    fault = dict(FAULTS[number])
    wander = fault.pop("wander", 0.0)
    turns = np.sin(2 * np.pi * np.arange(3 * WEEK) / 24) / 2
    s, levels = 0.0, []
    for turn in turns:
        s = wander * s + 0.1 * float(rng.normal())
        levels.append(float(turn) + s)
    known = reference([window(rng, level) for level in levels[: 2 * WEEK]])
    began = len(levels) - 60
    return known, [
        window(rng, levels[i], **(fault if i >= began else {})) for i in range(2 * WEEK, len(levels))
    ]  # fmt: skip


def story(number: int, compare: Compare = "fixed") -> list[Judged]:
    """Tell of the weeks with a fault."""
    known, later = weeks(number)
    return feed(chain(known, replace(OFTEN, compare=compare, history_ms=14 * 86_400_000)), later)


def layered(verdict: Verdict) -> bool:
    """Whether a verdict is one of the alarm layer's chances."""
    return verdict.detector in TESTS and verdict.p_value is not None and not is_hard(verdict)


@pytest.mark.parametrize("compare", ["fixed", "rolling", "last_week"])
def test_every_verdict_of_the_layer_that_is_told_is_computed_again_from_its_account(
    compare: Compare,
) -> None:
    """Chance, statistic, lag and what is usual; also of those that resolve an incident."""
    names = set()
    for number in range(len(FAULTS)):
        for judged in story(number, compare):
            for column, change in judged.changes:
                verdict = change.verdict
                assert (column in judged.accounts) == layered(verdict)
                if column not in judged.accounts:
                    continue
                told = orjson.dumps(judged.accounts[column])
                assert len(told) <= BYTES_MAX[compare]
                assert_told(verdict, json.loads(told))
                names.add(verdict.detector)
    assert names == TESTS.keys()


def assert_told(verdict: Verdict, told: Any) -> None:
    again = recompute(told)
    assert again.p_value == pytest.approx(verdict.p_value, rel=1e-9, abs=0)
    assert again.statistic == pytest.approx(verdict.statistic, rel=1e-9)
    assert len(again.expected) == len(told["x"])
    if verdict.alarm:
        assert again.p_value < told["alpha"]
        assert again.lag == verdict.lag
    if verdict.detector not in ("missing", "volume"):  # these tell a share, and events
        assert again.usual == pytest.approx(verdict.usual, rel=1e-9)
    if verdict.detector != "shape":  # of which single windows say little
        assert again.expected[-1] == pytest.approx(again.usual, rel=1e-6, abs=1e-6)


def test_an_account_is_of_the_window_that_is_told_not_of_another() -> None:
    """A changed number of it changes the chance."""
    judged = next(j for j in story(0) if j.changes)
    column, change = judged.changes[0]
    told = json.loads(orjson.dumps(judged.accounts[column]))
    told["x"][-1] += 0.5
    assert recompute(told).p_value != pytest.approx(change.verdict.p_value, rel=1e-3, abs=0)
    assert told["last_ms"] == judged.own.start_ms


def test_a_hard_rule_has_no_account() -> None:
    """All values missing is told whatever is usual."""
    known = reference([hour(0.0, i) for i in range(2 * WEEK)])
    (judged,) = (j for j in feed(chain(known), [hour(0.0, 999, missing=200)]) if j.changes)
    assert is_hard(judged.changes[0][1].verdict)
    assert not judged.accounts
