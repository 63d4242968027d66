"""Compiled functions compute what they say and keep their type."""

import numpy as np

from detectors.arrays import Floats
from detectors.compiled import compiled


def add_up(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def test_a_compiled_function_answers_as_the_plain_one() -> None:
    values = np.random.default_rng(0).normal(size=100)
    fast = compiled(add_up)
    assert fast(values) == add_up(values)


def test_it_works_where_no_cache_can_be_written() -> None:
    namespace: dict[str, object] = {"__name__": "nowhere"}
    exec("def twice(x):\n    return x + x", namespace)  # noqa: S102 a function without a file
    twice = namespace["twice"]
    assert callable(twice)
    assert compiled(twice)(21) == 42
