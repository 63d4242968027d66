"""What was stored is read for ever: golden files of each version, the steps between versions, and hostile bytes."""

import contextlib
import json
import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stream.config import Config
from stream.errors import CodecError
from stream.evaluate.chains.learner import Learner
from stream.evaluate.judging.standing import load_standings
from stream.evaluate.model_state import pending_fields
from stream.evaluate.panes.join import Join, JoinRules
from stream.ingest.pane import Pane, unpack_rows
from stream.reference.reference import Reference
from stream.run.copies.plainly import plain_value
from stream.run.fleet.rules import model_rules
from stream.state import codec
from stream.state.kept import unpack_kept
from stream.state.small_ints import unpack_ints
from stream.state.snapshot import newest_snapshot
from stream.state.versions import MIGRATIONS, VERSIONS, dump, load
from stream.words import Kind, Series
from tests.state.golden_state import CONTENTS, GOLDEN, digest, version_of

RECORDED: dict[str, str] = json.loads(CONTENTS.read_text())
READABLE = sorted(
    name
    for name in RECORDED
    if VERSIONS[name.rpartition("-")[0]].oldest <= int(name.rpartition("-")[2])
)
BLOBS = {name: (GOLDEN / f"{name}.bin").read_bytes() for name in RECORDED}
JOIN = JoinRules(1_000, 10, 10)
RULES, SERIES = model_rules(Config()), Series("m", "1", ())

READ: dict[str, Callable[[bytes], object]] = {
    "learn": lambda blob: Learner(SERIES, Kind.FEATURES, RULES.learning).restore(1, blob),
    "pane": lambda blob: Pane.unpack("m", blob, None),
    "rows": unpack_rows,
    "reference": Reference.unpack,
    "standing": lambda blob: load_standings(blob, b""),
    "kept": unpack_kept,
    "model": lambda blob: pending_fields("m", {b"state": blob}),
    "manifest": lambda blob: newest_snapshot([(b"1/manifest", blob)]),
    "piece": lambda blob: load(blob, "piece"),
    "join": lambda blob: Join("m", JOIN).restore(5, blob),
}
"""How what is read from stored bytes is built of them; of other kinds only the payload is looked at."""


def kind_of(name: str) -> str:
    """Tell the kind of a golden file."""
    return name.rpartition("-")[0]


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_golden_file_holds_what_it_always_held(name: str) -> None:
    """Decoded by today's code, of any version: the promise of the codec."""
    version, payload = version_of(BLOBS[name], kind_of(name))
    assert version == int(name.rpartition("-")[2])
    assert digest(payload) == RECORDED[name]


def test_every_version_that_is_written_has_its_golden_file() -> None:
    """`python -m tests.state.golden_state` writes the one of a new version."""
    assert {f"{kind}-{versions.newest}" for kind, versions in VERSIONS.items()} <= set(RECORDED)


@pytest.mark.parametrize("name", READABLE)
def test_what_is_written_again_has_the_same_contents(name: str) -> None:
    """Of the newest version even the same bytes, as far as they are not compressed."""
    kind = kind_of(name)
    payload = load(BLOBS[name], kind)
    again = dump(kind, payload)
    assert digest(load(again, kind)) == digest(payload)
    assert dump(kind, load(again, kind)) == again


def test_every_older_version_that_is_read_has_a_step_to_the_next() -> None:
    """And none is left over of a version that is no longer read."""
    wanted = {(k, v) for k, (oldest, newest) in VERSIONS.items() for v in range(oldest, newest)}
    assert set(MIGRATIONS) == wanted


def test_a_partition_of_version_1_has_no_gaps() -> None:
    """What it knew stays as it was."""
    _, old = version_of(BLOBS["partition-1"], "partition")
    assert load(BLOBS["partition-1"], "partition") == [*old, [], [[], None]]
    assert len(old) == 4


def test_a_hop_of_version_1_and_those_of_a_chain_of_version_7_have_the_same_counts() -> None:
    """They had them as arrays."""
    _, (number, counts, *rest) = version_of(BLOBS["hop-1"], "hop")
    again, n, packed, *same = load(BLOBS["hop-1"], "hop")
    assert (again, unpack_ints(packed, n).tolist()) == (number, counts.tolist())
    assert plain_value(same) == plain_value(rest)
    old, new = version_of(BLOBS["chain-7"], "chain")[1][3], load(BLOBS["chain-7"], "chain")[3]
    hops = [
        (a, b)
        for ring, of in zip(old[1], new[1], strict=True)
        for a, b in zip(ring[-1], of[-1], strict=True)
    ]
    assert [unpack_ints(b[2], b[1]).tolist() for a, b in hops] == [a[1].tolist() for a, _ in hops]
    assert len(hops) > 0


def test_a_result_of_version_1_tells_the_same_of_every_detector() -> None:
    """Then each stood alone."""
    _, old = version_of(BLOBS["result-1"], "result")
    new = load(BLOBS["result-1"], "result")
    told = [(names, at.tolist(), x.tolist(), a.tolist()) for at, names, x, a in new["scores"]]
    assert told == [
        ([name], at.tolist(), [x.tolist()], [a.tolist()])
        for name, parts in old["scores"].items()
        for at, x, a in parts
    ]
    assert (new["start"], new["end"], new["n"]) == (old["start"], old["end"], old["n"])


@pytest.mark.parametrize("kind", sorted(VERSIONS))
def test_a_newer_version_is_refused_with_what_to_do(kind: str) -> None:
    """An old worker beside new ones stops, and says why."""
    blob = codec.pack(kind, VERSIONS[kind].newest + 1, ["from the future"])
    with pytest.raises(CodecError, match=r"written by a newer driftbus.*upgrade every worker"):
        load(blob, kind)
    if VERSIONS[kind].oldest:
        with pytest.raises(CodecError, match="written by an older driftbus"):
            load(codec.pack(kind, VERSIONS[kind].oldest - 1, []), kind)


@pytest.mark.parametrize("name", sorted(RECORDED))
def test_a_stored_value_that_is_damaged_anywhere_is_refused(name: str) -> None:
    """Flipped, cut or grown, at places all over it."""
    blob, kind = BLOBS[name], kind_of(name)
    places = sorted({*range(40), *range(40, len(blob), max(1, len(blob) // 60))} & set(range(len(blob))))  # fmt: skip
    for place in places:
        for damaged in (
            blob[:place],
            blob[:place] + bytes([blob[place] ^ 0x10]) + blob[place + 1 :],
        ):
            with pytest.raises(CodecError):
                load(damaged, kind)


LEAVES = (
    st.none() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=3)
    | st.binary(max_size=3) | st.lists(st.none(), max_size=2)
)  # fmt: skip


def warped(payload: Any, places: list[int], leaf: object) -> Any:
    """Put something else at a place within a payload."""
    if not places or not isinstance(payload, list | dict) or not payload:
        return leaf
    keys = list(range(len(payload))) if isinstance(payload, list) else sorted(payload)
    key = keys[places[0] % len(keys)]
    inner = warped(payload[key], places[1:], leaf)
    if isinstance(payload, dict):
        return {**payload, key: inner}
    return [*payload[:key], inner, *payload[key + 1 :]]


@pytest.mark.parametrize("kind", sorted(READ))
@given(places=st.lists(st.integers(0, 50), min_size=0, max_size=6), leaf=LEAVES)
@settings(max_examples=60, phases=[Phase.generate])
def test_a_payload_of_another_shape_is_a_codec_error_and_nothing_else(
    kind: str, places: list[int], leaf: object
) -> None:
    """Behind a good checksum anything may stand: wrong types, lengths, numbers, at any depth."""
    payload = load(BLOBS[f"{kind}-{VERSIONS[kind].newest}"], kind)
    blob = dump(kind, warped(payload, places, leaf))
    with contextlib.suppress(CodecError):
        READ[kind](blob)


def test_a_length_that_promises_much_takes_little_memory() -> None:
    """What is allocated is what is there, or what a small body decompresses to, up to the bound."""
    bomb = codec._frame(1, 1, 1, b"index", b"x\x9c" + b"\x00" * 100, codec.CONTENT_MAX)
    hollow = msgspec.msgpack.encode(
        msgspec.msgpack.Ext(1, bytes([7, 7, 1]) + (2**60).to_bytes(8, "little"))
    )
    sparse = codec._frame(1, 0, 1, b"index", hollow, len(hollow))
    lists = codec._frame(1, 0, 1, b"index", b"\xdd\x7f\xff\xff\xff", 5)
    tracemalloc.start()
    try:
        for blob in (bomb, sparse, lists):
            with pytest.raises(CodecError):
                load(blob, "index")
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()
