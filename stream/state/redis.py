"""The state store in Redis (7 or newer, or Valkey): one hash a key, one write command a commit.

Why one write command: a script or a transaction of several writes reaches the append-only file as
several commands, and a crash can tear them; one HSET is there or is not. A script compares and
writes in one round trip. Lua can hand no more than about 8,000 values to a command, so a commit of
more than `SCRIPT_FIELDS_MAX` fields goes another way: the meta fields are watched and compared
here, and the same single HSET is sent in a transaction that fails if the hash was touched in
between. It takes three round trips and has no limit of fields; such commits are rare (the first of
a big state, a replay of history).

The synchronous client is used on purpose: cancelled asynchronous calls have returned other callers'
replies (CVE-2023-28858, CVE-2023-28859). Every exception of the client stops here and comes out as
`StoreUnavailable` or `StoreRefused`; no message has a password in it.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from redis import Redis
from redis.backoff import ExponentialBackoff
from redis.exceptions import (
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    NoScriptError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    TryAgainError,
    WatchError,
)
from redis.exceptions import ConnectionError as NoConnection
from redis.exceptions import TimeoutError as NoReply
from redis.retry import Retry

from stream.errors import StoreRefused, StoreUnavailable
from stream.state.store import BASE, COMMIT, EPOCH, META, Answer, Commit, Taken, forbid_meta, judge

__all__ = ["SCRIPT_FIELDS_MAX", "RedisStore"]

SCRIPT_FIELDS_MAX = 3_500
"""Fields that one script passes on, two values each: well below Lua's limit of about 8,000."""

_TAKE_OVER = """#!lua
redis.call('HINCRBY', KEYS[1], 'epoch', 1)
return redis.call('HGETALL', KEYS[1])
"""

# The same comparison as `store.judge`. ARGV: the base, then names and values as HSET takes them,
# those of epoch, base and commit first.
_COMMIT = """#!lua
local have = redis.call('HMGET', KEYS[1], 'epoch', 'base', 'commit')
if have[1] ~= ARGV[3] then return 'FENCED' end
if have[2] == ARGV[5] and have[3] == ARGV[7] then return 'ALREADY' end
if (have[2] or '') ~= ARGV[1] then return 'CONFLICT' end
redis.call('HSET', KEYS[1], unpack(ARGV, 2))
return 'OK'
"""

_REMOVE = """#!lua
local have = redis.call('HMGET', KEYS[1], 'epoch', 'base')
if have[1] ~= ARGV[1] then return 'FENCED' end
if ARGV[2] == 'at' and have[2] ~= ARGV[3] then return 'CONFLICT' end
if #ARGV > 3 then redis.call('HDEL', KEYS[1], unpack(ARGV, 4)) end
return 'OK'
"""

_PUT_IF_ABSENT = """#!lua
redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])
return redis.call('HGET', KEYS[1], ARGV[1])
"""

# ARGV: how many fields are to be there already, then names and values, theirs first.
_PUT_TOGETHER = """#!lua
local names, writes = {}, {}
for i = 2, #ARGV, 2 do names[#names + 1] = ARGV[i] end
local have = redis.call('HMGET', KEYS[1], unpack(names))
for i, name in ipairs(names) do
  local value = ARGV[2 * i + 1]
  if have[i] and have[i] ~= value then return 0 end
  if not have[i] then
    if i <= tonumber(ARGV[1]) then return 0 end
    writes[#writes + 1] = name
    writes[#writes + 1] = value
  end
end
if #writes > 0 then redis.call('HSET', KEYS[1], unpack(writes)) end
return 1
"""

_REFUSED = (AuthenticationError, AuthorizationError)
_PASSING = (
    NoConnection,
    NoReply,
    OSError,
    BusyLoadingError,
    ClusterDownError,
    ExecAbortError,
    NoScriptError,  # of a pipeline, when the server came back without the scripts it had just told of
    OutOfMemoryError,
    ReadOnlyError,
    TryAgainError,
    WatchError,
)
_PASSING_CODES = ("BUSY", "MISCONF", "NOREPLICAS", "UNBLOCKED")


class RedisStore:
    """A `Store` in Redis. Connects at the first call; one connection a thread, from a pool.

    Args:
        url: redis://, rediss:// (certificate verified) or unix://, user and password within.
        connect_timeout_s: longest wait for a connection.
        timeout_s: longest silence of the server within one call.
        retries: how often a call is tried again at once; waiting longer is the caller's affair.

    Raises:
        StoreRefused: the address cannot be understood.
    """

    def __init__(
        self,
        url: str,
        *,
        connect_timeout_s: float = 2.0,
        timeout_s: float = 5.0,
        retries: int = 2,
    ) -> None:
        try:
            # Any: the client's own annotations mix the synchronous and asynchronous answers.
            self._redis: Any = Redis.from_url(
                url,
                socket_connect_timeout=connect_timeout_s,
                socket_timeout=timeout_s,
                retry=Retry(ExponentialBackoff(cap=0.5, base=0.05), retries),
            )
        except ValueError:
            # Not chained: the foreign message quotes the address, and with it the password.
            raise StoreRefused(
                "the address cannot be understood", "redis.url", "write redis://host:6379/0"
            ) from None
        place = self._redis.connection_pool.connection_kwargs
        self._password = place.get("password")
        self._where = "redis " + str(
            place.get("path") or f"{place.get('host', 'localhost')}:{place.get('port', 6379)}"
        )
        self._take_over = self._redis.register_script(_TAKE_OVER)
        self._commit = self._redis.register_script(_COMMIT)
        self._remove = self._redis.register_script(_REMOVE)
        self._put_if_absent = self._redis.register_script(_PUT_IF_ABSENT)
        self._put_together = self._redis.register_script(_PUT_TOGETHER)

    def check(self) -> None:
        """Refuse a server that could lose state by its own settings or that is too old.

        Raises:
            StoreRefused: `maxmemory-policy` is not noeviction, or the version is below 7.
            StoreUnavailable: it cannot be reached.
        """
        info = self._ask("INFO")
        policy = info.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise StoreRefused(
                f"maxmemory-policy is {policy}: Redis would throw state away when memory is short",
                self._where,
                "set it to noeviction",
            )
        version = str(info.get("redis_version", "0"))
        if int(version.partition(".")[0]) < 7:
            raise StoreRefused(f"Redis {version} is too old", self._where, "use 7.0 or newer")

    def take_over(self, key: str) -> Taken:
        """Raise the epoch by one and read the whole hash, in one script."""
        with self._border():
            flat = self._take_over(keys=[key])
        kept = dict(zip(flat[::2], flat[1::2], strict=True))
        epoch, base = int(kept[EPOCH]), kept.get(BASE, b"")
        return Taken(epoch, base, {name: kept[name] for name in kept if name not in META})

    def commit(self, commit: Commit) -> Answer:
        """Write meta and the fields by one HSET if `store.judge` lets it pass."""
        forbid_meta(commit.fields)
        with self._border():
            if len(commit.fields) > SCRIPT_FIELDS_MAX:
                return self._commit_watching(commit)
            args = [commit.base, *_writes(commit)]
            return Answer(self._commit(keys=[commit.key], args=args).decode())

    def commit_all(self, commits: Sequence[Commit]) -> list[Answer]:
        """Make those that a script can pass on in one round trip, behind one in which the client asks for the script.

        Each of the others is made alone.
        """
        small = [commit for commit in commits if len(commit.fields) <= SCRIPT_FIELDS_MAX]
        if len(small) < 2:
            return [self.commit(commit) for commit in commits]
        for commit in small:
            forbid_meta(commit.fields)
        with self._border(), self._redis.pipeline(transaction=False) as pipe:
            for commit in small:
                args = [commit.base, *_writes(commit)]
                self._commit(keys=[commit.key], args=args, client=pipe)
            told = iter(_answers(pipe))
        return [
            Answer(next(told).decode())
            if len(commit.fields) <= SCRIPT_FIELDS_MAX
            else self.commit(commit)
            for commit in commits
        ]

    def _commit_watching(self, commit: Commit) -> Answer:
        """Commit more fields than a script can pass on.

        A hash touched in between is a `WatchError`, so `StoreUnavailable`: the caller tries again
        and is then judged by what is there.
        """
        with self._redis.pipeline() as pipe:
            pipe.watch(commit.key)
            stored: list[bytes | None] = pipe.execute_command("HMGET", commit.key, *META)
            answer = judge(stored, commit)
            if answer is Answer.OK:
                pipe.multi()
                pipe.execute_command("HSET", commit.key, *_writes(commit))
                pipe.execute()
            return answer

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        """Read some fields at one moment; None where there is none."""
        found: list[bytes | None] = self._ask("HMGET", key, *fields) if fields else []
        return found

    def peek(self, key: str) -> dict[bytes, bytes]:
        """Read the whole hash at one moment, meta included."""
        found: dict[bytes, bytes] = self._ask("HGETALL", key)
        return found

    def read_many(self, wants: Sequence[tuple[str, Sequence[bytes]]]) -> list[list[bytes | None]]:
        """Read some fields of several keys in one round trip."""
        with self._border(), self._redis.pipeline(transaction=False) as pipe:
            for key, fields in wants:
                if fields:
                    pipe.execute_command("HMGET", key, *fields)
            found = iter(_answers(pipe))
        return [next(found) if fields else [] for _, fields in wants]

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        """Delete fields, if epoch and base are as said, see `Store`; many go in several scripts."""
        forbid_meta(fields)
        where = [b"anywhere", b""] if base is None else [b"at", base]
        answer = Answer.OK
        for start in range(0, max(1, len(fields)), SCRIPT_FIELDS_MAX):
            part = fields[start : start + SCRIPT_FIELDS_MAX]
            with self._border():
                answer = Answer(self._remove(keys=[key], args=[epoch, *where, *part]).decode())
            if answer is not Answer.OK:
                break
        return answer

    def put_if_absent(self, key: str, field: bytes, value: bytes) -> bytes:
        """Write a field nobody has written yet; return the value that is there now."""
        forbid_meta([field])
        with self._border():
            there: bytes = self._put_if_absent(keys=[key], args=[field, value])
        return there

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        """Write fields nobody has written yet by one HSET, all or none, if what is to be there is; see `Store`."""
        forbid_meta(fields)
        args = [part for each in (behind, fields) for item in each.items() for part in item]
        with self._border():
            return bool(not fields or self._put_together(keys=[key], args=[len(behind), *args]))

    def size(self, key: str) -> int:
        """Tell the bytes Redis uses for a key, its own overhead included, 0 if none."""
        return self._ask("MEMORY", "USAGE", key, "SAMPLES", 0) or 0

    def ping(self) -> None:
        """Return if the server answers and can write to its disk."""
        self._ask("PING")

    def close(self) -> None:
        """Close the pool's connections."""
        with self._border():
            self._redis.close()

    def _ask(self, *command: str | bytes | int) -> Any:
        with self._border():
            return self._redis.execute_command(*command)

    @contextmanager
    def _border(self) -> Iterator[None]:
        """Turn what the client raises into our two errors: what may pass, and what will not."""
        try:
            yield
        except (RedisError, OSError) as error:
            told = str(error)
            if self._password:
                told = told.replace(self._password, "***")
            passing = isinstance(error, _PASSING) or told.startswith(_PASSING_CODES)
            if passing and not isinstance(error, _REFUSED):
                todo = "look whether it is up and can write"  # who tries again says so himself
                raise StoreUnavailable(told.rstrip("."), self._where, todo) from error
            raise StoreRefused(
                told, self._where, "check redis.url, the user's rights and the server"
            ) from error


def _answers(pipe: Any) -> list[Any]:
    """Send what a pipeline holds; where a command failed, raise its error as of one sent alone.

    The client would put the command before it: what is stored into the log, and the code out of its place.
    """
    answers: list[Any] = pipe.execute(raise_on_error=False)
    for answer in answers:
        if isinstance(answer, RedisError):
            raise answer
    return answers


def _writes(commit: Commit) -> list[bytes]:
    """List names and values as HSET takes them: meta first, where the script looks for it."""
    writes = [EPOCH, b"%d" % commit.epoch, BASE, commit.new_base, COMMIT, commit.commit_id]
    for field, value in commit.fields.items():
        writes += (field, value)
    return writes
