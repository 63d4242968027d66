"""The sink that fails on command."""

import pytest

from sinks import MemorySink, SinkError

from .events import series


def test_it_fails_as_often_as_told_and_then_works() -> None:
    """The failed sends leave nothing behind, unless told to."""
    sink = MemorySink("twin")
    sink.fail_next(2, retry_after=7.0)
    for _ in range(2):
        with pytest.raises(SinkError, match="twin") as caught:
            sink.send(series(3))
        assert caught.value.retry_after == 7.0
    sink.send(series(3))
    assert sink.events == series(3)


def test_it_can_take_a_part_and_fail_all_the_same() -> None:
    """As a connection that breaks half way."""
    sink = MemorySink()
    sink.fail_next(1, keep=2)
    with pytest.raises(SinkError):
        sink.send(series(3))
    assert sink.events == series(2)
