"""New values are named: all of them while they are few, and what dominates however many there are."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from detectors.summaries.unseen_values import UnseenValues
from detectors.summaries.value_text import TEXT_BYTES_MAX, value_text


def told(values: list[str], k: int = 32) -> UnseenValues:
    unseen = UnseenValues(k)
    unseen.update_many(values)
    return unseen


def test_few_values_are_named_by_count_then_by_name() -> None:
    unseen = told(["b", "c", "a", "c"])
    assert unseen.common() == [("c", 2), ("a", 1), ("b", 1)]
    assert unseen.common(1) == [("c", 2)]
    assert (unseen.distinct, unseen.exact) == (3.0, True)


@pytest.mark.parametrize("share", [0.55, 0.7, 0.95])
@pytest.mark.parametrize("seed", range(8))
def test_a_value_of_more_than_half_is_named_among_any_number_of_others(
    share: float, seed: int
) -> None:
    """Its name has nothing to do with its luck: it is spelled where its hash is too large to be held."""
    rng = np.random.default_rng(seed)
    name = f"dominant-{seed}"
    others = [f"id{x}" for x in rng.integers(0, 10**9, 3000).tolist()]
    count = int(3000 * share / (1 - share))
    unseen = told([name] * count + others)
    ((first, found),) = unseen.common(1)
    assert first == name
    assert abs(found - count) <= 0.1 * (count + 3000)


def test_where_nothing_dominates_no_value_is_made_up() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        values = [f"id{x}" for x in rng.integers(0, 10**6, 500).tolist()]
        assert {text for text, _ in told(values).common(100)} <= set(values)


def test_the_number_of_distinct_values_is_within_its_stated_error() -> None:
    """A standard error of 1/sqrt(k - 2), and no bias, over 200 streams."""
    for k in (10, 32):
        errors = []
        for seed in range(200):
            n = 50 + 20 * seed
            names = [f"{seed}/{i}" for i in range(n)]
            errors.append(told(names * 2, k).distinct / n - 1)
        assert abs(np.mean(errors)) < 3 / np.sqrt(k - 2) / np.sqrt(200)
        assert np.std(errors) < 1.2 / np.sqrt(k - 2)


def test_tallies_of_two_sizes_do_not_go_together() -> None:
    with pytest.raises(ValueError, match="holds 5"):
        UnseenValues(6).merge(UnseenValues(5))
    with pytest.raises(ValueError, match="at least 3"):
        UnseenValues(2)


def test_a_copy_goes_its_own_way() -> None:
    unseen = told([str(i) for i in range(100)])
    before = unseen.to_bytes()
    copied = unseen.copy()
    assert copied.to_bytes() == before
    copied.update_many(["x"] * 9)
    assert unseen.to_bytes() == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"k": 2},
        {"texts": ["a", "b"]},
        {"texts": [1]},
        {"texts": None},
        {"rest": 3},
        {"bits": np.zeros(5, dtype=np.int64)},
        {"bits": np.zeros(576, dtype=np.int64)},
        {"counts": [1, 2]},
    ],
)
def test_a_state_whose_parts_do_not_fit_is_refused(wrong: dict[str, object]) -> None:
    state = told(["a"]).state()
    assert UnseenValues.from_state(state).common() == [("a", 1)]
    with pytest.raises(ValueError):  # noqa: PT011 - whichever part is wrong says so in its own words
        UnseenValues.from_state(state | wrong)
    with pytest.raises(ValueError, match="no state"):
        UnseenValues.from_state({})


@given(text=st.text(alphabet=st.characters(), max_size=90))
@example("\ud800")
@example("a\0")
@example("ä" * 40)
def test_a_text_is_told_in_64_bytes_of_utf8_and_short_ones_as_they_are(text: str) -> None:
    short = value_text(text)
    assert len(short.encode()) <= TEXT_BYTES_MAX
    assert value_text(short) == short
    clean = text.rstrip("\0").encode("utf-8", "replace").decode()
    if len(clean.encode()) <= TEXT_BYTES_MAX:
        assert short == clean


def test_long_texts_that_begin_alike_stay_apart() -> None:
    paths = [f"https://example.org/{'a' * 60}/{i}" for i in range(20)]
    unseen = told(paths)
    assert unseen.distinct == 20
    assert all(name.startswith("https://example.org/aaa") for name, _ in unseen.common())


def test_values_of_all_types_have_their_names() -> None:
    values = [7.0, -0.0, 0.0, 0.1, 1e300, True, False, 12345678.0]
    assert [value_text(v) for v in values] == [
        "7", "0", "0", "0.1", "1e+300", "true", "false", "12345678",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "wrong",
    [
        {"texts": ["a" * 1000, "b", "c"]},
        {"texts": ["a\0", "b", "c"]},
        {"texts": ["a", "a", "c"]},
        {"texts": ["a", "b", 7.0]},
        {"counts": [1, 2, 0]},
        {"counts": [1, 2, -3]},
        {"counts": [1, 2, 2.5]},
        {"counts": [1, 2, 10**30]},
        {"counts": np.ones((3, 1))},
        {"rest": -1},
        {"rest": 10**30},
        {"rest": float("inf")},
        {"rest": 5, "bits": np.full(576, -1)},
        {"rest": 5, "bits": np.full(576, 6)},
        {"k": float("inf")},
    ],
)
def test_a_state_that_no_values_could_have_made_is_refused(wrong: dict[str, object]) -> None:
    """A text longer than all texts are would be counted outside of the array of bits later on."""
    state = told(["a", "b", "c"], 3).state()
    assert UnseenValues.from_state(state).seen == 3
    with pytest.raises(ValueError, match="no state of unseen values"):
        UnseenValues.from_state(state | wrong)
