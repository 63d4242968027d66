"""A copy of the state is whole or counts for nothing, and the newest whole one is found."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.errors import CodecError
from stream.state import snapshot as of_snapshot
from stream.state.kept import (  # fmt: skip
    FLEET,
    Kept,
    kept_of,
    key_of,
    model_of,
    pack_kept,
    partition_of,
    unpack_kept,
)
from stream.state.snapshot import Record, newest_snapshot, records_of

FIELDS = st.dictionaries(st.binary(max_size=8), st.binary(max_size=200), max_size=6)
WHATS = st.sampled_from([partition_of("f", 0), partition_of("f", 1), model_of("m/0"), FLEET])
HASHES = st.dictionaries(WHATS, st.tuples(st.binary(max_size=5), FIELDS)).map(
    lambda found: [Kept(what, *rest) for what, rest in found.items()]
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(of_snapshot, "PIECE_BYTES", 64)


def copies(count: int, *, each: int = 300) -> list[list[Record]]:
    """Make the records of some copies, one after the other; each has contents of its own."""
    return [
        list(records_of(n, 1_000 * n, [Kept(model_of("m"), b"%d" % n, {b"f": b"%d" % n * each})]))
        for n in range(1, count + 1)
    ]


@given(HASHES, st.integers(1, 2**40))
@settings(max_examples=60)
def test_what_was_copied_comes_back(hashes: list[Kept], generation: int) -> None:
    """Whatever the sizes, in one piece or in many."""
    snapshot = newest_snapshot(records_of(generation, 7, hashes))
    assert snapshot is not None
    assert (snapshot.generation, snapshot.made_ms, snapshot.hashes) == (generation, 7, hashes)


@given(HASHES)
@settings(max_examples=60)
def test_a_hash_has_one_form_as_bytes_whatever_the_order_of_its_fields(hashes: list[Kept]) -> None:
    """Equal contents, equal bytes; and back."""
    for kept in hashes:
        turned = kept._replace(fields=dict(reversed(list(kept.fields.items()))))
        assert pack_kept(turned) == pack_kept(kept)
        assert unpack_kept(pack_kept(kept)) == kept


def test_who_owns_a_hash_is_no_part_of_it() -> None:
    """Epoch and commit id differ from owner to owner; keys are those of the store."""
    found = {b"epoch": b"3", b"base": b"17", b"commit": b"3.9", b"state": b"x"}
    assert kept_of(FLEET, found) == Kept(FLEET, b"17", {b"state": b"x"})
    assert [key_of("a", w) for w in (FLEET, partition_of("t", 2))] == ["{a:fleet}", "{a:src:t:2}"]


def test_after_compaction_the_newest_copy_and_the_one_before_are_left() -> None:
    """Slots take turns, so the log stays as long as two copies."""
    first, second, third = copies(3)
    left = dict(first + second + third)
    assert len(left) == len(first) + len(second)
    found = newest_snapshot(left.items())
    assert found is not None
    assert (found.generation, found.hashes[0].base) == (3, b"3")


@pytest.mark.parametrize("cut", range(1, 6))
def test_a_copy_that_was_cut_short_leaves_the_one_before_whole(cut: int) -> None:
    """Wherever the writer died, compacted or not."""
    first, second, third = copies(3)
    records = first + second + third[:-cut]
    assert third[:-cut]
    for left in (records, list(dict(records).items())):
        found = newest_snapshot(left)
        assert found is not None
        assert (found.generation, found.hashes[0].base) == (2, b"2")


def test_a_copy_that_lost_or_damaged_a_piece_is_passed_over_and_told() -> None:
    """A missing piece, a flipped bit, a piece of another copy: the one before is taken, and why is said."""
    first, second = copies(2)
    (key, value), *_ = second
    other = dict(copies(4)[3])
    for damaged, why in (
        ([record for record in second if record[0] != key], "piece 0 of model m is missing"),
        ([*second, (key, value[:-1] + b"\x00")], "checksum"),
        ([*second, (key, other[key])], "is of copy 4"),
    ):
        found = newest_snapshot(first + damaged)
        assert found is not None
        assert found.generation == 1
        assert why in found.broken[0]


def test_pieces_that_do_not_make_what_was_cut_are_found_out() -> None:
    """Two writers at once, each with good pieces: the digest of the whole tells."""
    (mine,) = copies(1)
    theirs = list(records_of(1, 5, [Kept(model_of("m"), b"9", {b"f": b"x" * 300})]))
    mixed = [theirs[0], *mine[1:]]
    with pytest.raises(CodecError, match="do not make what was cut"):
        newest_snapshot(mixed)


def test_where_no_copy_is_whole_that_is_an_error_and_where_none_was_made_it_is_none() -> None:
    """A log of damaged copies is not an empty one."""
    (first,) = copies(1)
    assert newest_snapshot([]) is None
    assert newest_snapshot(first[:-1]) is None
    with pytest.raises(CodecError, match=r"copy 1: .*missing.*no copy is whole"):
        newest_snapshot(first[1:])
    with pytest.raises(CodecError, match="manifest in slot 1"):
        newest_snapshot([*first[:-1], (first[-1][0], b"junk")])
