"""Numbers that a compiled pass gathers from what msgspec writes are those that the structs hold."""

from typing import Any

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.summaries.numbers import CHUNK, Form, read_numbers

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


@st.composite
def mixtures(draw: st.DrawFn) -> tuple[list[Form], list[int], list[Any]]:
    """Draw three forms, and structs of these in turn: the form of each, and the struct."""
    forms, which, structs = [], [], []
    for i in range(3):
        names = draw(st.lists(NAMES, max_size=18, unique=True))
        numbers = draw(st.integers(0, len(names)))
        forms.append(Form(names, numbers))
        row = st.tuples(*[NUMBER] * numbers, *[OTHER] * (len(names) - numbers))
        rows = draw(st.lists(row, max_size=4))
        structs += [struct_of(names)(*values) for values in rows]
        which += [i] * len(rows)
    order = draw(st.permutations(range(len(structs))))
    return forms, [which[i] for i in order], [structs[i] for i in order]


@given(mixture=mixtures())
@settings(max_examples=100)
def test_the_numbers_read_are_those_of_the_fields_in_any_mixture_of_forms(
    mixture: tuple[list[Form], list[int], list[Any]],
) -> None:
    """To the bit, whatever the names, and whatever stands beside the numbers; None is NaN."""
    forms, which, structs = mixture
    numbers = read_numbers(structs, forms, np.array(which, dtype=np.int64))
    expected: list[Any] = []
    for form, struct, first in zip(which, structs, numbers.first.tolist(), strict=True):
        assert first == len(expected)
        expected += msgspec.structs.astuple(struct)[: forms[form].numbers]
    assert numbers.flat.tobytes() == np.array(expected, dtype=np.float64).tobytes()


def test_more_structs_than_are_written_at_once_are_read_in_their_order() -> None:
    struct, n = struct_of(["x"]), 2 * CHUNK + 1
    numbers = read_numbers(
        [struct(float(i)) for i in range(n)], [Form(["x"], 1)], np.zeros(n, dtype=np.int64)
    )
    assert numbers.flat.tolist() == list(range(n))


def test_structs_of_many_fields_are_read_behind_their_longer_head() -> None:
    names = [f"x{i}" for i in range(70_000)]
    values = np.arange(70_000.0)
    numbers = read_numbers(
        [struct_of(names)(*values.tolist())], [Form(names, 70_000)], np.zeros(1, dtype=np.int64)
    )
    assert numbers.flat.tolist() == values.tolist()
