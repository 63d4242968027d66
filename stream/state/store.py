"""The contract of the state store: one hash a key, owned by an epoch, moved by compare-and-set.

A key holds fields and three of meta: `epoch` (who may write), `base` (how far the log is folded)
and `commit` (the id of the last commit). An owner takes a key over, folds, and commits; each commit
says from which base to which base it goes, so the commits of a key form one chain, and state and
base move together.

    take_over -> (epoch, base, fields)        the one before is fenced from here on
    commit    -> OK | ALREADY | FENCED | CONFLICT
                 on FENCED and CONFLICT: drop what is in memory, reload, fold again from the base
    remove    -> OK | FENCED | CONFLICT       later, apart from commits, as often as one likes

Every method may raise `StoreUnavailable` (try again: all of them are idempotent, but that
`take_over` may skip an epoch) or `StoreRefused` (trying again will not help). Both implementations
obey one suite of tests.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from hashlib import blake2b
from typing import NamedTuple, Protocol

__all__ = [
    "BASE",
    "COMMIT",
    "EPOCH",
    "META",
    "Answer",
    "Commit",
    "Store",
    "Taken",
    "fleet_key",
    "forbid_meta",
    "judge",
    "model_key",
    "models_key",
    "partition_key",
]

EPOCH, BASE, COMMIT = META = (b"epoch", b"base", b"commit")
"""The fields of meta. Only `take_over` and `commit` write them; they are read like others."""


class Answer(Enum):
    """What a store says of a commit or a removal."""

    OK = "OK"
    """Done, whole."""
    ALREADY = "ALREADY"
    """This very commit had been done before: its first answer was lost on the way."""
    FENCED = "FENCED"
    """Someone else has taken the key over (or the store has lost it)."""
    CONFLICT = "CONFLICT"
    """The store is not at the base the commit starts from: it went back in time, or we did."""


class Taken(NamedTuple):
    """A key just taken over: the new epoch, the stored base, and all fields but those of meta.

    The base of a key never written is b"".
    """

    epoch: int
    base: bytes
    fields: dict[bytes, bytes]


class Commit(NamedTuple):
    """One step of a key from `base` to `new_base`; fields that are not named stay as they are.

    The two bases may be equal (a recorded idle tick moves no offset). `commit_id` tells this step
    from every other one of the key; a retry carries the same id.
    """

    key: str
    epoch: int
    base: bytes
    new_base: bytes
    commit_id: bytes
    fields: Mapping[bytes, bytes]


class Store(Protocol):
    """Where state is kept. Safe to use from several threads."""

    def take_over(self, key: str) -> Taken:
        """Raise the epoch by one and read the whole hash, in one atomic step. Cost: its size."""
        ...

    def commit(self, commit: Commit) -> Answer:
        """Write meta and the fields, wholly or not at all, if `judge` lets the commit pass.

        Raises:
            ValueError: a field has the name of one of meta.
        """
        ...

    def commit_all(self, commits: Sequence[Commit]) -> list[Answer]:
        """Make commits of several keys in one round trip, each by itself: what becomes of one is nothing to the others.

        Where an error is raised some may be done, as if each had been made alone, in any order.
        """
        ...

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        """Read some fields at one moment; None where there is none."""
        ...

    def peek(self, key: str) -> dict[bytes, bytes]:
        """Read the whole hash at one moment, meta included, and take nothing over. Cost: its size."""
        ...

    def read_many(self, wants: Sequence[tuple[str, Sequence[bytes]]]) -> list[list[bytes | None]]:
        """Read some fields of several keys in one round trip; each key at one moment of its own."""
        ...

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        """Delete fields, if the epoch is current, else FENCED. What is absent is no error.

        With `base`, also only if the key stands there, else CONFLICT: what a state has no use for, an earlier one,
        to which the store has gone back meanwhile, may need.

        Not atomic: of a removal cut short a part is done, and doing it again finishes it.

        Raises:
            ValueError: a field has the name of one of meta.
        """
        ...

    def put_if_absent(self, key: str, field: bytes, value: bytes) -> bytes:
        """Write a field nobody has written yet, whatever the epoch; return what is there now.

        Raises:
            ValueError: the field has the name of one of meta.
        """
        ...

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        """Write fields nobody has written yet, whatever the epoch, all of them or none.

        False, and nothing is done, where one of them holds another value, or what is to be there (`behind`) is not.
        For a thousand fields at most. Doing it again is harmless.

        Raises:
            ValueError: a field has the name of one of meta.
        """
        ...

    def size(self, key: str) -> int:
        """Tell the bytes kept for a key, 0 if none. Cost: the number of fields."""
        ...

    def ping(self) -> None:
        """Return if the store answers, else raise `StoreUnavailable`."""
        ...

    def close(self) -> None:
        """Give connections back. Closing twice is fine."""
        ...


def judge(stored: Sequence[bytes | None], commit: Commit) -> Answer:
    """Compare a commit with the stored (epoch, base, commit id), in an order that is safe to retry.

    1. Another epoch, or none: FENCED, before anything else, so that a zombie learns that it is one.
    2. The commit is the one already there: ALREADY, before its old base is seen to be gone.
    3. Another base: CONFLICT.

    >>> step = Commit("k", 1, b"10", b"20", b"id", {})
    >>> judge((b"1", b"10", b"older"), step), judge((b"1", b"20", b"id"), step)
    (<Answer.OK: 'OK'>, <Answer.ALREADY: 'ALREADY'>)
    """
    epoch, base, commit_id = stored
    if epoch != b"%d" % commit.epoch:
        return Answer.FENCED
    if base == commit.new_base and commit_id == commit.commit_id:
        return Answer.ALREADY
    if (base or b"") != commit.base:
        return Answer.CONFLICT
    return Answer.OK


def forbid_meta(fields: Iterable[bytes]) -> None:
    """Raise ValueError when a caller's field has the name of one of meta."""
    for field in fields:
        if field in META:
            raise ValueError(f"the field {field!r} is kept by the store itself")


def partition_key(app: str, topic: str, partition: int) -> str:
    """Name the hash of one source partition. The braces make it one slot of a Redis cluster.

    >>> partition_key("driftbus", "features", 3)
    '{driftbus:src:features:3}'
    """
    return f"{{{_plain(app)}:src:{_plain(topic)}:{partition}}}"


def model_key(app: str, model: str) -> str:
    """Name the hash of one model. A model's name comes from events, so it is hashed, never pasted.

    >>> model_key("driftbus", "fraud")
    '{driftbus:model:f2a25935131a2e95998a3b2c2928757a}'
    """
    return f"{{{_plain(app)}:model:{blake2b(model.encode(), digest_size=16).hexdigest()}}}"


def models_key(app: str) -> str:
    """Name the hash of what several models have told together.

    >>> models_key("driftbus")
    '{driftbus:models}'
    """
    return f"{{{_plain(app)}:models}}"


def fleet_key(app: str) -> str:
    """Name the hash of what all models share: references and the fleet plan.

    >>> fleet_key("driftbus")
    '{driftbus:fleet}'
    """
    return f"{{{_plain(app)}:fleet}}"


def _plain(name: str) -> str:
    """Pass a name made of the characters of a Kafka topic's name, so that keys cannot collide."""
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise ValueError(
            f"{name!r} cannot be part of a key: letters, digits, '.', '_' and '-' only"
        )
    return name
