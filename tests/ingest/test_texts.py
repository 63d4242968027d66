"""Texts have the numbers that a dictionary would give them, and parties are those of their texts."""

from itertools import permutations, product

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest import parties
from stream.ingest.parties import OUT_OF_BOUNDS, UNREADABLE, Parties
from stream.summaries import texts
from stream.summaries.texts import Spans, Texts

LONG = b"0123456789abcdefgh"
TEXT = st.binary(max_size=3) | st.binary(max_size=40)


def spans(told: list[bytes], gap: bytes = b"") -> Spans:
    """Lay texts behind each other, with gaps before them."""
    lengths = np.array([len(text) for text in told], dtype=np.int64)
    ends = np.cumsum(lengths + len(gap))
    joined = b"".join(gap + text for text in told)
    return Spans(np.frombuffer(joined, np.uint8), ends - lengths, lengths)


@given(portions=st.lists(st.lists(TEXT, max_size=30), max_size=8), gap=TEXT)
@settings(max_examples=60)
def test_texts_are_numbered_as_they_come_first_whatever_room_there_was(
    portions: list[list[bytes]], gap: bytes
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(texts, "ROOM", 2)
        found, known = Texts(), dict[bytes, int]()
        for portion in portions:
            expected = [known.setdefault(text, len(known)) for text in portion]
            assert found.number(spans(portion, gap)).tolist() == expected
    assert [found[i] for i in range(len(found))] == list(known)
    assert found.size == sum(map(len, known))


def test_long_texts_that_are_known_need_no_room() -> None:
    """Or a batch of long categories, all the same, would be held twice as long as the process lives."""
    told = [letter * 50_000 for letter in (b"a", b"b", b"c")] * 200
    found = Texts()
    assert found.number(spans(told)).tolist() == [0, 1, 2] * 200
    *_, data = found.table
    assert data.nbytes < 3_000_000 < sum(map(len, told))


def test_many_texts_are_told_apart() -> None:
    told = [b"%d" % (i % 70_001) for i in range(100_000)]
    assert (Texts().number(spans(told)) == np.arange(100_000) % 70_001).all()


@pytest.mark.parametrize(
    ("held", "other"),
    [
        (b"cd", b"ab"),
        (b"cd", b"c"),
        *((LONG, LONG.replace(at, b"x")) for at in (b"0", b"7", b"8", b"f", b"g", b"h")),
    ],
)  # fmt: skip
def test_texts_of_one_hash_are_told_apart(held: bytes, other: bytes) -> None:
    """By their bytes and by their lengths. No two such are known, so one is given the hash of the other."""
    found, alone = Texts(), Texts()
    told = found.number(spans([held])).tolist(), alone.number(spans([other])).tolist()
    assert told == ([0], [0])
    found._hashes[0] = alone._hashes[0]
    found._slots[:] = alone._slots
    assert found.number(spans([other, other])).tolist() == [1, 1]
    assert (found[0], found[1]) == (held, other)


@pytest.mark.parametrize("bit", [0x80, 0x40])
def test_texts_of_one_hash_cannot_be_put_together_from_pieces(bit: int) -> None:
    """Two pieces that leave the same behind whatever the seed is would make 2^n texts of one hash.

    These do where a piece is multiplied by a constant alone: the highest bits of one word change the same bits of the
    next, always (0x80), or every other time (0x40), which plain letters do.
    """
    one = b"abcdefghijklmnop"
    other = bytes(x ^ bit if i in (0, 8, 12) else x for i, x in enumerate(one))
    told = [b"".join(pieces) for pieces in product([one, other], repeat=12)]
    found = Texts()
    found.number(spans(told))
    _, _, hashes, _, _ = found.table
    assert len(set(hashes[: len(told)].tolist())) == len(told)


def written(*who: tuple[str, bytes]) -> Spans:
    """Write versions and segments as msgspec does."""
    version, name = msgspec.msgpack.encode, msgspec.msgpack.encode("segment")
    return spans([version(told) + name + segment for told, segment in who])


def test_a_segment_is_the_same_however_it_is_written() -> None:
    same = [b'{"a":"x","b":"y"}', b' {"b": "y", "a": "x"}', b'{"a":"\\u0078","b":"y","a":"x"}']
    nobody = [b"", b"null", b"{}"]
    known = Parties()
    who = known.code(written(*(("1", text) for text in same + nobody)))
    assert who.tolist() == [0, 0, 0, 1, 1, 1]
    assert known.list == [("1", (("a", "x"), ("b", "y"))), ("1", ())]


@pytest.mark.parametrize(
    "segment", [b"[]", b'"a"', b'{"a":1}', b'{"a":null}', b'{"a":"\xff"}', b"7"]
)
def test_a_segment_that_is_no_map_of_text_to_text_is_told(segment: bytes) -> None:
    """Alone, and among others; the second time, too, when its text is known."""
    known = Parties()
    for _ in range(2):
        who = known.code(written(("1", b'{"a":"b"}'), ("1", segment)))
        assert who.tolist() == [0, UNREADABLE]


@pytest.mark.parametrize("n", [0, 1, 31, 32, 255, 256, 65_536])
@pytest.mark.parametrize("letter", ["v", "ç", "\0"])
def test_a_version_of_any_length_is_told_from_its_segment(n: int, letter: str) -> None:
    """Also where it holds what stands between the two; too long or empty ones are out of bounds."""
    for version in (letter * n, letter * n + "çsegment{}"):
        known = Parties()
        (place,) = known.code(written((version, b'{"a":"\xc3\xa7segment"}'))).tolist()
        if 0 < len(version.encode()) <= 256:
            assert (place, known.list) == (0, [(version, (("a", "çsegment"),))])
        else:
            assert (place, known.list) == (OUT_OF_BOUNDS, [])


@given(
    who=st.lists(
        st.tuples(
            st.sampled_from("12345"),
            st.sampled_from([b"", b"{}", b'{"a":"x"}', b'{"a":"y"}', b'{"a":1}', b'{"":"x"}']),
        ),
        min_size=1,
    )
)
@settings(max_examples=100)
def test_events_of_several_versions_have_the_parties_they_have_alone(
    who: list[tuple[str, bytes]],
) -> None:
    known = Parties()
    places = known.code(written(*who)).tolist()
    assert known.code(written(*who)).tolist() == places
    for one, place in zip(who, places, strict=True):
        lone = Parties()
        (alone,) = lone.code(written(one)).tolist()
        if place < 0:
            assert alone == place
        else:
            assert lone.list == [known.list[place]]
            assert known.place(known.list[place]) == place


@pytest.mark.parametrize("bound", ["PARTIES_MAX", "TEXTS_BYTES_MAX"])
def test_texts_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch, bound: str
) -> None:
    """One segment of sixteen names can be written in so many orders that they would fill the memory."""
    monkeypatch.setattr(parties, bound, 4)
    known = Parties()
    orders = [
        b"{%b}" % b",".join(names) for names in permutations([b'"a":""', b'"b":""', b'"c":""'])
    ]
    assert known.code(written(*(("1", order) for order in orders))).tolist() == [0] * 6
    parties_of = known.list
    known.make_room()
    assert len(parties_of) == 1
    assert known.list == []
    assert known.code(written(("2", b""))).tolist() == [0]


@pytest.mark.parametrize(
    ("version", "segment"),
    [("v" * 300, b""), ("v" * 300, b'{"a":"x"}'), ("1", b'{"a":"%b"}' % (b"x" * 300))],
)
def test_parties_out_of_bounds_are_forgotten_when_there_are_too_many(
    monkeypatch: pytest.MonkeyPatch, version: str, segment: bytes
) -> None:
    """Or messages that are all refused, each of another version, would fill the memory."""
    monkeypatch.setattr(parties, "PARTIES_MAX", 4)
    known = Parties()
    for i in range(30):
        assert known.code(written((f"{version}{i}", segment))).tolist() == [OUT_OF_BOUNDS]
        known.make_room()
        assert len(known._texts) <= 4
    assert known.list == []
