"""The law-book: what every detector and every summary promises, each law written once.

A law knows nothing of what it judges but a `Subject`: how to make one, how to give it values, what
it answered, what its state is. `tests/test_laws.py` makes a subject of everything that is
registered, so a new detector or summary obeys all of this or fails.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from detectors.arrays import Floats

__all__ = ["LAWS", "Subject"]

SHIFTS = (0.0, 0.5, 1.0, 2.0, 4.0)
"""Steps of a level, in standard deviations, from none to one that nobody overlooks."""


@dataclass(frozen=True)
class Subject:
    """Something that a law can be tried on; T is the type of the thing itself.

    Attributes:
        name: its room and what it is called in its registry.
        make: gives a new T.
        take: gives values to a T, and gives back what it answered (comparable by ==).
        state: tells all that a T knows, as bytes.
        restore: makes a T of these bytes.
        stream: makes a stream of a length and a seed, whose level steps up by a shift at half.
        constants: what the constant streams are made of.
        bytes_max: tells the stated bound of a T's state.
        evidence: tells how strongly a stream speaks of drift, or None where it cannot tell.
        alarms: tells how many alarms a stream raises.
        merge: takes a second T into a first one; None where that has no meaning.
        exact: whether a state is a function of the values, to the byte; None where a sketch
            promises an error instead, which tests of its own hold it to.
        long: how many values "however many" are.
    """

    name: str
    make: Callable[[], Any]
    take: Callable[[Any, Floats], object]
    state: Callable[[Any], bytes]
    restore: Callable[[bytes], Any]
    stream: Callable[[int, int, float], Floats]
    constants: tuple[float, ...]
    bytes_max: Callable[[Any], int]
    evidence: Callable[[Floats], float] | None = None
    alarms: Callable[[Floats], int] | None = None
    merge: Callable[[Any, Any], None] | None = None
    exact: bool | None = True
    long: int = 10_000_000

    def after(self, values: Floats) -> Any:
        """Make one that has taken values."""
        thing = self.make()
        self.take(thing, values)
        return thing


def what_it_is_given_stays_as_it_was(subject: Subject) -> None:
    """Values may be read only, and nobody writes into them."""
    values = subject.stream(2000, 1, 1.0)
    copy = values.copy()
    values.flags.writeable = False
    subject.after(values)
    assert np.array_equal(values, copy, equal_nan=True)


def the_state_has_its_bound_however_long_the_stream(subject: Subject) -> None:
    """A tenth of the stream, then the whole: the bound is the same and holds."""
    values = subject.stream(subject.long // 10, 2, 0.0)
    thing = subject.after(values)
    early, bound = len(subject.state(thing)), subject.bytes_max(thing)
    for _ in range(9):
        subject.take(thing, values)
    late = len(subject.state(thing))
    assert early <= bound
    assert late <= bound == subject.bytes_max(thing)


def going_on_from_a_state_changes_nothing(subject: Subject) -> None:
    """Wherever a stream is cut, what was restored answers and ends as what went on."""
    values = subject.stream(3000, 3, 2.0)
    for cut in (0, 1, 37, 1499, 1533, 2999):
        whole = subject.after(values[:cut])
        second = subject.restore(subject.state(whole))
        assert subject.take(second, values[cut:]) == subject.take(whole, values[cut:])
        assert subject.state(second) == subject.state(whole)


def damaged_states_are_refused(subject: Subject) -> None:
    """Cut short, or with a bit flipped anywhere."""
    state = subject.state(subject.after(subject.stream(500, 4, 0.0)))
    rng = np.random.default_rng(4)
    for at in rng.integers(0, len(state), 40).tolist():
        flipped = bytearray(state)
        flipped[at] ^= 1 << int(rng.integers(8))
        for bad in (state[:at], bytes(flipped)):
            with pytest.raises(ValueError, match=r"."):
                subject.restore(bad)


def how_a_stream_is_cut_into_pieces_does_not_matter(subject: Subject) -> None:
    """The same state at the end, whatever the pieces, empty ones included."""
    values = subject.stream(3000, 5, 1.0)
    whole = subject.state(subject.after(values))
    for seed in range(5):
        cuts = np.sort(np.random.default_rng(seed).integers(0, len(values), 12))
        thing = subject.make()
        for piece in np.split(values, cuts):
            subject.take(thing, piece)
        assert subject.state(thing) == whole


def merging_is_taking_all_at_once_in_any_order(subject: Subject) -> None:
    """Parts merged to the left, to the right, or backwards: the bytes of the whole."""
    merge = subject.merge
    assert merge is not None
    values = subject.stream(3000, 6, 1.0)
    whole = subject.state(subject.after(values))
    cuts = np.sort(np.random.default_rng(6).integers(0, len(values), 4))
    pieces = np.split(values, cuts)

    def merged(order: list[int]) -> Any:
        parts = [subject.after(pieces[i]) for i in order]
        for part in parts[1:]:
            merge(parts[0], part)
        return parts[0]

    assert subject.state(merged([0, 1, 2, 3, 4])) == whole
    assert subject.state(merged([4, 2, 0, 3, 1])) == whole
    left, right = merged([0, 1]), merged([2, 3, 4])
    merge(right, left)
    assert subject.state(right) == whole


def a_stronger_drift_speaks_no_softer(subject: Subject) -> None:
    """The same noise under growing steps: the evidence never falls, and in the end it is there."""
    assert subject.evidence is not None
    evidence = [subject.evidence(subject.stream(4000, 7, shift)) for shift in SHIFTS]
    assert evidence == sorted(evidence)
    assert evidence[-1] > evidence[0]


def constants_never_alarm(subject: Subject) -> None:
    """Whatever the constant."""
    assert subject.alarms is not None
    for constant in subject.constants:
        assert subject.alarms(np.full(5000, constant)) == 0


def the_same_values_give_the_same_bytes(subject: Subject) -> None:
    """Whatever the state of anybody's random numbers."""
    values = subject.stream(2000, 8, 1.0)
    states = set()
    for seed in range(3):
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - this is about the global generator
        states.add(subject.state(subject.after(values)))
    assert len(states) == 1


LAWS: dict[Callable[[Subject], None], str] = {
    what_it_is_given_stays_as_it_was: "take",
    the_state_has_its_bound_however_long_the_stream: "bytes_max",
    going_on_from_a_state_changes_nothing: "exact",
    damaged_states_are_refused: "restore",
    how_a_stream_is_cut_into_pieces_does_not_matter: "exact",
    merging_is_taking_all_at_once_in_any_order: "merge",
    a_stronger_drift_speaks_no_softer: "evidence",
    constants_never_alarm: "alarms",
    the_same_values_give_the_same_bytes: "exact",
}
"""Each law, and what of a subject it is about: where that is None there is nothing to judge."""
