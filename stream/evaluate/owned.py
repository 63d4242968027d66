"""A hash of the store that one worker owns and moves by compare-and-set, with the alerts that wait in it."""

from collections.abc import Mapping, Sequence

from stream.state.store import Answer, Commit, Store, Taken

__all__ = ["DONE", "Owned", "finish"]

DONE = (Answer.OK, Answer.ALREADY)


class Owned:
    """What is known of the hash. After FENCED or CONFLICT its owner drops this object and loads anew.

    `outbox` holds what is committed and not yet acknowledged: field -> CloudEvent bytes, in order. `pending` is a
    commit under way. `epoch` and `base`: as which owner, and from which state, the next commit is made.
    """

    def __init__(self, store: Store, key: str) -> None:
        self.store = store
        self.key = key
        self.outbox: dict[bytes, bytes] = {}
        self.pending: Commit | None = None
        self.epoch = 0
        self.base = b""
        self._commits = 0

    def take_over(self) -> Taken:
        """Own the hash from now on, and give what was committed of it."""
        taken = self.store.take_over(self.key)
        self.epoch, self.base = taken.epoch, taken.base
        self.outbox = _alerts(taken.fields)
        return taken

    def prepare(self, base: bytes, fields: Mapping[bytes, bytes]) -> None:
        """Have a commit under way that moves the hash to another base; `finish` makes it."""
        self._commits += 1
        commit_id = b"%d.%d" % (self.epoch, self._commits)
        self.pending = Commit(self.key, self.epoch, self.base, base, commit_id, fields)

    def settle(self, done: Commit) -> None:
        """Know that the commit under way is done."""
        self.pending = None
        self.base = done.new_base
        self.outbox |= _alerts(done.fields)

    def acknowledge(self, fields: Sequence[bytes]) -> Answer:
        """Take delivered alerts out of the outbox."""
        for field in fields:
            self.outbox.pop(field, None)
        return self.store.remove(self.key, self.epoch, fields) if fields else Answer.OK


def finish(owned: Sequence[Owned]) -> dict[str, Answer]:
    """Make the commits that are under way, of hashes of one store; give the answer to each by its key."""
    pending = [(of, of.pending) for of in owned if of.pending is not None]
    if not pending:
        return {}
    answers = owned[0].store.commit_all([commit for _, commit in pending])
    for (of, commit), answer in zip(pending, answers, strict=True):
        if answer in DONE:
            of.settle(commit)
    return {of.key: answer for (of, _), answer in zip(pending, answers, strict=True)}


def _alerts(fields: Mapping[bytes, bytes]) -> dict[bytes, bytes]:
    return {f: v for f, v in sorted(fields.items()) if f.startswith(b"o:")}
