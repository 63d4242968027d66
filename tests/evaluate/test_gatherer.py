"""What several models tell is a fact of the log: however the gatherer, the models and the store come to it."""

import copy
from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any

import pytest

from sinks.event import DriftEvent, parse
from stream.evaluate.gatherer import Gatherer, gathered_upto
from stream.evaluate.movers import ENDS_MAX, Movers, read_moved
from stream.evaluate.telling.roll_up import RollUp
from stream.ingest.fold import NEVER, Counters
from stream.ingest.partition import Marks
from stream.ingest.raw import Source
from stream.state.fields import MOVED, MOVERS
from stream.state.memory import MemoryStore
from stream.state.store import Answer, Commit, model_key, models_key
from stream.state.versions import dump, load
from stream.words import Kind

APP, PANE, LATENESS = "t", 1_000, 500
FEATURES = Source(Kind.FEATURES, "features", 0)
Ends = Mapping[str, Sequence[tuple[int, str]]]
"""For each model the windows' ends, in panes, at which one of its columns moved."""


def rolled(model: str, end: int, column: str) -> RollUp:
    """Make what a model's window has come to: one column started."""
    data: dict[str, object] = {
        "schema": "driftbus.alert/1", "baseline": {}, "sample": {}, "false_alarm": {}, "onset": {}, "replay": [],
        "window": {"end": end, "watermark": "now", "late_dropped": 9}, "kind": "data_drift", "severity": "warning",
        "segment": {}, "recommendation": {}, "detector": {"name": "roll_up"}, "score": {"effect": 1.0},
        "explain": {
            "columns": [column], "segments": [{"segment": {}, "columns": [column], "n": 1, "effect": 1.0}],
            "causes": {"population shift": 1}, "cause_hint": "population shift",
        },
    }  # fmt: skip
    event = DriftEvent(
        f"{model}/{end}/{column}", end * PANE, model, "1", {}, column, "x", "started", "warning", "data_drift", data
    )  # fmt: skip
    return RollUp(event, [event], is_new=True, is_told=False)


class World:
    """A store, models that move in it as they are told, and a gatherer that others may replace."""

    def __init__(self, ends: Ends) -> None:
        self.ends = ends
        self.store = MemoryStore()
        self.bases = dict.fromkeys(ends, NEVER)
        self.epochs = {name: self.store.take_over(model_key(APP, name)).epoch for name in ends}
        self.told: dict[str, DriftEvent] = {}
        self.repeats = 0
        self.gatherer = self.heir()

    def heir(self) -> Gatherer:
        """Make a gatherer that takes over."""
        made = Gatherer(self.store, APP, PANE, LATENESS)
        made.load()
        return made

    def evaluate(self, name: str, until: int) -> None:
        """Let a model be evaluated up to a pane, in one commit."""
        self.bases[name] = until
        movers = Movers()
        for end, column in self.ends[name]:
            if end <= until:
                movers.note(Kind.FEATURES, rolled(name, end, column))
        base = b",".join(b"%d" % (until if kind is Kind.FEATURES else NEVER) for kind in Kind)
        fields = {MOVERS: dump("movers", movers.payload()), MOVED: movers.moved()}
        key = model_key(APP, name)
        (now,) = self.store.read(key, [b"base"])
        step = b"%d" % until
        answer = self.store.commit(Commit(key, self.epochs[name], now or b"", base, step, fields))
        assert answer in (Answer.OK, Answer.ALREADY)

    def marks(self, closed: int, names: Iterable[str]) -> dict[Source, Marks | None]:
        """Make marks that have closed the panes before one, and name models."""
        return {
            FEATURES: Marks(closed * PANE + LATENESS, False, Counters(seen=1), tuple(sorted(names)))
        }

    def gather(self, closed: int, names: Iterable[str] | None = None) -> Answer:
        """Step the gatherer, and deliver what it tells."""
        marks = self.marks(closed, self.ends if names is None else names)
        answer = self.gatherer.step(marks)
        if answer not in (Answer.OK, Answer.ALREADY):
            self.gatherer = self.heir()
            return answer
        for event in map(parse, self.gatherer.outbox.values()):
            self.repeats += event.id in self.told
            assert self.told.setdefault(event.id, event).data["members"] == event.data["members"]
        self.gatherer.acknowledge(list(self.gatherer.outbox))
        return answer

    def members(self) -> list[object]:
        """Give the members of all events told, in order of time."""
        return [
            e.data["members"] for e in sorted(self.told.values(), key=lambda e: (e.time_ms, e.id))
        ]


TWO: Ends = {"a": [(10, "x"), (30, "x")], "b": [(10, "x"), (20, "x"), (30, "x")]}


def test_nothing_is_told_before_the_slowest_model_has_come_as_far() -> None:
    """Nor of an end that only it has not passed yet."""
    world = World(TWO)
    world.evaluate("a", 40)
    world.gather(40)
    world.evaluate("b", 9)
    world.gather(40)
    assert world.members() == []
    world.evaluate("b", 10)
    world.gather(40)
    assert world.members() == [["a/10/x", "b/10/x"]]
    world.evaluate("b", 40)
    world.gather(40)
    assert world.members() == [["a/10/x", "b/10/x"], ["a/30/x", "b/30/x"]]


def test_a_model_that_marks_name_and_that_was_never_evaluated_is_waited_for() -> None:
    world = World({**TWO, "c": [(10, "x")]})
    world.evaluate("a", 40)
    world.evaluate("b", 40)
    world.gather(40)
    assert world.members() == []
    world.evaluate("c", 40)
    world.gather(40)
    assert world.members()[0] == ["a/10/x", "b/10/x", "c/10/x"]


def test_one_that_older_marks_do_not_name_yet_is_not_missed() -> None:
    """The models are further than the marks that were read: of what these have not closed, nobody knows all models."""
    world = World({**TWO, "late": [(30, "x")]})
    for name in world.ends:
        world.evaluate(name, 40)
    world.gather(25, ["a", "b"])
    assert world.members() == [["a/10/x", "b/10/x"]]
    world.gather(40)
    assert world.members()[1] == ["a/30/x", "b/30/x", "late/30/x"]


def test_where_nothing_moved_nothing_is_written_and_where_all_is_gathered_nobody_is_asked() -> None:
    world = World({"a": [(10, "x")], "b": []})
    world.evaluate("a", 9)
    world.evaluate("b", 9)
    world.gather(9)
    assert models_key(APP) not in {k for k, v in world.store._hashes.items() if b"base" in v}
    marks = world.marks(20, world.ends)
    assert world.gatherer.is_settled(world.marks(9, world.ends))
    assert not world.gatherer.is_settled(marks)
    world.evaluate("a", 20)
    world.gather(20)
    assert not world.gatherer.is_settled(marks), "b is behind"
    world.evaluate("b", 20)
    world.gather(20)
    assert world.gatherer.is_settled(marks)
    assert world.members() == []
    assert gathered_upto(world.store.peek(models_key(APP))[b"base"])[Kind.FEATURES] == 10 * PANE


@pytest.mark.parametrize("seed", range(40))
def test_any_portions_of_any_models_in_any_order_tell_the_same(seed: int) -> None:
    """With gatherers that die, stores that go back in time, and models that begin later than others."""
    random = Random(seed)  # noqa: S311 - a world to try with
    names = [f"m{i}" for i in range(random.choice((3, 4, 6)))]
    begins = {name: random.choice((0, 0, 40)) for name in names}
    ends: Ends = {
        name: [
            (end, random.choice("xy"))
            for end in range(begins[name] + 10, 101, 10)
            if random.random() < 0.7
        ]
        for name in names
    }
    should = World(ends)
    for name in names:
        should.evaluate(name, 100)
    should.gather(100)
    assert should.members()
    world, kept = World(ends), list[tuple[dict[str, dict[bytes, bytes]], dict[str, int]]]()
    closed = 0
    while world.members() != should.members() or min(world.bases.values()) < 100:
        kept.append((copy.deepcopy(dict(world.store._hashes)), dict(world.bases)))
        closed = min(100, closed + random.randrange(12))
        known = [name for name in names if begins[name] < closed]
        what = random.random()
        if what < 0.1:
            world.gatherer = world.heir()
        elif what < 0.2:
            hashes, world.bases = random.choice(kept[-5:])
            world.bases = dict(world.bases)
            epoch = world.store.peek(models_key(APP))[b"epoch"]
            world.store._hashes.clear()
            world.store._hashes.update(copy.deepcopy(hashes))
            if random.random() < 0.5:  # the store lost no take-over
                world.store._hashes[models_key(APP)][b"epoch"] = epoch
        for name in random.sample(known, random.randrange(len(known) + 1)):
            world.evaluate(name, max(world.bases[name], random.randrange(closed + 1), 0))
        world.gather(closed, known)
    assert world.members() == should.members()
    assert set(world.told) == set(should.told)
    world.gather(100)
    ours, theirs = (w.store.peek(models_key(APP))[b"base"] for w in (world, should))
    assert ours == theirs


def test_who_takes_over_goes_on_with_the_outbox_and_tells_nothing_again() -> None:
    world = World(TWO)
    world.evaluate("a", 40)
    world.evaluate("b", 40)
    world.gatherer.step(world.marks(40, world.ends))
    outbox = dict(world.gatherer.outbox)
    assert len(outbox) == 2
    heir = world.heir()
    assert heir.outbox == outbox
    assert heir.step(world.marks(40, world.ends)) is Answer.OK
    assert (heir.outbox, heir.alerts) == (outbox, 2)
    assert world.gatherer.step(world.marks(41, world.ends)) is Answer.FENCED
    assert world.gatherer.acknowledge(list(outbox)) is Answer.FENCED
    assert heir.acknowledge(list(outbox)) is Answer.OK
    assert world.heir().outbox == {}


def test_a_store_that_lost_what_was_gathered_is_noticed_though_nothing_is_to_be_written() -> None:
    world = World(TWO)
    before = dict(world.store.peek(models_key(APP)))
    world.evaluate("a", 40)
    world.evaluate("b", 40)
    world.gather(40)
    world.store._hashes[models_key(APP)] = before
    assert world.gather(41) is Answer.CONFLICT
    world.gather(41)
    assert len(world.told) == world.repeats == 2


def test_what_moved_is_kept_for_so_many_ends_and_what_the_slowest_came_too_late_for_is_counted() -> (
    None
):
    """The newest stay, whatever the order in which versions come; what is lost is told by no event."""
    many = [(end, "x") for end in range(1, ENDS_MAX + 4)]
    world = World({"a": many, "b": many})
    world.evaluate("a", ENDS_MAX)
    world.evaluate("b", ENDS_MAX - 1)
    world.gather(ENDS_MAX)
    assert (len(world.told), world.gatherer.missed) == (ENDS_MAX - 1, 0)
    for name in world.ends:
        world.evaluate(name, ENDS_MAX + 3)
    world.gather(ENDS_MAX + 3)
    assert (len(world.told), world.gatherer.missed) == (ENDS_MAX + 3, 0)
    late = World({"a": many, "b": many})
    for name in late.ends:
        late.evaluate(name, ENDS_MAX + 3)
    late.gather(ENDS_MAX + 3)
    assert (len(late.told), late.gatherer.missed) == (ENDS_MAX, 2)


def test_what_a_model_lost_between_two_reads_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The store goes back just after it was asked how far all models are."""
    world = World(TWO)
    before = copy.deepcopy(world.store._hashes[model_key(APP, "b")])
    for name in world.ends:
        world.evaluate(name, 40)
    read_many = world.store.read_many

    def going_back(wants: Any) -> Any:
        answer = read_many(wants)
        world.store._hashes[model_key(APP, "b")] = before
        monkeypatch.undo()
        return answer

    monkeypatch.setattr(world.store, "read_many", going_back)
    world.gather(40)
    assert world.members() == []
    world.evaluate("b", 40)
    world.gather(40)
    assert len(world.members()) == 2


def test_movers_come_back_from_their_bytes() -> None:
    movers = Movers()
    for end, column in TWO["b"]:
        movers.note(Kind.LABELS, rolled("b", end, column))
    again = Movers()
    again.restore(load(dump("movers", movers.payload()), "movers"))
    assert again.payload() == movers.payload()
    assert read_moved(again.moved())[Kind.LABELS] == 30 * PANE
    assert read_moved(None) == read_moved(Movers().moved()) == dict.fromkeys(Kind, NEVER)
    (mover, *_) = again.of[Kind.LABELS]
    assert mover.data["window"] == {"end": 10}, (
        "how far time was when it was told is no fact of the log"
    )
