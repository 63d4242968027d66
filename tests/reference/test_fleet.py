"""A reference is stored once, found by counting, and read by whoever comes later; as older releases wrote it, too."""

from collections.abc import Sequence
from dataclasses import replace

import pytest

from stream.errors import CodecError
from stream.reference import fleet
from stream.reference.fleet import Fleet
from stream.state.codec import pack
from stream.state.memory import MemoryStore
from stream.words import Series
from tests.evaluate import watched
from tests.events import reference_of


def test_a_reference_is_stored_once() -> None:
    """The list of those in force names it, and is short; so is every look whether there is a new one."""
    store = MemoryStore()
    known = [reference_of([{"a": i}, {"a": "x" * 200}], version=str(i)) for i in range(9)]
    for reference in known:
        Fleet(store, "a").publish(reference)
    kept = store.peek("{a:fleet}")
    assert sorted(v for f, v in kept.items() if f[:2] == b"s:") == sorted(r.packed for r in known)
    assert all(len(v) < 120 for f, v in kept.items() if f[:2] == b"r:")
    assert len(kept) == 18


def test_a_fleet_of_an_older_release_is_known_and_nothing_of_it_is_entered_twice() -> None:
    """Then an entry was the reference itself, of version 1."""
    known = [reference_of([{"a": i}], version=str(i)) for i in range(3)]
    store, kept = MemoryStore(), MemoryStore()
    for i, reference in enumerate(known):
        Fleet(kept, "a").publish(reference)
        payload = reference._payload([h.former_payload() for h in reference.histories])
        former = pack("reference", 1, payload)
        (field,) = (f for f, v in kept.peek("{a:fleet}").items() if v == reference.packed)
        store.put_if_absent("{a:fleet}", field, former)
        store.put_if_absent("{a:fleet}", b"r:%d" % i, pack("entry", 1, [former]))
    before = store.peek("{a:fleet}")
    ours = Fleet(store, "a")
    assert [ours.publish(r).digest for r in known] == [r.digest for r in known]
    assert [r.digest for r in ours.book.all()] == [r.digest for r in known]
    assert store.peek("{a:fleet}") == before
    apart = ours.publish(reference_of([{"a": 3}], version="9"))
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == [*(r.digest for r in known), apart.digest]


def test_many_references_are_read_in_few_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MemoryStore()
    looks: list[int] = []
    ours = Fleet(store, "a")
    for i in range(200):
        ours.publish(reference_of([{"a": 1}], version=f"{i:03}"))
    read = store.read

    def looking(key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        looks.append(len(fields))
        return read(key, fields)

    monkeypatch.setattr(store, "read", looking)
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == [r.digest for r in ours.book.all()]
    assert len(looks) < 12
    looks.clear()
    late.refresh()
    assert looks == [2]


def test_a_reference_lost_before_its_entry_is_entered_again_and_nobody_waits_for_it() -> None:
    """The store goes back between the two: by who entered it at once, and else by the next who learns it."""
    store, reference = _Forgetful(), reference_of([{"a": 1}])
    ours, other = Fleet(store, "a"), reference_of([{"a": 2}], version="2")
    store.forgets = True
    assert ours.publish(reference).digest == reference.digest
    assert [f for f in store.peek("{a:fleet}") if f[:2] == b"r:"] == [b"r:0", b"r:1"]
    late = Fleet(store, "a")
    late.refresh()
    assert [r.digest for r in late.book.all()] == [reference.digest]
    for field in [f for f in store.peek("{a:fleet}") if f[:2] == b"s:"]:
        del store._hashes["{a:fleet}"][field]  # and who entered it has ended
    heir = Fleet(store, "a")
    for of in (other, reference):
        assert heir.publish(of).digest == of.digest
    late = Fleet(store, "a")
    late.refresh()
    assert {r.digest for r in late.book.all()} == {reference.digest, other.digest}


@pytest.fixture(name="impatient")
def let_go_early(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave also few windows in the store, after three more looks."""
    monkeypatch.setattr(fleet, "HELD_MAX", 10)
    monkeypatch.setattr(fleet, "PATIENCE", 3)


def look(fleet: Fleet, times: int) -> None:
    for _ in range(times):
        fleet.refresh()


@pytest.mark.usefixtures("impatient")
def test_many_windows_are_left_in_the_store_after_a_while_and_read_again_when_asked_for() -> None:
    """What is asked of the reference is answered as before: its windows, its bytes, its digest."""
    store, known = MemoryStore(), watched.reference()
    Fleet(store, "a").publish(known)
    late = Fleet(store, "a")
    look(late, 3)
    (found,) = late.book.all()
    (history,), (own,) = found.histories, known.histories
    assert history.is_held
    look(late, 1)
    assert not history.is_held
    assert len(history) == len(own)
    assert history.starts.tolist() == own.starts.tolist()
    assert history.counts.tolist() == own.counts.tolist()
    assert (found.packed, found.digest) == (known.packed, known.digest)
    assert not history.is_held
    assert history.held().is_held


@pytest.mark.usefixtures("impatient")
def test_of_a_fleet_read_at_one_look_only_the_newest_are_held(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """While it is read, too: at no moment are more held than the newest and those of one read."""
    monkeypatch.setattr(fleet, "NEWEST_MAX", 3)
    monkeypatch.setattr(fleet, "AHEAD", 2)
    store, held = MemoryStore(), list[int]()
    ours, like = Fleet(store, "a"), watched.reference()
    for i in range(9):
        ours.publish(replace(like, series=Series("fraud", str(i))))
    late, read = Fleet(store, "a"), store.read

    def counting(key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        held.append(sum(r.histories[0].is_held for r in late.book.all()))
        return read(key, fields)

    monkeypatch.setattr(store, "read", counting)
    late.refresh()
    assert max(held) <= 5
    for holder in (ours, late):
        is_held = [r.histories[0].is_held for r in holder.book.all()]
        assert is_held == [False] * 6 + [True] * 3
    for found in late.book.all():
        assert found.packed == replace(like, series=found.series).packed


def test_few_windows_are_held_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "PATIENCE", 3)
    store = MemoryStore()
    ours = Fleet(store, "a")
    ours.publish(watched.reference())
    look(ours, 9)
    assert ours.book.all()[0].histories[0].is_held


@pytest.mark.usefixtures("impatient")
def test_what_was_just_written_or_read_and_is_lost_is_entered_again_and_held_for_another_while() -> (
    None
):
    store, known = MemoryStore(), watched.reference()
    ours, other = Fleet(store, "a"), Fleet(store, "a")
    ours.publish(known)
    look(ours, 1)
    look(other, 2)
    for holder in (ours, other):
        store._hashes["{a:fleet}"].clear()
        look(holder, 1)
        assert store.peek("{a:fleet}")
    look(ours, 1)
    look(other, 1)
    assert ours.book.all()[0].histories[0].is_held
    assert other.book.all()[0].histories[0].is_held
    look(other, 3)
    assert not other.book.all()[0].histories[0].is_held


@pytest.mark.usefixtures("impatient")
def test_windows_that_were_let_go_and_the_store_has_lost_are_missed_and_entered_by_nobody() -> None:
    """Who asks is told what to do; other references go on being entered and read."""
    store, known, other = MemoryStore(), watched.reference(), reference_of([{"a": 2}])
    Fleet(store, "a").publish(known)
    late = Fleet(store, "a")
    look(late, 4)
    store._hashes["{a:fleet}"].clear()
    late.publish(other)
    (lost,) = (r for r in late.book.all() if r.digest == known.digest)
    with pytest.raises(CodecError, match=r"lost a reference.*restore a copy"):
        _ = lost.histories[0].counts
    assert len([f for f in store.peek("{a:fleet}") if f[:2] == b"s:"]) == 1


class _Forgetful(MemoryStore):
    """A store that once loses a reference before its entry comes."""

    forgets = False

    def put_if_absent(self, key: str, field: bytes, value: bytes) -> bytes:
        if self.forgets and field[:2] == b"r:":
            self.forgets = False
            self._hashes[key].clear()
        return super().put_if_absent(key, field, value)
