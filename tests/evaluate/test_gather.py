"""What is read of the partitions is whole, or it is not read at all."""

from collections.abc import Sequence

import pytest

from stream.errors import StoreUnavailable
from stream.evaluate.panes.gather import Span, gather_panes, is_absent, watermark_of
from stream.ingest.fold import NEVER, Counters
from stream.ingest.partition import Marks
from stream.state.fields import index_field
from stream.state.versions import dump, load
from stream.words import Kind
from tests.events import APP, FEATURES, LABELS, PANE, PREDICTIONS, T0, Log, feature

Wants = Sequence[tuple[str, Sequence[bytes]]]

FIRST = T0 // PANE
LATENESS = 30_000


def mark(watermark: int = NEVER, *, idle: bool = False, seen: int = 0) -> Marks:
    """Make the marks of a partition."""
    return Marks(watermark, idle, Counters(seen=seen), ())


def test_panes_that_a_store_has_lost_since_they_had_closed_are_not_left_out() -> None:
    """Whoever saw them closed asks again later, when they were folded anew."""
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(4)])
    early = log.store.peek(log.partition.key)
    log.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    closed = (FIRST + 6) * PANE + LATENESS

    def numbers() -> list[int]:
        wanted = {"m": Span(FIRST, FIRST + 6, closed)}
        found = gather_panes(log.store, APP, wanted, [FEATURES])
        return [pane.number - FIRST for pane in found["m"]]

    assert numbers() == list(range(6))
    late, log.store._hashes[log.partition.key] = log.store._hashes[log.partition.key], early
    with pytest.raises(StoreUnavailable, match="gone back in time"):
        numbers()
    log.store._hashes.clear()
    with pytest.raises(StoreUnavailable, match="gone back in time"):
        numbers()
    log.store._hashes[log.partition.key] = late
    assert numbers() == list(range(6))


@pytest.mark.parametrize("first", [True, False])
def test_panes_that_come_or_go_between_two_looks_are_not_read_in_part(
    monkeypatch: pytest.MonkeyPatch, *, first: bool
) -> None:
    """A store that went back and was folded anew meanwhile has closed them again, so its watermark tells nothing."""
    log = Log(FEATURES)
    log.run([feature(T0 + i * PANE, x=1) for i in range(12)])
    read, looks = log.store.read_many, list[int]()

    def going_back(wants: Wants) -> list[list[bytes | None]]:
        looks.append(len(wants))
        is_poor = (len(looks) == 1) is first
        told = zip(wants, read(wants), strict=True)
        return [
            [poorer if is_poor and f == name else blob for f, blob in zip(fields, blobs, strict=True)]
            for (_, fields), blobs in told
        ]  # fmt: skip

    name = index_field("m")
    index = log.store.peek(log.partition.key)[name]
    poorer = dump("index", load(index, "index")[1:])
    monkeypatch.setattr(log.store, "read_many", going_back)
    with pytest.raises(StoreUnavailable, match="gone back in time"):
        gather_panes(log.store, APP, {"m": Span(FIRST, FIRST + 6)}, [FEATURES])
    assert looks == [1, 1]


def test_a_topic_is_absent_only_when_it_was_read_to_its_end_and_found_empty() -> None:
    """Not while nobody has read it, and not while its owner has only not come so far."""
    for marks, absent in (
        ({}, True),
        ({PREDICTIONS: None}, False),
        ({PREDICTIONS: mark()}, False),
        ({PREDICTIONS: mark(idle=True)}, True),
        ({PREDICTIONS: mark(idle=True, seen=1)}, False),
        ({PREDICTIONS: mark(idle=True), PREDICTIONS._replace(partition=1): None}, False),
    ):
        assert is_absent(Kind.PREDICTIONS, marks) == absent


def test_errors_wait_for_predictions_unless_there_are_none() -> None:
    labels = {LABELS: mark(T0, seen=1)}
    assert watermark_of(Kind.ERRORS, labels | {PREDICTIONS: None}) == NEVER
    assert watermark_of(Kind.ERRORS, labels | {PREDICTIONS: mark()}) == NEVER
    assert watermark_of(Kind.ERRORS, labels | {PREDICTIONS: mark(idle=True)}) == T0
    assert watermark_of(Kind.ERRORS, labels | {PREDICTIONS: mark(T0 - 5, seen=1)}) == T0 - 5
    assert is_absent(Kind.ERRORS, labels) is False
