"""The law-book of sinks: what holds of every destination.

A `Case` is a fresh sink and the two things a law cannot do by itself: read back what arrived, by
other means than the sink's, and break the destination for a while.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import pytest

from sinks import Remembering, Sink, SinkError

from .events import series


@dataclass(frozen=True)
class Case:
    sink: Sink
    read: Callable[[], list[str]]
    """Tells what identifies each event at the destination, in the order in which they lie there."""
    broken: Callable[[], AbstractContextManager[object]]
    """Within this context no send can succeed."""
    marks: Callable[[int], list[str]]
    """Tells what `read` should find for `series(count)`."""


def what_was_sent_is_there_when_send_returns_and_in_order(case: Case) -> None:
    events = series(25)
    case.sink.send(events[:10])
    assert case.read() == case.marks(25)[:10]
    case.sink.send(events[10:])
    assert case.read() == case.marks(25)


def an_empty_send_delivers_nothing(case: Case) -> None:
    case.sink.send([])
    assert case.read() == []


def a_repeated_send_arrives_again_and_loses_nothing(case: Case) -> None:
    events = series(5)
    case.sink.send(events[:4])
    case.sink.send(events[2:])
    marks = case.marks(5)
    assert case.read() == marks[:4] + marks[2:]


def a_broken_destination_is_a_sink_error_and_the_repeat_delivers_all(case: Case) -> None:
    events = series(6)
    case.sink.send(events[:2])
    with case.broken():
        for _ in range(2):
            with pytest.raises(SinkError, match=r"\w"):
                case.sink.send(events[2:])
    case.sink.send(events[2:])
    assert list(dict.fromkeys(case.read())) == case.marks(6)


def a_sink_that_looks_finds_what_arrived_and_nothing_else(case: Case) -> None:
    events = series(8)
    if isinstance(case.sink, Remembering):
        assert case.sink.find(events) == set()
        case.sink.send(events[:5])
        assert case.sink.find(events[3:]) == {events[3].id, events[4].id}
        assert case.sink.find([]) == set()


def closing_twice_is_fine_and_keeps_what_was_delivered(case: Case) -> None:
    case.sink.send(series(3))
    case.sink.close()
    case.sink.close()
    assert case.read() == case.marks(3)


def closing_an_unused_sink_is_fine(case: Case) -> None:
    case.sink.close()
    case.sink.close()
    assert case.read() == []


LAWS = [
    what_was_sent_is_there_when_send_returns_and_in_order,
    an_empty_send_delivers_nothing,
    a_repeated_send_arrives_again_and_loses_nothing,
    a_broken_destination_is_a_sink_error_and_the_repeat_delivers_all,
    a_sink_that_looks_finds_what_arrived_and_nothing_else,
    closing_twice_is_fine_and_keeps_what_was_delivered,
    closing_an_unused_sink_is_fine,
]
