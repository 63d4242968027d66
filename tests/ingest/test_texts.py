"""Texts have the numbers that a dictionary would give them."""

import weakref
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Raw

from stream.ingest import parties, texts
from stream.ingest.parties import OUT_OF_BOUNDS, UNREADABLE, Parties
from stream.ingest.texts import Texts

TEXT = st.binary(max_size=3) | st.binary(max_size=40)


@given(portions=st.lists(st.lists(TEXT, max_size=30), max_size=8))
@settings(max_examples=60)
def test_texts_are_numbered_as_they_come_first_whatever_room_there_was(
    portions: list[list[bytes]],
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "ROOM", 2)
        found, known = Texts(), dict[bytes, int]()
        for portion in portions:
            expected = [known.setdefault(text, len(known)) for text in portion]
            assert found.number([Raw(text) for text in portion]).tolist() == expected
    assert [found[i] for i in range(len(found))] == list(known)
    assert found.size == sum(map(len, known))


def test_many_texts_are_told_apart() -> None:
    told = [b"%d" % (i % 70_001) for i in range(100_000)]
    assert (Texts().number(told) == np.arange(100_000) % 70_001).all()


@pytest.mark.parametrize("other", [b"ab", b"c"])
def test_texts_of_one_hash_are_told_apart(other: bytes) -> None:
    """By their bytes and by their lengths. No two such are known, so one is given the hash of the other."""
    found, alone = Texts(), Texts()
    assert (found.number([b"cd"]).tolist(), alone.number([other]).tolist()) == ([0], [0])
    found._hashes[0] = alone._hashes[0]
    found._slots[:] = alone._slots
    assert found.number([other, other]).tolist() == [1, 1]
    assert (found[0], found[1]) == (b"cd", other)


class Event:
    """An event of a version, with its segment as it is written."""

    def __init__(self, segment: bytes, version: str = "1") -> None:
        self.version = version
        self.segment = Raw(segment)


def test_a_segment_is_the_same_however_it_is_written() -> None:
    written = [b'{"a":"x","b":"y"}', b' {"b": "y", "a": "x"}', b'{"a":"\\u0078","b":"y","a":"x"}']
    nobody = [b"", b"null", b"{}"]
    known, who = Parties().code([Event(text) for text in written + nobody])
    assert who.tolist() == [0, 0, 0, 1, 1, 1]
    assert known == [("1", (("a", "x"), ("b", "y"))), ("1", ())]


@pytest.mark.parametrize(
    "segment", [b"[]", b'"a"', b'{"a":1}', b'{"a":null}', b'{"a":"\xff"}', b"7"]
)
def test_a_segment_that_is_no_map_of_text_to_text_is_told(segment: bytes) -> None:
    """Alone, and among others; the second time, too, when its text is known."""
    known = Parties()
    for _ in range(2):
        assert known.code([Event(b'{"a":"b"}'), Event(segment)])[1].tolist() == [0, UNREADABLE]


def test_places_stay_the_same_while_versions_come_and_go() -> None:
    known, shops = Parties(), [b'{"shop":"%d"}' % i for i in range(5)]
    versions = [str(v) for v in range(parties.VERSIONS_MAX + 3)]
    first = {v: known.code([Event(s, v) for s in shops])[1].tolist() for v in versions}
    again = {v: known.code([Event(s, v) for s in shops])[1].tolist() for v in versions}
    assert again == first
    mixed = [Event(s, v) for v in versions for s in shops]
    assert known.code(mixed)[1].tolist() == [place for of in first.values() for place in of]


@given(
    who=st.lists(
        st.tuples(
            st.sampled_from([b"", b"{}", b'{"a":"x"}', b'{"a":"y"}', b'{"a":1}', b'{"":"x"}']),
            st.sampled_from("12345"),
        ),
        min_size=1,
    ),
    versions_max=st.integers(1, 6),
)
@settings(max_examples=100)
def test_events_of_several_versions_have_the_parties_they_have_alone(
    who: list[tuple[bytes, str]], versions_max: int
) -> None:
    events = [Event(*of) for of in who]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parties, "VERSIONS_MAX", versions_max)
        known, places = Parties().code(events)
    for event, place in zip(events, places.tolist(), strict=True):
        parties_of, (alone,) = Parties().code([event])
        assert (known[place], 0) == (parties_of[0], alone) if place >= 0 else place == alone


@pytest.mark.parametrize("bound", ["PARTIES_MAX", "TEXTS_BYTES_MAX"])
def test_texts_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    monkeypatch.setattr(parties, bound, 4)
    known = Parties()
    parties_of, _ = known.code([Event(b" " * i + b"{}") for i in range(5)])
    known.make_room()
    assert len(parties_of) == 1
    assert known.list == []


class Version(str):
    """One of which it can be told whether somebody still holds it."""

    __slots__ = ("__weakref__",)


def test_orders_of_names_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One segment of sixteen names can be written in so many orders that they would fill the memory."""
    monkeypatch.setattr(parties, "PARTIES_MAX", 4)
    known = Parties()
    orders = [
        b"{%b}" % b",".join(names) for names in permutations([b'"a":""', b'"b":""', b'"c":""'])
    ]
    parties_of, who = known.code([None, *map(Event, orders)])
    assert who.tolist() == [-1, *[0] * 6]
    known.make_room()
    assert len(parties_of) == 1
    assert known.list == []


@pytest.mark.parametrize("others", [[], [None]], ids=["typed", "beside one that is unreadable"])
@pytest.mark.parametrize(
    ("version", "segment"),
    [("v" * 300, b""), ("v" * 300, b'{"a":"x"}'), ("1", b'{"a":"%b"}' % (b"x" * 300))],
)
def test_versions_of_events_that_are_out_of_bounds_are_not_kept(
    version: str, segment: bytes, others: list[None]
) -> None:
    """Or messages that are all refused, each of another version, would fill the memory."""
    known, held = Parties(), list[weakref.ref[Version]]()
    for i in range(3 * parties.VERSIONS_MAX):
        told = Version(f"{version}{i}")
        held.append(weakref.ref(told))
        assert known.code([Event(segment, told), *others])[1][0] == OUT_OF_BOUNDS
        del told
        known.make_room()
    assert sum(of() is not None for of in held) <= parties.VERSIONS_MAX
