"""What is Redis' own: servers that must be refused, and errors that become ours without secrets."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from redis import Redis
from redis.client import Pipeline

from stream.errors import StoreRefused, StoreUnavailable
from stream.state.redis import RedisStore
from stream.state.store import Answer, Commit, judge, partition_key
from tests.servers import free_ports, need, redis_missing, redis_server

PASSWORD = "hunter2-canary"  # noqa: S105 - the canary that no message may sing


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    """The administrator's client of a Redis with a password, of a module's own."""
    need(redis_missing())
    folder = tmp_path_factory.mktemp("redis")
    port = free_ports(1)[0]
    # The password is set afterwards: the start-up check of the fixture knows none.
    with redis_server(folder, port), Redis(port=port) as admin:
        admin.config_set("requirepass", PASSWORD)
        yield admin


def url_of(admin: Redis, password: str = PASSWORD) -> str:
    """The address of that Redis with a password in it."""
    port = admin.connection_pool.connection_kwargs["port"]
    return f"redis://:{password}@127.0.0.1:{port}/0"


@pytest.mark.servers
def test_a_server_that_may_throw_state_away_is_refused_at_the_start(guarded: Redis) -> None:
    """Only noeviction passes; the message says which setting to change."""
    store = RedisStore(url_of(guarded))
    store.check()
    guarded.config_set("maxmemory-policy", "allkeys-lru")
    try:
        with pytest.raises(StoreRefused, match=r"maxmemory-policy is allkeys-lru.*noeviction"):
            store.check()
    finally:
        guarded.config_set("maxmemory-policy", "noeviction")
        store.close()


def test_a_server_too_old_for_our_scripts_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Redis 6 does not know the first line of the scripts; version 10 is not read as 1."""
    store = RedisStore("redis://127.0.0.1:1/0")
    info = {"redis_version": "6.2.14", "maxmemory_policy": "noeviction"}
    monkeypatch.setattr(store, "_ask", lambda _: info)
    with pytest.raises(StoreRefused, match=r"Redis 6\.2\.14 is too old; use 7\.0"):
        store.check()
    info["redis_version"] = "10.0.0"
    store.check()
    store.close()


@pytest.mark.servers
def test_a_big_commit_that_is_overtaken_while_it_compares_writes_nothing(
    redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A take-over between the comparison and the write of a big commit fences it all the same."""
    store, key = RedisStore(redis_url), partition_key("test", uuid4().hex, 0)
    epoch = store.take_over(key).epoch
    fields = {b"%d" % number: b"x" for number in range(5_000)}
    commit = Commit(key, epoch, b"", b"1", b"id", fields)

    def overtaken(stored: Sequence[bytes | None], commit: Commit) -> Answer:
        answer = judge(stored, commit)
        store.take_over(key)
        return answer

    with monkeypatch.context() as patch:
        patch.setattr("stream.state.redis.judge", overtaken)
        with pytest.raises(StoreUnavailable):
            store.commit(commit)
    assert store.read(key, [b"base", b"0"]) == [None, None]
    assert store.commit(commit) is Answer.FENCED
    store.close()


@pytest.mark.servers
def test_a_wrong_password_is_refused_and_not_repeated(guarded: Redis) -> None:
    """Trying again cannot help, and no message tells the password."""
    store = RedisStore(url_of(guarded, "wrong-canary"))
    with pytest.raises(StoreRefused) as caught:
        store.ping()
    store.close()
    assert "canary" not in str(caught.value)


@pytest.mark.servers
def test_out_of_memory_writes_nothing_and_can_be_tried_again(guarded: Redis) -> None:
    """A full server refuses a commit of either way as a whole, and takes it when there is room."""
    store = RedisStore(url_of(guarded))
    for fields in (2, 5_000):
        key = partition_key("test", uuid4().hex, 0)
        epoch = store.take_over(key).epoch
        commit = Commit(
            key, epoch, b"", b"1", b"id", {b"%d" % number: b"x" for number in range(fields)}
        )
        guarded.config_set("maxmemory", "1")
        try:
            with pytest.raises(StoreUnavailable):
                store.commit(commit)
            assert store.read(key, [b"base", b"0"]) == [None, None]
        finally:
            guarded.config_set("maxmemory", "0")
        assert store.commit(commit) is Answer.OK
    store.close()


@pytest.mark.servers
def test_a_replica_cannot_be_written_and_may_become_the_master(guarded: Redis) -> None:
    """A failover passes: READONLY is an error to try again, not one to stop for."""
    store = RedisStore(url_of(guarded))
    guarded.replicaof("127.0.0.1", str(free_ports(1)[0]))
    try:
        with pytest.raises(StoreUnavailable):
            store.take_over("k")
    finally:
        guarded.replicaof("NO", "ONE")
    assert store.take_over("k").epoch == 1
    store.close()


@pytest.mark.servers
def test_a_key_of_another_type_is_refused(redis_url: str) -> None:
    """Someone else's data under our name is nothing that time will heal."""
    key = uuid4().hex
    with Redis.from_url(redis_url) as client:
        client.set(key, "not a hash")
    store = RedisStore(redis_url)
    for call in (lambda: store.take_over(key), lambda: store.read(key, [b"a"])):
        with pytest.raises(StoreRefused, match="wrong kind of value"):
            call()
    store.close()


@pytest.mark.servers
def test_a_store_finds_its_server_again_after_a_restart(tmp_path: Path) -> None:
    """While the server is away every call says so; afterwards the same store goes on."""
    need(redis_missing())
    keep = ("--appendonly", "yes", "--appendfsync", "always")
    port = free_ports(1)[0]
    with redis_server(tmp_path, port, *keep) as (url, _):
        store = RedisStore(url)
        assert store.take_over("k").epoch == 1
    with pytest.raises(StoreUnavailable, match=f"redis 127.0.0.1:{port}"):
        store.ping()
    with redis_server(tmp_path, port, *keep):
        assert store.take_over("k").epoch == 2
        store.close()


@pytest.mark.servers
def test_a_commit_is_one_write_command_in_the_append_only_file(tmp_path: Path) -> None:
    """A torn file cannot hold half a commit: either way it is one HSET in no transaction."""
    need(redis_missing())
    keep = ("--appendonly", "yes", "--appendfsync", "always", "--aof-use-rdb-preamble", "no")
    with redis_server(tmp_path, 0, *keep) as (url, _):
        store = RedisStore(url)
        epoch = store.take_over("k").epoch
        for base, fields in enumerate((2, 5_000)):
            written = {b"%d" % number: b"x" for number in range(fields)}
            commit = Commit(
                "k", epoch, b"%d" % base if base else b"", b"1", b"%d" % fields, written
            )
            assert store.commit(commit) is Answer.OK
        assert store.put_together("k", {b"a": b"1", b"b": b"2"}, behind={b"0": b"x"})
        store.close()
    log = b"".join(part.read_bytes() for part in sorted(tmp_path.glob("appendonlydir/*.aof")))
    names = [b"SELECT", b"MULTI", b"EXEC", b"HINCRBY", b"HSET", b"EVALSHA"]
    counts = {name: log.upper().count(b"\r\n" + name + b"\r\n") for name in names}
    assert counts == dict(zip(names, (1, 0, 0, 1, 3, 0), strict=True))


def test_an_unreachable_server_is_told_at_once_without_the_password() -> None:
    """The message has the place to look at and what to look for; whether it is tried again is the caller's affair."""
    port = free_ports(1)[0]
    store = RedisStore(f"redis://me:{PASSWORD}@127.0.0.1:{port}/0", retries=0)
    calls = (
        store.ping,
        store.check,
        lambda: store.take_over("k"),
        lambda: store.commit(Commit("k", 1, b"", b"1", b"id", {})),
        lambda: store.read("k", [b"a"]),
        lambda: store.read_many([("k", [b"a"])]),
        lambda: store.remove("k", 1, [b"a"]),
        lambda: store.put_if_absent("k", b"a", b""),
        lambda: store.put_together("k", {b"a": b""}, behind={}),
        lambda: store.size("k"),
    )
    for call in calls:
        with pytest.raises(StoreUnavailable) as caught:
            call()
        assert f"redis 127.0.0.1:{port}" in str(caught.value)
        assert str(caught.value).endswith("refused; look whether it is up and can write")
        assert PASSWORD not in str(caught.value)
    store.close()


@pytest.mark.parametrize(
    "url", [f"http://:{PASSWORD}@here", f"redis://:{PASSWORD}@here:port", PASSWORD]
)
def test_an_address_that_is_none_is_refused_without_being_repeated(url: str) -> None:
    """The foreign error quotes the address; ours must not, nor chain to it."""
    with pytest.raises(StoreRefused, match=r"redis\.url") as caught:
        RedisStore(url)
    assert PASSWORD not in str(caught.value)
    assert caught.value.__suppress_context__


@pytest.mark.servers
def test_commits_made_together_are_refused_for_a_while_as_one_alone_is(guarded: Redis) -> None:
    """By a server that has too few replicas for now: the worker is to wait, and nothing stored is to be logged."""
    store, commits = RedisStore(url_of(guarded)), two_commits(guarded)
    guarded.config_set("min-replicas-to-write", 1)
    try:
        for together in (commits[:1], commits):
            with pytest.raises(StoreUnavailable, match="NOREPLICAS") as raised:
                store.commit_all(together)
            assert "canary" not in str(raised.value)
    finally:
        guarded.config_set("min-replicas-to-write", 0)
    assert store.commit_all(commits) == [Answer.OK, Answer.OK]
    store.close()


@pytest.mark.servers
def test_a_server_that_comes_back_without_its_scripts_may_be_asked_again(
    guarded: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked for them before commits are made together, and may start anew in between."""
    store, commits = RedisStore(url_of(guarded)), two_commits(guarded)
    load: Any = Pipeline.load_scripts

    def forgotten(pipe: Pipeline) -> None:
        load(pipe)
        guarded.script_flush()

    with monkeypatch.context() as patch:
        patch.setattr(Pipeline, "load_scripts", forgotten)
        with pytest.raises(StoreUnavailable):
            store.commit_all(commits)
    assert store.commit_all(commits) == [Answer.OK, Answer.OK]
    store.close()


def two_commits(admin: Redis) -> list[Commit]:
    """Commits of two keys that were taken over."""
    store, made = RedisStore(url_of(admin)), list[Commit]()
    for _ in range(2):
        key = partition_key("test", uuid4().hex, 0)
        epoch = store.take_over(key).epoch
        made.append(Commit(key, epoch, b"", b"1", b"id", {b"x": b"canary"}))
    store.close()
    return made
