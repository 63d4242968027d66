"""The contract of the state store, held against both implementations.

A test that takes `store` runs on memory always and on a real Redis where there is one.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, cast
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stream.errors import StoreUnavailable
from stream.state.memory import MemoryStore
from stream.state.redis import SCRIPT_FIELDS_MAX, RedisStore
from stream.state.store import (
    Answer,
    Commit,
    Store,
    fleet_key,
    forbid_meta,
    model_key,
    partition_key,
)


class Watching(RedisStore):
    """Sends every commit the way of those that are too big for a script."""

    def commit(self, commit: Commit) -> Answer:
        forbid_meta(commit.fields)
        with self._border():
            return self._commit_watching(commit)


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.servers),
        pytest.param("redis, watching", marks=pytest.mark.servers),
    ]
)
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    """One of the stores, made anew."""
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    else:
        kind = Watching if request.param == "redis, watching" else RedisStore
        made = kind(cast("str", request.getfixturevalue("redis_url")))
    yield made
    made.close()


@pytest.fixture
def key() -> str:
    """A key no other test has."""
    return partition_key("test", uuid4().hex, 0)


def step(key: str, epoch: int, base: bytes, new_base: bytes, **fields: bytes) -> Commit:
    """A commit whose id is told by its bases."""
    written = {name.encode(): value for name, value in fields.items()}
    return Commit(key, epoch, base, new_base, base + b">" + new_base, written)


def test_a_key_never_written_is_taken_over_empty_at_the_empty_base(store: Store, key: str) -> None:
    """The first owner gets epoch 1, base b"" and no fields; reading shows nothing but the epoch."""
    assert store.take_over(key) == (1, b"", {})
    assert store.read(key, [b"base", b"commit", b"a"]) == [None, None, None]


def test_peeking_reads_all_and_fences_nobody(store: Store, key: str) -> None:
    """The owner goes on to commit; of a key never written there is nothing."""
    assert store.peek(key) == {}
    epoch = store.take_over(key).epoch
    assert store.commit(step(key, epoch, b"", b"10", a=b"1")) is Answer.OK
    found = store.peek(key)
    assert (found[b"a"], found[b"base"], found[b"epoch"]) == (b"1", b"10", b"%d" % epoch)
    assert store.commit(step(key, epoch, b"10", b"20", a=b"2")) is Answer.OK


def test_a_commit_moves_state_and_base_together(store: Store, key: str) -> None:
    """What the next owner takes over is the last base with all fields written up to it."""
    epoch = store.take_over(key).epoch
    assert store.commit(step(key, epoch, b"", b"10", a=b"1", b=b"\x00\xff")) is Answer.OK
    assert store.commit(step(key, epoch, b"10", b"20", a=b"2")) is Answer.OK
    assert store.take_over(key) == (epoch + 1, b"20", {b"a": b"2", b"b": b"\x00\xff"})


def test_a_retried_commit_is_told_it_was_done_and_changes_nothing(store: Store, key: str) -> None:
    """The answer of a commit may be lost: sent again it is ALREADY and changes nothing."""
    epoch = store.take_over(key).epoch
    commit = step(key, epoch, b"", b"10", a=b"1")
    assert [store.commit(commit) for _ in range(3)] == [Answer.OK, Answer.ALREADY, Answer.ALREADY]
    assert store.read(key, [b"a", b"base"]) == [b"1", b"10"]


def test_commits_that_are_made_together_are_answered_each_as_alone(store: Store) -> None:
    """In their order; whoever is refused, the others are done. One is too large for what goes in one round trip."""
    keys = [partition_key("test", uuid4().hex, 0) for _ in range(5)]
    for one in keys:
        store.take_over(one)
    done, fenced, conflict, large, again = keys
    store.take_over(fenced)
    store.commit(step(again, 1, b"", b"10", x=b"1"))
    many = {f"f{i}": b"%d" % i for i in range(4_000)}
    told = store.commit_all([
        step(done, 1, b"", b"10", x=b"1"),
        step(fenced, 1, b"", b"10", x=b"1"),
        step(large, 1, b"", b"10", **many),
        step(conflict, 1, b"5", b"10", x=b"1"),
        step(again, 1, b"", b"10", x=b"1"),
    ])  # fmt: skip
    assert told == [Answer.OK, Answer.FENCED, Answer.OK, Answer.CONFLICT, Answer.ALREADY]
    held = {one: store.read(one, [b"base", b"x", b"f3999"]) for one in keys}
    assert held == {
        done: [b"10", b"1", None],
        fenced: [None, None, None],
        conflict: [None, None, None],
        large: [b"10", None, b"3999"],
        again: [b"10", b"1", None],
    }
    assert store.commit_all([]) == []
    assert store.commit_all([step(done, 1, b"10", b"20", x=b"2")]) == [Answer.OK]
    both = [step(done, 1, b"20", b"30", commit=b"0"), step(again, 1, b"10", b"20", x=b"2")]
    with pytest.raises(ValueError, match="kept by the store itself"):
        store.commit_all(both)


def test_a_commit_that_moves_no_base_is_done_once(store: Store, key: str) -> None:
    """An idle tick goes from a base to itself; another one with its own id is another step."""
    epoch = store.take_over(key).epoch
    tick = Commit(key, epoch, b"", b"", b"tick 1", {b"a": b"1"})
    assert [store.commit(tick), store.commit(tick)] == [Answer.OK, Answer.ALREADY]
    assert store.commit(tick._replace(commit_id=b"tick 2")) is Answer.OK


def test_the_owner_before_is_fenced_and_writes_nothing(store: Store, key: str) -> None:
    """After a take-over neither commit nor removal of the old epoch does anything."""
    old = store.take_over(key).epoch
    store.commit(step(key, old, b"", b"10", a=b"1"))
    store.take_over(key)
    assert store.commit(step(key, old, b"10", b"20", a=b"2")) is Answer.FENCED
    assert store.remove(key, old, [b"a"]) is Answer.FENCED
    assert store.read(key, [b"a", b"base"]) == [b"1", b"10"]


def test_a_zombie_is_fenced_even_when_its_commit_had_been_done(store: Store, key: str) -> None:
    """The epoch is compared first: a retry after a take-over must learn that the key is lost."""
    old = store.take_over(key).epoch
    commit = step(key, old, b"", b"10", a=b"1")
    store.commit(commit)
    store.take_over(key)
    assert store.commit(commit) is Answer.FENCED


def test_a_key_nobody_has_taken_over_can_be_neither_written_nor_cleared(
    store: Store, key: str
) -> None:
    """A store that has lost a key (or never had it) fences every epoch, 0 included."""
    assert [store.commit(step(key, epoch, b"", b"1")) for epoch in (0, 1)] == [Answer.FENCED] * 2
    assert store.remove(key, 0, [b"a"]) is Answer.FENCED
    assert store.size(key) == 0


def test_a_commit_from_another_base_is_a_conflict_and_writes_nothing(
    store: Store, key: str
) -> None:
    """A store that went back in time, or a worker that did, is found by its base."""
    epoch = store.take_over(key).epoch
    store.commit(step(key, epoch, b"", b"10", a=b"1"))
    assert store.commit(step(key, epoch, b"9", b"20", a=b"2")) is Answer.CONFLICT
    assert store.commit(step(key, epoch, b"", b"20", a=b"2")) is Answer.CONFLICT
    assert store.commit(step(key, epoch, b"9", b"10", a=b"2")) is Answer.CONFLICT
    assert store.take_over(key) == (epoch + 1, b"10", {b"a": b"1"})


def test_fields_are_read_in_the_order_asked_and_missing_ones_are_none(
    store: Store, key: str
) -> None:
    """One key or many: answers stand where the questions stood; nothing asked, nothing given."""
    other = key + "other"
    for each, value in ((key, b"1"), (other, b"2")):
        store.commit(step(each, store.take_over(each).epoch, b"", b"1", a=value, b=b""))
    assert store.read(key, [b"x", b"a", b"b", b"a"]) == [None, b"1", b"", b"1"]
    assert store.read(key, []) == []
    assert store.read_many([(other, [b"a"]), (key, []), (key + "none", [b"a"]), (key, [b"a"])]) == [
        [b"2"],
        [],
        [None],
        [b"1"],
    ]
    assert store.read_many([]) == []


def test_removing_at_a_base_spares_an_earlier_state_that_may_need_the_fields(
    store: Store, key: str
) -> None:
    """The store may have gone back between the commit that has no use for them and their removal."""
    epoch = store.take_over(key).epoch
    store.commit(step(key, epoch, b"", b"10", a=b"1"))
    assert store.remove(key, epoch, [b"a"], b"20") is Answer.CONFLICT
    assert store.remove(key, epoch + 1, [b"a"], b"10") is Answer.FENCED
    assert store.read(key, [b"a"]) == [b"1"]
    assert store.remove(key, epoch, [b"a"], b"10") is Answer.OK
    assert store.read(key, [b"a"]) == [None]


def test_removing_is_idempotent_and_leaves_the_chain_alone(store: Store, key: str) -> None:
    """Removed fields are gone, others stay, the base does not move, a second removal is OK."""
    epoch = store.take_over(key).epoch
    store.commit(step(key, epoch, b"", b"10", a=b"1", b=b"2"))
    assert [store.remove(key, epoch, [b"a", b"none"]) for _ in range(2)] == [Answer.OK] * 2
    assert store.remove(key, epoch, []) is Answer.OK
    assert store.commit(step(key, epoch, b"10", b"20")) is Answer.OK
    assert store.take_over(key) == (epoch + 1, b"20", {b"b": b"2"})


def test_the_first_value_put_stays(store: Store, key: str) -> None:
    """Of two workers that learn the same reference both get the one that came first."""
    assert store.put_if_absent(key, b"reference", b"first") == b"first"
    assert store.put_if_absent(key, b"reference", b"second") == b"first"
    assert store.read(key, [b"reference"]) == [b"first"]


def test_what_is_put_together_is_there_wholly_or_not_at_all(store: Store, key: str) -> None:
    """Not where one of it holds something else, or what it goes behind is not there; again, where it is the same."""
    assert store.put_together(key, {b"a": b"1", b"b": b"2"}, behind={})
    assert store.put_together(key, {b"b": b"2", b"c": b"3"}, behind={b"a": b"1"})
    assert store.put_together(key, {b"b": b"2", b"c": b"3"}, behind={b"a": b"1"})
    assert store.put_together(key, {}, behind={})
    for fields, behind in (
        ({b"d": b"4", b"c": b"0"}, {}),
        ({b"d": b"4"}, {b"a": b"1", b"c": b"0"}),
        ({b"d": b"4"}, {b"none": b"0"}),
        ({b"d": b"4"}, {b"d": b"4"}),
    ):
        assert not store.put_together(key, fields, behind=behind)
    found = store.read(key, [b"a", b"b", b"c", b"d", b"none"])
    assert found == [b"1", b"2", b"3", None, None]
    assert store.put_together(key, {b"%d" % i: b"" for i in range(1_000)}, behind={b"c": b"3"})
    assert store.read(key, [b"999"]) == [b""]


def test_the_fields_of_meta_are_the_stores_own(store: Store, key: str) -> None:
    """A caller's field may not pass for an epoch, a base or a commit id."""
    epoch = store.take_over(key).epoch
    for name in ("epoch", "base", "commit"):
        with pytest.raises(ValueError, match=name):
            store.commit(Commit(key, epoch, b"", b"10", b"id", {name.encode(): b"7"}))
        with pytest.raises(ValueError, match=name):
            store.remove(key, epoch, [name.encode()])
        with pytest.raises(ValueError, match=name):
            store.put_if_absent(key, name.encode(), b"7")
        with pytest.raises(ValueError, match=name):
            store.put_together(key, {name.encode(): b"7"}, behind={})
    assert store.take_over(key) == (epoch + 1, b"", {})


def test_the_size_of_a_key_is_at_least_its_bytes_and_shrinks_again(store: Store, key: str) -> None:
    """Bounded state can be watched: what is written adds to the size, what is removed leaves it."""
    assert store.size(key) == 0
    epoch = store.take_over(key).epoch
    before = store.size(key)
    store.commit(step(key, epoch, b"", b"1", a=bytes(100_000)))
    assert store.size(key) >= before + 100_000
    store.remove(key, epoch, [b"a"])
    assert store.size(key) < before + 1_000


@pytest.mark.parametrize("fields", [SCRIPT_FIELDS_MAX, SCRIPT_FIELDS_MAX + 1, 20_000])
def test_a_commit_may_have_any_number_of_fields(store: Store, key: str, fields: int) -> None:
    """Beyond what a script can pass on, a commit still is whole, idempotent, and can be removed."""
    epoch = store.take_over(key).epoch
    big = {b"field %d" % number: b"%d" % number for number in range(fields)}
    commit = Commit(key, epoch, b"", b"10", b"id", big)
    assert [store.commit(commit), store.commit(commit)] == [Answer.OK, Answer.ALREADY]
    assert store.take_over(key) == (epoch + 1, b"10", big)
    assert store.commit(commit) is Answer.FENCED
    assert store.remove(key, epoch + 1, list(big)) is Answer.OK
    assert store.take_over(key) == (epoch + 2, b"10", {})


def test_of_commits_that_race_from_one_base_one_is_done(store: Store, key: str) -> None:
    """Threads of one epoch start from one base: one step wins, and the state is its own."""
    epoch = store.take_over(key).epoch
    racers = [
        Commit(key, epoch, b"", b"%d" % racer, b"id", {b"a": b"%d" % racer}) for racer in range(8)
    ]

    def run(commit: Commit) -> Answer:
        try:
            return store.commit(commit)
        except StoreUnavailable:  # touched while it watched: told to try again
            return store.commit(commit)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(run, racers))
    winner = answers.index(Answer.OK)
    assert answers == [
        Answer.OK if racer == winner else Answer.CONFLICT for racer in range(len(racers))
    ]
    assert store.read(key, [b"base", b"a"]) == [b"%d" % winner] * 2


def test_a_store_answers_and_can_be_closed_twice(store: Store) -> None:
    """Health checks may ask at any time, and a shutdown may be asked for more than once."""
    store.ping()
    store.close()
    store.close()


VALUES = st.sampled_from([b"", b"1", b"2"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("take")),
        st.tuples(st.just("commit"), st.integers(0, 3), VALUES, VALUES, VALUES, VALUES),
        st.tuples(st.just("remove"), st.integers(0, 3)),
        st.tuples(st.just("put"), VALUES),
        st.tuples(st.just("together"), VALUES, VALUES, VALUES),
    ),
    max_size=25,
)


def play(store: Store, key: str, steps: list[tuple[Any, ...]]) -> list[object]:
    """Carry out steps and give every answer, with the whole state at the end."""
    told: list[object] = []
    for what, *how in steps:
        if what == "take":
            told.append(store.take_over(key))
        elif what == "commit":
            epoch, base, new_base, commit_id, value = how
            told.append(store.commit(Commit(key, epoch, base, new_base, commit_id, {b"f": value})))
        elif what == "remove":
            told.append(store.remove(key, how[0], [b"f", b"g"]))
        elif what == "put":
            told.append(store.put_if_absent(key, b"g", how[0]))
        else:
            f, g, behind = how
            told.append(store.put_together(key, {b"f": f, b"g": g}, behind={b"f": behind}))
    return [*told, store.read(key, [b"epoch", b"base", b"commit", b"f", b"g"])]


@pytest.mark.servers
@settings(
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(steps=STEPS)
def test_redis_and_memory_give_the_same_answers_to_any_steps(
    redis_url: str, steps: list[tuple[Any, ...]]
) -> None:
    """Two implementations, one behaviour: every answer and the state at the end are equal."""
    store, key = RedisStore(redis_url), partition_key("test", uuid4().hex, 0)
    try:
        assert play(store, key, steps) == play(MemoryStore(), key, steps)
    finally:
        store.close()


def test_memory_keeps_its_own_copy_of_what_it_is_given() -> None:
    """A buffer that its owner goes on using does not change what was committed."""
    store, buffer = MemoryStore(), bytearray(b"before")
    epoch = store.take_over("k").epoch
    store.commit(Commit("k", epoch, b"", b"1", b"id", {b"a": cast("bytes", buffer)}))
    buffer[:] = b"after!"
    assert store.read("k", [b"a"]) == [b"before"]


def test_keys_have_one_hash_tag_and_never_a_models_name() -> None:
    """A key is one slot of a cluster; names from events are hashed, an operator's are checked."""
    assert partition_key("app", "my.topic", 12) == "{app:src:my.topic:12}"
    assert fleet_key("app") == "{app:fleet}"
    hostile = model_key("app", "}{a:b\x00\n")
    assert (hostile.count("{"), hostile.count("}"), len(hostile)) == (
        1,
        1,
        len("{app:model:}") + 32,
    )
    assert model_key("app", "a") != model_key("app", "b")
    for name in ("", "a:b", "a{b}", "a b", "a\n"):
        with pytest.raises(ValueError, match="part of a key"):
            partition_key("app", name, 0)
        with pytest.raises(ValueError, match="part of a key"):
            fleet_key(name)
