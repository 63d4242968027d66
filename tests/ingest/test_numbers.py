"""Numbers that a compiled pass gathers from what msgspec writes are those that the structs hold."""

from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.summaries.numbers import Forms, gather_numbers

NAMES = st.text(
    st.characters(exclude_characters='"\\', exclude_categories=["Cs", "Cc"]), max_size=300
)
NUMBER = st.none() | st.floats(allow_nan=False)
LENGTHS = st.sampled_from([31, 32, 255, 256, 65_535, 65_536])
OTHER = st.none() | st.booleans() | st.text(max_size=9) | LENGTHS.map("x".__mul__)


def struct_of(names: list[str]) -> Any:
    """Make a struct whose fields are written under these names."""
    fields = [(f"c{i}", object) for i in range(len(names))]
    rename = {f"c{i}": name for i, name in enumerate(names)}
    return msgspec.defstruct("Features", fields, rename=rename)


Types = list[tuple[list[str], int]]


def gathered(types: Types, which: list[int], structs: list[Any]) -> bytes:
    """Give the numbers of structs, one struct behind the other."""
    of = np.array(which, dtype=np.int64)
    widths = np.array([numbers for _, numbers in types], dtype=np.int64)[of]
    flat = np.zeros(widths.sum())
    gather_numbers(structs, Forms(types), of, np.cumsum(widths) - widths, flat)
    return flat.tobytes()


@st.composite
def mixtures(draw: st.DrawFn) -> tuple[Types, list[int], list[Any]]:
    """Draw three types, and structs of these in turn: the type of each, and the struct."""
    types: Types = []
    which, structs = [], []
    for i in range(3):
        names = draw(st.lists(NAMES, max_size=18, unique=True))
        numbers = draw(st.integers(0, len(names)))
        types.append((names, numbers))
        row = st.tuples(*[NUMBER] * numbers, *[OTHER] * (len(names) - numbers))
        rows = draw(st.lists(row, max_size=6))
        structs += [struct_of(names)(*values) for values in rows]
        which += [i] * len(rows)
    order = draw(st.permutations(range(len(structs))))
    return types, [which[i] for i in order], [structs[i] for i in order]


@given(mixture=mixtures())
@settings(max_examples=100)
def test_the_numbers_read_are_those_of_the_fields_in_any_mixture_of_types(
    mixture: tuple[Types, list[int], list[Any]],
) -> None:
    """To the bit, whatever the names, and whatever stands beside the numbers; None is NaN."""
    types, which, structs = mixture
    expected: list[Any] = []
    for of, struct in zip(which, structs, strict=True):
        expected += msgspec.structs.astuple(struct)[: types[of][1]]
    assert gathered(types, which, structs) == np.array(expected, dtype=np.float64).tobytes()


@pytest.mark.parametrize("n", [15, 16, 65_535, 65_536])
def test_many_structs_are_read_behind_the_longer_head_of_a_list(n: int) -> None:
    struct = struct_of(["x"])
    structs = [struct(float(i)) for i in range(n)]
    assert gathered([(["x"], 1)], [0] * n, structs) == np.arange(float(n)).tobytes()


@pytest.mark.parametrize("n", [15, 16, 65_535, 65_536])
def test_structs_of_many_fields_are_read_behind_their_longer_head(n: int) -> None:
    names, values = [f"x{i}" for i in range(n)], np.arange(float(n))
    assert gathered([(names, n)], [0], [struct_of(names)(*values.tolist())]) == values.tobytes()
