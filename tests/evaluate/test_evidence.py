"""Evidence is widened by what comes, and shared by those who have seen the same."""

from stream.evaluate.panes import evidence
from stream.evaluate.panes.evidence import dump_evidence, widened


def test_of_the_same_objects_the_same_one_is_made_and_they_stay_as_they_were() -> None:
    known, more = {("t", 0): (5, 9), ("t", 1): (0, 3)}, {("t", 0): (7, 12), ("t", 2): (1, 1)}
    made = widened(known, more)
    assert made == {("t", 0): (5, 12), ("t", 1): (0, 3), ("t", 2): (1, 1)}
    assert widened(known, more) is made
    assert dump_evidence(made) is dump_evidence(made)
    assert (known[("t", 0)], more[("t", 0)]) == ((5, 9), (7, 12))


def test_equal_objects_are_not_taken_for_each_other_nor_those_that_are_gone() -> None:
    """Of more pairs than are remembered; an id may come again, when its object has gone."""
    for i in range(3 * evidence.REMEMBERED):
        assert widened({("t", 0): (i, i)}, {("t", 0): (i, i + 1)}) == {("t", 0): (i, i + 1)}
    assert widened({}, {("t", 0): (1, 1)}) is not widened({}, {("t", 0): (1, 1)})
