"""Which cause is told of what moved together."""

import pytest

from stream.evaluate.telling.cause import commonest


@pytest.mark.parametrize(
    ("causes", "severities", "told"),
    [
        (["frozen", "unit or scale", "frozen"], [0, 9, 0], "frozen"),
        (["population shift", "unit or scale"], [9, 0], "unit or scale"),
        (["missing values", "unit or scale"], [1, 2], "unit or scale"),
        (["missing values", "unit or scale"], [2, 2], "missing values"),
        (["missing values", "missing values", "volume"], [2, 2, 0], "volume"),
    ],
    ids=["what most have", "a fault before a shift", "the severest", "by name", "whole series"],
)
def test_the_cause_of_what_moved_together_is(
    causes: list[str], severities: list[int], told: str
) -> None:
    """In this order; what comes first in the list decides nothing."""
    assert commonest(causes, severities)[0] == told
    assert commonest(causes[::-1], severities[::-1])[0] == told
