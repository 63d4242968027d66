"""Whatever the bytes: no error, every message counted once, and the same told by any reading in any batches."""

import json

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st

from stream.words import Kind
from tests.hostile import fuzz
from tests.hostile.fuzz import check, main, small
from tests.hostile.good import KINDS, good

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=8,
)


def messages_of(kind_at: int) -> st.SearchStrategy[bytes | None]:
    """Make bytes of any kind: noise, the corpus, good ones cut or spliced, and JSON in any field."""
    kind = KINDS[kind_at]
    whole = good(kind)
    cut = st.tuples(st.integers(0, len(whole)), st.integers(0, len(whole)), st.binary(max_size=4))
    fields = st.sampled_from(
        ["model", "version", "id", "ts", "segment", "features", "label", "score"]
    )
    placed = st.tuples(fields, ANY_JSON.map(_written))
    return (
        st.binary(max_size=30)
        | st.sampled_from(small(kind))
        | cut.map(lambda c: whole[: c[0]] + c[2] + whole[c[1] :])
        | placed.map(lambda p: good(kind, without=p[0], more=b',"%b":%b' % (p[0].encode(), p[1])))
        | ANY_JSON.map(_written)
    )


def _written(value: object) -> bytes:
    """Write JSON as loosely as Python does: NaN and Infinity stand there, surrogates are escaped."""
    return json.dumps(value).encode()


LOGS = st.integers(0, 2).flatmap(
    lambda at: st.tuples(st.just(KINDS[at]), st.lists(messages_of(at), min_size=1, max_size=12))
)


@given(made=LOGS, cuts=st.lists(st.integers(0, 12), max_size=4))
@settings(max_examples=150)
def test_any_bytes_are_read_or_put_aside_alike_by_every_reading(
    made: tuple[Kind, list[bytes | None]], cuts: list[int]
) -> None:
    kind, log = made
    check(kind, log, [cut for cut in cuts if cut <= len(log)])


def test_a_long_run_prints_what_it_did_and_the_seed_of_what_it_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The seed makes the failing round again."""
    fine = CliRunner().invoke(main, ["--seed", "1", "--rounds", "40", "--seconds", "3600"])
    assert fine.exit_code == 0, fine.output
    assert "40 rounds from seed 1" in fine.output
    monkeypatch.setattr(fuzz, "check", _broken)
    found = CliRunner().invoke(main, ["--seed", "7", "--rounds", "2"])
    assert found.exit_code == 1
    assert "--seed 7 --rounds 1" in found.output


def _broken(*_: object) -> None:
    raise AssertionError("told to")
