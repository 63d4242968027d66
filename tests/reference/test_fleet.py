"""A reference is stored once, found by counting, and read by whoever comes later; as older releases wrote it, too."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import permutations, product

import pytest

from stream.errors import CodecError
from stream.reference import fleet
from stream.reference.fleet import Fleet, _field, unlinked
from stream.reference.reference import Reference
from stream.state.codec import pack, unpack
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
    """The store went back between the two of an older release: by who entered it, else by the next who learns it."""
    reference, other = reference_of([{"a": 1}]), reference_of([{"a": 2}], version="2")
    whole, store = MemoryStore(), MemoryStore()
    Fleet(whole, "a").publish(reference)
    store.put_if_absent("{a:fleet}", b"r:0", unlinked(whole.peek("{a:fleet}")[b"r:0"]))
    ours = Fleet(store, "a")
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


KNOWN = [reference_of([{"a": i}], version=str(i)) for i in range(4)]


def told(references: Iterable[Reference]) -> list[bytes]:
    return [reference.digest for reference in references]


def entered(references: Sequence[Reference]) -> MemoryStore:
    """Give a store into which references were entered in an order."""
    store = MemoryStore()
    Fleet(store, "a").publish_all(references)
    return store


@pytest.mark.parametrize("newest", KNOWN, ids=lambda r: r.series.version)
def test_a_store_that_went_back_is_noticed_though_its_last_entry_is_the_same(
    newest: Reference,
) -> None:
    """It was filled again with others, or in another order: all that anybody had is known to all in the end."""
    others = [r for r in KNOWN if r is not newest]
    for before, after in product(permutations(others, 2), repeat=2):
        ours = Fleet(entered([*before, newest]), "a")
        ours.refresh()
        ours._store = entered([*after, newest])
        ours.refresh()
        late = Fleet(ours._store, "a")
        late.refresh()
        for found in (ours, late):
            assert {*told(found.book.all())} == {*told([*before, *after, newest])}


@pytest.mark.parametrize("former", [1, 2, 3])
def test_behind_entries_of_an_older_release_the_line_goes_on(former: int) -> None:
    """What a new entry stands for is all that is before it, whoever entered that."""
    kept = entered(KNOWN[:former]).peek("{a:fleet}")
    store, back = MemoryStore(), MemoryStore()
    for field, value in kept.items():
        store.put_if_absent("{a:fleet}", field, unlinked(value) if field[:2] == b"r:" else value)
    ours = Fleet(store, "a")
    ours.publish(KNOWN[3])
    assert {*told(ours.book.all())} == {*told([*KNOWN[:former], KNOWN[3]])}
    apart = [reference_of([{"a": 9 + i}], version=f"apart{i}") for i in range(former)]
    Fleet(back, "a").publish_all([*apart, KNOWN[3]])
    ours._store = back
    ours.refresh()
    assert {*told(apart)} < {*told(ours.book.all())}


@pytest.mark.parametrize("apart", [2, 3, 4])
def test_an_entry_that_stands_apart_holds_up_nobody(apart: int) -> None:
    """An older release put it where the line ended before the store went back: what comes first goes in between."""
    store, lost = _Counting(), entered(KNOWN[1:2]).peek("{a:fleet}")
    Fleet(store, "a").publish(KNOWN[0])
    for field, value in lost.items():
        is_entry = field == b"r:0"
        store.put_if_absent("{a:fleet}", b"r:%d" % apart if is_entry else field, value)
    new = [replace(KNOWN[0], series=Series("new", str(i))) for i in range(4)]
    store.turn = 60, partial(pytest.fail, "it goes on trying")
    assert told(Fleet(store, "a").publish_all(new)) == told(new)
    late = Fleet(store, "a")
    late.refresh()
    assert {*told(late.book.all())} == {*told([*KNOWN[:2], *new])}


def test_what_an_older_release_entered_before_its_last_entry_is_stood_for_too() -> None:
    """Its own entries name none that are before them, but the first new one behind them names all."""

    def of_older_release(references: Sequence[Reference]) -> MemoryStore:
        store = MemoryStore()
        for field, value in entered(references).peek("{a:fleet}").items():
            former = unlinked(value) if field[:2] == b"r:" else value
            store.put_if_absent("{a:fleet}", field, former)
        return store

    ours = Fleet(of_older_release(KNOWN[:2]), "a")
    ours.publish(KNOWN[3])
    ours._store = of_older_release([KNOWN[2], KNOWN[1]])
    Fleet(ours._store, "a").publish(KNOWN[3])
    ours.refresh()
    assert {*told(ours.book.all())} == {*told(KNOWN)}


@pytest.mark.parametrize("by_name", [True, False])
def test_what_is_entered_again_keeps_its_number_though_another_one_has_it_by_now(
    by_name: bool,
) -> None:
    """Alerts have named it so, and states its digest."""
    lost, other = (replace(KNOWN[0], from_pane=pane) for pane in (5, 9))
    ours = Fleet(entered([lost]), "a")
    ours.refresh()
    ours._store = entered([other])
    if by_name:
        ours.publish(lost)
    else:
        ours.refresh()
    late = Fleet(ours._store, "a")
    late.refresh()
    assert told(late.book.all()) == told([lost, other])


@pytest.mark.parametrize("look", [1, 3])
@pytest.mark.parametrize("back", [0, 1])
def test_what_is_lost_and_entered_again_between_a_look_at_entries_and_at_references_is_known(
    look: int, back: int
) -> None:
    """The entries are the same then, so nobody would look at them again."""
    store = _Counting()
    Fleet(store, "a").publish_all(KNOWN)
    kept, ours = store.peek("{a:fleet}"), Fleet(store, "a")

    def lose() -> None:
        store._hashes["{a:fleet}"] = {}
        store.turn = back, lambda: store._hashes["{a:fleet}"].update(kept)

    store.turn = look, lose
    ours.refresh()
    ours.refresh()
    assert {*told(ours.book.all())} == {*told(KNOWN)}


def test_in_whatever_order_references_came_their_entries_are_the_same_unlinked() -> None:
    """So the export of a state does not hang on it; and as an older release put them."""
    one, other = (
        {
            unlinked(value)
            for field, value in entered(of).peek("{a:fleet}").items()
            if field[:2] == b"r:"
        }
        for of in (KNOWN, KNOWN[::-1])
    )
    assert one == other
    assert one == {pack("entry", 2, [_field(r), r.digest]) for r in KNOWN}


def test_an_entry_is_read_by_an_older_release() -> None:
    """It looks at two things: the version, and the name of the field."""
    kept = entered(KNOWN).peek("{a:fleet}")
    for number, reference in enumerate(KNOWN):
        version, (field, _) = unpack(kept[b"r:%d" % number], "entry", 2, 2)
        assert (version, kept[field]) == (2, reference.packed)


def test_thousands_are_entered_in_few_round_trips() -> None:
    """Each by itself took four."""
    store, many = _Counting(), [replace(KNOWN[0], series=Series("m", str(i))) for i in range(1_000)]
    ours = Fleet(store, "a")
    assert told(ours.publish_all(many)) == told(many)
    assert store.asked < 120
    store.asked = 0
    late = Fleet(store, "a")
    assert told(late.publish_all(many[::-1])) == told(many[::-1])
    assert store.asked < 40
    assert {*told(late.book.all())} == {*told(many)}


def test_of_many_each_is_answered_as_if_it_had_been_entered_alone() -> None:
    """Those that are there, twice among them, of one series, and where another one is in force."""
    first = reference_of([{"a": 7}, {"a": 8}], version="0", from_pane=KNOWN[0].from_pane)
    later = replace(KNOWN[1], from_pane=99)
    wanted = [KNOWN[0], KNOWN[1], KNOWN[2], KNOWN[1], later, KNOWN[3]]
    together, alone = entered([first, KNOWN[2]]), entered([first, KNOWN[2]])
    ours = Fleet(alone, "a")
    got = told(Fleet(together, "a").publish_all(wanted))
    assert got == told(ours.publish(r) for r in wanted)
    assert got == told([first, KNOWN[1], KNOWN[2], KNOWN[1], later, KNOWN[3]])
    assert together.peek("{a:fleet}") == alone.peek("{a:fleet}")


@pytest.mark.parametrize("moment", range(4))
def test_no_two_that_are_promoted_for_a_series_get_one_number(moment: int) -> None:
    """Whoever else enters one meanwhile, and for whichever pane: by the order in which the store has them."""

    def promoted(fleet: Fleet, reference: Reference) -> int:
        (entered,) = fleet.publish_all([reference], renumber=True)
        return entered.number

    store = _Counting()
    ours, theirs = Fleet(store, "a"), Fleet(store, "a")
    one, other = (replace(KNOWN[0], from_pane=pane) for pane in (5, 9))
    store.turn = moment, lambda: promoted(theirs, other)
    numbers = [promoted(ours, one), promoted(theirs, other)]
    assert sorted(numbers) == [1, 2]
    late = Fleet(store, "a")
    late.refresh()
    assert [(r.from_pane, r.number) for r in late.book.all()] == [
        *zip((5, 9), numbers, strict=True)
    ]
    assert promoted(late, one) == numbers[0], "who enters it again is given it as it was"


def test_what_is_learned_is_the_same_whatever_was_promoted_before() -> None:
    """Its digest is in the ids of its alerts, and a replay knows of nothing that was promoted."""
    learned, promoted = (replace(KNOWN[0], from_pane=pane) for pane in (5, 9))
    ours = Fleet(entered([promoted]), "a")
    assert ours.publish(learned).digest == learned.digest
    assert told(ours.book.all()) == told([learned, promoted])


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


class _Counting(MemoryStore):
    """A store that counts what it is asked, and once lets somebody else have a turn before it answers."""

    def __init__(self) -> None:
        super().__init__()
        self.asked = 0
        self.turn: tuple[int, Callable[[], object]] | None = None

    def _ask(self) -> None:
        self.asked += 1
        if self.turn is not None:
            left, act = self.turn
            self.turn = (left - 1, act) if left else None
            if not left:
                act()

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        self._ask()
        return super().read(key, fields)

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        self._ask()
        return super().put_together(key, fields, behind=behind)
