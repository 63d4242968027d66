"""Many layouts side by side."""

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.layouts import Layouts


def _layout(*values: str) -> Layout:
    return Layout([Column("x", "number", (0.0, 1.0)), Column("y", "string", values=values)])


def test_layouts_that_know_the_same_values_share_the_table_of_them() -> None:
    """Others keep their own, those too that know the same values in other places."""
    layouts = Layouts()
    for values in (("a", "b"), ("b", "a"), ("a", "b"), ("a",)):
        layouts.place(_layout(*values))
    layouts.place(Layout([Column("x", "number", (0.0, 1.0))]))
    column = layouts.atoms()["y"]
    assert column.lookup_of.tolist() == [1, 2, 1, 3, 0]
    nothing, *lookups = column.lookups
    places = [(of["a"], of.get("b"), of[None]) for of in lookups]
    assert (nothing, places) == ({}, [(0, 1, 3), (1, 0, 3), (0, None, 2)])
