"""Hostile Arrow streams: a dead letter each, and no memory beyond the bound."""

from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.words import Kind
from tests.events import FEATURES, T0, Log
from tests.hostile import fuzz_arrow
from tests.hostile.fuzz_arrow import (
    BYTES_MAX,
    MEMORY_MAX,
    RULES,
    SOURCES,
    check,
    damaged,
    draw_message,
    main,
    metered,
)
from tests.ingest.books import BOOKS
from tests.ingest.tables import stream_of


@given(seed=st.integers(0, 2**32))
@settings(max_examples=150)
def test_a_damaged_message_is_read_or_put_aside_whole(seed: int) -> None:
    """Bits flipped, lengths that cannot be, cut and doubled."""
    draw = Random(seed)  # noqa: S311 - no secrets here
    kind = draw.choice(sorted(SOURCES))
    check(kind, damaged(draw, draw_message(draw, kind)))


@given(data=st.data())
@settings(max_examples=60)
def test_a_message_that_was_cut_short_is_put_aside_whole(data: st.DataObject) -> None:
    """Wherever it was cut; at the end of a record batch nothing can be told, and what is there is folded."""
    value = draw_message(Random(data.draw(st.integers(0, 99))), Kind.FEATURES)  # noqa: S311
    check(Kind.FEATURES, value[: data.draw(st.integers(4, len(value)))])


def table(rows: int, **columns: Any) -> Any:
    """Make a record batch of rows at T0."""
    head = {"model": ["m"] * rows, "version": ["1"] * rows, "ts": [T0] * rows}
    return pa.record_batch({**head, **columns})


def _packed(codec: str) -> bytes:
    """A million zeros to a few hundred bytes."""
    zeros = {f"features.x{i}": np.zeros(900) for i in range(1_000)}
    return stream_of(table(900, **zeros), compression=codec)


def _claimed(codec: str) -> bytes:
    """Of a packed buffer that claims a length of 2^40."""
    value = stream_of(table(900, **{"features.x": np.zeros(900)}), compression=codec)
    return value.replace((7_200).to_bytes(8, "little"), (2**40).to_bytes(8, "little"))


def _claims_rows(value: bytes) -> bytes:
    """Of a record batch of 900 rows that claims 2^40, where it and its columns tell their lengths."""
    return value.replace((900).to_bytes(8, "little"), (2**40).to_bytes(8, "little"))


def _shared() -> bytes:
    """Many columns of one dictionary with one long text."""
    of = pa.DictionaryArray.from_arrays(pa.array([0]), pa.array(["x" * (BYTES_MAX // 2)]))
    return stream_of(table(1, **{f"features.x{i}": of for i in range(99)}))


BOMBS: dict[str, Callable[[], bytes]] = {
    "zeros by zstd": lambda: _packed("zstd"),
    "zeros by lz4": lambda: _packed("lz4"),
    "a claim by zstd": lambda: _claimed("zstd"),
    "a claim by lz4": lambda: _claimed("lz4"),
    "nulls": lambda: stream_of(table(900, **{f"features.x{i}": pa.nulls(900) for i in range(99)})),
    "flags": lambda: stream_of(
        table(900, **{f"features.x{i}": pa.array([True] * 900) for i in range(99)})
    ),
    "rows": lambda: _claims_rows(stream_of(pa.record_batch({"features.x": pa.nulls(900)}))),
    "rows of one column": lambda: _claims_rows(stream_of(table(900, x=pa.nulls(900)))),
    "columns": lambda: stream_of(table(1, **{f"x{i}": pa.nulls(1) for i in range(10_001)})),
    "record batches": lambda: stream_of(table(101, **{"features.x": [1] * 101}), batches=101),
    "nesting": lambda: stream_of(table(1, **{"features.x": _nested(30)})),
    "one dictionary": _shared,
}


def _nested(depth: int) -> Any:
    kind = pa.int8()
    for _ in range(depth):
        kind = pa.list_(kind)
    return pa.nulls(1, kind)


@pytest.mark.parametrize("name", BOMBS)
def test_what_would_take_more_than_its_bound_is_put_aside(name: str) -> None:
    """Whatever it claims, before it is unpacked."""
    value = BOMBS[name]()
    with metered() as held:
        log = Log(FEATURES, BOOKS["typed"], RULES).run([value], stamps=[T0])
    assert held.max_memory() < MEMORY_MAX
    assert [letter.value for letter in log.dead] == [value]
    assert log.partition.fold_state.counters.malformed == 1


def test_the_fuzzer_prints_what_it_did_and_the_seed_of_what_it_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seed makes the failing round again."""
    fine = CliRunner().invoke(main, ["--seed", "1", "--rounds", "30", "--seconds", "3600"])
    assert fine.exit_code == 0, fine.output
    assert "30 rounds from seed 1" in fine.output
    monkeypatch.setattr(fuzz_arrow, "check", _broken)
    found = CliRunner().invoke(main, ["--seed", "7", "--rounds", "2"])
    assert found.exit_code == 1
    assert "--seed 7 --rounds 1" in found.output


def _broken(*_: object) -> bool:
    raise AssertionError("told to")
