"""An alert is enough to compute its scores again: from `data` alone, by the textbook."""

from collections.abc import Sequence
from functools import cache
from math import log
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare

from detectors.alarms.account import TESTS, recompute
from sinks.event import DriftEvent, parse, structured
from tests.replay.faults import changed, rows, told

Bins = Sequence[dict[str, Any]]


@cache
def alerts() -> list[DriftEvent]:
    """Read back, as a consumer of the topic would: numbers that moved, words that changed their mix, values missing."""
    mixed = changed(lambda x: x + 1.5)
    words = changed(lambda x: "z" if x == "x" else x, "_word")
    holes = changed(lambda x: None if x > 20 else x, "_wide")
    found = told(rows(lambda row: holes(words(mixed(row)))))
    read = [parse(structured(alert)) for alert in found]
    return [a for a in read if a.column is not None and a.phase != "resolved"]


def scored(name: str) -> list[tuple[Bins, float]]:
    found = []
    for alert in alerts():
        data: Any = alert.data
        if name in data["scores"]:
            found.append((data["explain"]["bins"], data["scores"][name]["value"]))
    assert len(found) >= 3
    return found


def test_psi_is_the_sum_of_the_contributions_and_follows_from_the_counts() -> None:
    """Every count gets 1/2 more, as empty bins have no logarithm."""
    for bins, value in scored("psi"):
        n = sum(b["cur_n"] + 0.5 for b in bins)
        m = sum(b["ref_n"] + 0.5 for b in bins)
        shares = [((b["cur_n"] + 0.5) / n, (b["ref_n"] + 0.5) / m) for b in bins]
        assert sum((p - q) * log(p / q) for p, q in shares) == pytest.approx(value, rel=1e-5)
        assert sum(b["contribution"] for b in bins) == pytest.approx(value, rel=1e-4)


def test_the_kolmogorov_smirnov_distance_is_the_largest_gap_of_the_bins_in_order() -> None:
    """Values only: missing ones take no part."""
    for bins, value in scored("kolmogorov_smirnov"):
        values = [b for b in bins if b["bin"] != "missing"]
        ordered = sorted(values, key=lambda b: -np.inf if b["lo"] is None else b["lo"])
        now, usual = (np.cumsum([b[of] for b in ordered]) for of in ("cur_n", "ref_n"))
        gap = np.abs(now / now[-1] - usual / usual[-1]).max()
        assert gap == pytest.approx(value, rel=1e-5)


def test_chi_square_is_pearsons_of_the_counts() -> None:
    """Expectations from the reference's counts and 1/2 each; those below 1 divide as 1."""
    for bins, value in scored("chi_square"):
        seen = np.array([b["cur_n"] for b in bins])
        usual = np.array([b["ref_n"] + 0.5 for b in bins])
        expected = seen.sum() * usual / usual.sum()
        parts = (seen - expected) ** 2 / np.maximum(expected, 1)
        assert parts.sum() == pytest.approx(value, rel=1e-5)
        if (expected >= 1).all():
            assert chisquare(seen, expected).statistic == pytest.approx(value, rel=1e-5)


def test_the_score_of_what_alarmed_follows_from_the_account_of_its_signal() -> None:
    """By the library; scores are told with six digits. A hard rule needs no account."""
    layered: list[Any] = [alert.data for alert in alerts() if alert.detector in TESTS]
    found = [data for data in layered if not data["score"]["note"].startswith("hard rule")]
    assert len(found) >= 3
    for data in found:
        score = data["score"]
        again = recompute(data["explain"]["signal"])
        assert float(f"{again.p_value:.6g}") == score["p_value"]
        assert float(f"{again.statistic:.6g}") == score["value"]
        assert score["usual"] is not None


def test_an_alert_tells_when_it_began_what_it_rests_on_and_one_sentence_first() -> None:
    for alert in alerts():
        data: Any = alert.data
        assert list(data)[:2] == ["schema", "summary"]
        assert (
            data["onset"]["interval"][0]
            <= data["onset"]["estimate"]
            <= data["onset"]["interval"][1]
        )
        assert all(span["from_offset"] <= span["to_offset"] for span in data["replay"])
        assert data["replay"]
