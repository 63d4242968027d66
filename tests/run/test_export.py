"""The canonical export: the same state, the same bytes; whatever differs is told by its name; and it can be moved."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from stream.config import Config, from_text
from stream.errors import FileError
from stream.evaluate.evaluator import Evaluator
from stream.files import FileEvent
from stream.ingest.ingest import Ingest
from stream.ingest.partition import read_marks
from stream.ingest.raw import RawBatch, Source
from stream.reference.fleet import Fleet
from stream.reference.plans import Plans
from stream.run.copies.diff import Difference, differences
from stream.run.copies.export import Export, canonical, read_export, write_export
from stream.run.copies.merged import merged
from stream.run.copies.plainly import plainly
from stream.run.copies.restore import restore
from stream.run.copies.show import state_told
from stream.run.fleet.census import take_cut
from stream.run.fleet.rules import fold_rules, model_rules, plan_rules
from stream.run.offline.replay import Replay
from stream.state.kept import key_of, model_of
from stream.state.memory import MemoryStore
from stream.words import INPUTS
from tests.cli.command import SETTINGS, START, events, rows

SOURCES = [Source(kind, kind.value, partition) for kind in INPUTS for partition in range(2)]
KINDS = {kind.value: kind for kind in INPUTS}
TEXT = SETTINGS.replace("700", "150") + "lateness: 10s\n"
CONFIG = from_text(TEXT, {})
MINUTE = 60_000


def made_events() -> list[list[FileEvent]]:
    """Make half an hour of three kinds; the last moment is the same on all partitions. By partition."""
    made = rows(0.5, 0.3)
    made = [*made[:-2], *(dict(row) | {"ts": made[-1]["ts"]} for row in made[-2:])]
    told: list[list[FileEvent]] = [[], []]
    for i, row in enumerate(made):
        for kind, value in zip(INPUTS, events([row]), strict=True):
            told[i % 2].append(FileEvent(kind, int(str(row["ts"])), value))
    return told


EVENTS = made_events()


class Work:
    """What workers do, on a store of its own: portions of each partition, evaluated and cleaned in between or not."""

    def __init__(self, config: Config = CONFIG) -> None:
        self.config = config
        self.store = MemoryStore()
        self.fleet = Fleet(self.store, config.app)
        self.ingest = Ingest(self.store, config.app, fold_rules(config), self.fleet)
        for source in SOURCES:
            self.ingest.take_over(source)
        plans = Plans(self.store, config.app, self.fleet, plan_rules(config))
        self.evaluator = Evaluator(
            self.store, config.app, "m", model_rules(config), self.fleet, plans, config.lateness_ms, SOURCES
        )  # fmt: skip
        self.evaluator.load()

    def fold(self, portion: int) -> None:
        """Fold the next so many events of every partition."""
        for source in SOURCES:
            own = [e.value for e in EVENTS[source.partition] if e.kind is source.kind]
            first = self.ingest.partitions[source].fold_state.next_offset
            values = own[first : first + portion]
            offsets = np.arange(first, first + len(values), dtype=np.int64)
            self.ingest.fold(RawBatch(source, values, offsets, None))
            self.ingest.commit(source)

    def evaluate(self, *, clean: bool) -> None:
        """Evaluate what has closed; take its alerts as delivered."""
        self.evaluator.step(read_marks(self.store, self.config.app, SOURCES))
        self.evaluator.acknowledge(list(self.evaluator.outbox))
        if clean:
            self.ingest.clean({k: {"m": self.evaluator.evaluated(k)} for k in INPUTS}, 0)

    def export(self) -> Export:
        """Give the canonical state."""
        return canonical(take_cut(self.config, self.store), KINDS)


def whole(portions: Sequence[tuple[int, bool, bool]] = ()) -> Work:
    """Work through everything in portions: how many, whether to evaluate, whether to clean; then the rest."""
    work = Work()
    for size, evaluate, clean in portions:
        work.fold(size)
        if evaluate:
            work.evaluate(clean=clean)
    work.fold(10_000)
    work.evaluate(clean=False)
    return work


@cache
def expected() -> Work:
    """Give what worked through everything in one go; tests leave it as it is."""
    return whole()


@given(st.lists(st.tuples(st.integers(1, 80), st.booleans(), st.booleans()), max_size=6))
@settings(max_examples=10, phases=[Phase.generate])
def test_the_same_events_give_the_same_bytes_however_they_came(
    tmp_path_factory: pytest.TempPathFactory, portions: list[tuple[int, bool, bool]]
) -> None:
    """In whatever portions, cleaned up or not, taken over how often: epochs and commits are no part of it."""
    folder = tmp_path_factory.mktemp("exports")
    one = write_export(folder / "one", expected().export())
    work = whole(portions)
    work.store.take_over(key_of(CONFIG.app, model_of("m")))
    other = write_export(folder / "other", work.export())
    assert (folder / "one").read_bytes() == (folder / "other").read_bytes()
    assert one == other


def test_a_deletion_that_was_lost_changes_nothing() -> None:
    """Rows and learned values that count for nothing are left out, as a load leaves them out."""
    work = whole()
    key = key_of(CONFIG.app, model_of("m"))
    for field in (b"w:5", b"l:0123456789abcdef:features:3"):
        work.store.put_if_absent(key, field, b"what was forgotten")
    assert work.export() == expected().export()


def test_an_export_restores_to_the_state_it_was_made_of(tmp_path: Path) -> None:
    """Under another app, too: what is moved goes on where it stood."""
    write_export(tmp_path / "a", expected().export())
    store, moved = MemoryStore(), from_text(TEXT + "app: elsewhere", {})
    restore(moved, store, read_export(tmp_path / "a").hashes, 0, force=False)
    again = canonical(take_cut(moved, store), KINDS)
    assert again == expected().export()
    told, wanted = state_told(moved, store), state_told(CONFIG, expected().store)
    for one, other in zip(told["models"], wanted["models"], strict=True):
        assert {k: v for k, v in one.items() if k != "bytes"} == {
            k: v for k, v in other.items() if k != "bytes"
        }


def test_a_replay_ends_in_the_state_of_any_partitions_that_have_come_as_far() -> None:
    """As the models see it: windows, incidents, waiting rows, open panes, references."""
    replay = Replay(CONFIG, [], lambda letters: pytest.fail(str(letters)))
    in_order = sorted((e for of in EVENTS for e in of), key=lambda e: e.ts)
    for _ in replay.feed(in_order):
        pass
    replay.finish(flush=False)
    one, other = replay.state(), expected().export()
    found = list(differences(merged(one.hashes, one.kinds), merged(other.hashes, other.kinds)))
    assert found == []
    assert list(differences(plainly(one.hashes), plainly(other.hashes)))
    names = " ".join(merged(one.hashes, one.kinds))
    for what in ("features pane", "chain 1 errors", "waiting", "result", "fleet reference", "rows"):
        assert what in names


def test_a_replay_that_came_less_far_differs_and_is_told_where() -> None:
    """By name, with both values; nothing is told twice."""
    replay = Replay(CONFIG, [], lambda letters: pytest.fail(str(letters)))
    in_order = sorted((e for of in EVENTS for e in of), key=lambda e: e.ts)
    for _ in replay.feed(in_order[:-300]):
        pass
    replay.finish(flush=False)
    one, other = replay.state(), expected().export()
    found = list(differences(merged(one.hashes, one.kinds), merged(other.hashes, other.kinds)))
    assert len({difference.path for difference in found}) == len(found)
    told = {difference.path: difference for difference in found}
    last = in_order[-301].ts
    assert told["features watermark"].one == str(last)
    assert told["features watermark"].other == str(in_order[-1].ts)
    assert told["model m evaluated"].place == "errors"


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        ({"a": 1}, {"a": 1}, []),
        ({"a": float("nan")}, {"a": float("nan")}, []),
        ({"a": 1}, {"b": 2}, [("a", "", "1", "(absent)"), ("b", "", "(absent)", "2")]),
        ({"a": [1, {"x": [2, 3]}]}, {"a": [1, {"x": [2, 4]}]}, [("a", "[1].x[1]", "3", "4")]),
        ({"a": [1, 2]}, {"a": [1]}, [("a", "", "2 items", "1 items")]),
        ({"a": True}, {"a": 1}, [("a", "", "true", "1")]),
        ({"a": {"k": 1}}, {"a": {}}, [("a", "k", "1", "(absent)")]),
    ],
)
def test_the_first_place_that_differs_is_told_of_each_thing(
    one: dict[str, object], other: dict[str, object], found: list[tuple[str, str, str, str]]
) -> None:
    """With what each side has there."""
    assert list(differences(one, other)) == [Difference(*told) for told in found]


def test_a_file_that_is_no_whole_export_is_refused(tmp_path: Path) -> None:
    """Cut anywhere, damaged anywhere, or something else: one line that names it, and bounded memory."""
    path = tmp_path / "a"
    write_export(path, expected().export())
    good = path.read_bytes()
    head = good.index(b"\n", good.index(b"\n") + 1) + 1
    hostile = good[:head] + b"\xff\xff\xff\xff" + b"x" * 50
    broken = [good[:cut] for cut in (0, 5, 20, head + 2, head + 100, len(good) - 1)]
    broken += [b"something else", hostile, good[: head - 1] + b"}" + good[head:]]
    broken += [good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :] for at in range(head, 900, 31)]
    for content in broken:
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"is no export of the state \(.+driftbus state export"):
            read_export(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_export(tmp_path / "missing")
    with pytest.raises(FileError, match="cannot be written"):
        write_export(tmp_path / "no" / "folder", expected().export())


def test_what_is_kept_is_told_of_every_partition_and_model() -> None:
    """Offsets, times, counts and sizes; nothing is changed by looking."""
    before = dict(expected().store._hashes)
    told = state_told(CONFIG, expected().store)
    assert dict(expected().store._hashes) == before
    features = [p for p in told["partitions"] if p["topic"] == "features"]
    assert [(p["partition"], p["offset"], p["events"]) for p in features] == [(0, 180, 180)] * 1 + [
        (1, 180, 180)
    ]
    assert len(told["partitions"]) == 6
    (model,) = told["models"]
    assert (model["model"], model["chains"] + model["learning"], model["outbox"]) == ("m", 4, 0)
    assert model["waiting"] > 0
    assert told["bytes"] == sum(
        expected().store.size(key) for key in before if ":fleet" in key
    ) + sum(entry["bytes"] for entry in [*told["partitions"], *told["models"]])
    assert told["copies"] == {"number": 0, "newest": None}
    assert START < in_ms(model["evaluated"]["features"]) < START + 30 * MINUTE


def in_ms(text: str) -> int:
    """Read a time that was told."""
    return int(np.datetime64(text.removesuffix("Z"), "ms").astype(np.int64))
