"""The state store in memory: for one worker, for replays, for tests. It dies with its process."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from threading import Lock

from stream.state.store import (
    BASE,
    COMMIT,
    EPOCH,
    META,
    Answer,
    Commit,
    Taken,
    forbid_meta,
    judge,
)

__all__ = ["MemoryStore"]


class MemoryStore:
    """A `Store` of dictionaries. One lock makes each method atomic; what goes in is copied.

    The hashes look as they do in Redis, meta included, so whatever reads one reads the other.
    """

    def __init__(self) -> None:
        self._hashes: defaultdict[str, dict[bytes, bytes]] = defaultdict(dict)
        self._lock = Lock()

    def take_over(self, key: str) -> Taken:
        """Raise the epoch by one and read the whole hash. Cost: the number of fields."""
        with self._lock:
            kept = self._hashes[key]
            epoch = int(kept.get(EPOCH, b"0")) + 1
            kept[EPOCH] = b"%d" % epoch
            fields = {field: value for field, value in kept.items() if field not in META}
            return Taken(epoch, kept.get(BASE, b""), fields)

    def commit(self, commit: Commit) -> Answer:
        """Write meta and the fields if epoch and base are as said; see `store.judge`."""
        forbid_meta(commit.fields)
        with self._lock:
            answer = judge(self._read(commit.key, META), commit)
            if answer is Answer.OK:
                kept = self._hashes[commit.key]
                kept.update({bytes(field): bytes(value) for field, value in commit.fields.items()})
                kept.update({BASE: bytes(commit.new_base), COMMIT: bytes(commit.commit_id)})
            return answer

    def commit_all(self, commits: Sequence[Commit]) -> list[Answer]:
        """Make commits one after the other."""
        return [self.commit(commit) for commit in commits]

    def read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        """Read some fields at one moment; None where there is none."""
        with self._lock:
            return self._read(key, fields)

    def peek(self, key: str) -> dict[bytes, bytes]:
        """Read the whole hash, meta included."""
        with self._lock:
            return dict(self._hashes.get(key, {}))

    def read_many(self, wants: Sequence[tuple[str, Sequence[bytes]]]) -> list[list[bytes | None]]:
        """Read some fields of several keys."""
        return [self.read(key, fields) for key, fields in wants]

    def remove(
        self, key: str, epoch: int, fields: Sequence[bytes], base: bytes | None = None
    ) -> Answer:
        """Delete fields, if the epoch is current, else FENCED; and the base, if it is given, else CONFLICT."""
        forbid_meta(fields)
        with self._lock:
            if self._read(key, [EPOCH]) != [b"%d" % epoch]:
                return Answer.FENCED
            if base is not None and self._read(key, [BASE]) != [base]:
                return Answer.CONFLICT
            for field in fields:
                self._hashes[key].pop(field, None)
            return Answer.OK

    def put_if_absent(self, key: str, field: bytes, value: bytes) -> bytes:
        """Write a field nobody has written yet; return the value that is there now."""
        forbid_meta([field])
        with self._lock:
            return self._hashes[key].setdefault(bytes(field), bytes(value))

    def put_together(
        self, key: str, fields: Mapping[bytes, bytes], *, behind: Mapping[bytes, bytes]
    ) -> bool:
        """Write fields nobody has written yet, all or none, if what is to be there is."""
        forbid_meta(fields)
        with self._lock:
            kept = self._hashes[key]
            if any(kept.get(field) != value for field, value in behind.items()) or any(
                kept.get(field, value) != value for field, value in fields.items()
            ):
                return False
            kept.update({bytes(field): bytes(value) for field, value in fields.items()})
            return True

    def size(self, key: str) -> int:
        """Tell the bytes of all names and values of a key, 0 if none."""
        with self._lock:
            kept = self._hashes.get(key, {})
            return sum(len(field) + len(value) for field, value in kept.items())

    def ping(self) -> None:
        """Return: memory is always there."""

    def close(self) -> None:
        """Do nothing: the state ends with the object."""

    def _read(self, key: str, fields: Sequence[bytes]) -> list[bytes | None]:
        kept = self._hashes.get(key, {})
        return [kept.get(field) for field in fields]
