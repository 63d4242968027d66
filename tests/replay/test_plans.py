"""The fleet plan in a whole run: the same alerts however the events come, and ids that tell by which plan."""

from collections.abc import Sequence
from dataclasses import replace as dc_replace
from functools import cache

import numpy as np
import orjson
import pytest
from msgspec.structs import replace

from sinks.event import DriftEvent, structured
from stream.config import Alarms, Config, LabelsConfig, Limits, ReferenceConfig, Window
from stream.files.source import FileEvent
from stream.reference.plan import Plan
from stream.reference.reference import ALWAYS, Reference
from stream.run.offline.replay import Replay
from stream.words import INPUTS, SEVERAL, Kind, Series
from tests.reference.fleets import DAY_MS, HOUR_MS, MONDAY, WEEK_MS

CONFIG = Config(
    pane_ms=4 * HOUR_MS,
    windows=(Window(DAY_MS, DAY_MS),),
    reference=ReferenceConfig(learn_events=240, bins=5),
    labels=LabelsConfig(wait_ms=2 * DAY_MS, waiting_max=10_000),
    alarms=Alarms(budget_per_week=1.0, monitors=100),
    limits=Limits(raw_rows_max=100_000),
)
LEARNED_DAYS = 10
"""What 240 events take, one an hour."""


def model(
    name: str, first_day: float, days: Sequence[tuple[float, float]], drift_day: float, seed: int
) -> list[FileEvent]:
    """Make the events of a model on some ranges of days since MONDAY; from `drift_day` on all of it drifts."""
    rng = np.random.default_rng(seed)
    events = []
    for begin, end in days:
        for i in range(int(begin * 24), int(end * 24)):
            ts = MONDAY + i * HOUR_MS + int(first_day * DAY_MS)
            far = 6.0 if i >= drift_day * 24 else 0.0
            head = {"model": name, "version": "1", "id": f"{name}{i}", "ts": ts}
            x, error = round(float(rng.normal()) + far, 4), round(float(rng.normal()) + far, 4)
            for kind, more in (
                (Kind.FEATURES, {"features": {"x": x, "y": round(float(rng.normal()), 4)}}),
                (Kind.PREDICTIONS, {"prediction": x}),
                (Kind.LABELS, {"label": x + error}),
            ):
                events.append(FileEvent(kind, ts, orjson.dumps(head | more)))
    return events


@cache
def events() -> tuple[FileEvent, ...]:
    """A model from the first day on, another from day 16 on; silence for three weeks soon after both have learned."""
    gap = LEARNED_DAYS + 0.2
    a = model("a", 16, [(0, gap), (gap + 21, gap + 34)], gap + 30, 1)
    b = model("b", 0, [(0, 26.2), (47.2, 60.2)], 56.2, 2)
    return tuple(sorted([*a, *b], key=lambda event: (event.ts, INPUTS.index(event.kind))))


class Run:
    """A replay from its first event to its last."""

    def __init__(
        self, batch: int = 1000, references: Sequence[Reference] = (), config: Config = CONFIG,
        of: Sequence[FileEvent] | None = None,
    ) -> None:  # fmt: skip
        dead: list[object] = []
        self.replay = Replay(config, references, dead.extend)
        for _ in self.replay.feed(events() if of is None else of, batch):
            pass
        self.alerts: list[DriftEvent] = list(self.replay.finish())
        self.bytes = [structured(alert) for alert in self.alerts]
        self.plans: list[Plan] = self.replay._plans._made
        self.references = self.replay._fleet.book.all()
        assert not dead


@cache
def usual() -> Run:
    return Run()


def test_each_model_is_counted_a_week_after_the_monday_after_it_was_learned() -> None:
    """All four kinds of both, and nobody else; until then nobody, or the first one alone."""
    begun = [(plan.version, (plan.from_ms - MONDAY) / WEEK_MS) for plan in usual().plans[1:]]
    assert begun == [(1, 3.0), (2, 5.0)]
    models = [sorted({r.series.model for r in plan.members}) for plan in usual().plans]
    assert models == [[], ["b"], ["a", "b"]]
    assert len(usual().plans[2].members) == 2 * len(Kind)
    assert usual().plans[2].monitors == 2 * (3 + 2 + 2 + 1)


def test_a_newcomer_lives_on_the_reserve_until_it_is_counted() -> None:
    """A hundred are expected, so it gets a hundredth of a tenth; then what everybody gets."""
    _, first, second = usual().plans
    newcomer = next(r for r in usual().references if r.series.model == "a")
    assert first.share(newcomer) == pytest.approx(0.1 * 1.0 / 100)
    assert second.share(newcomer) == pytest.approx(0.9 * 1.0 / 16)


@pytest.mark.parametrize("batch", [5, 10**9])
def test_plans_and_alerts_are_the_same_bytes_at_any_batch_size(batch: int) -> None:
    """Though references became known just before a long silence, in which the plans begin that count them."""
    other = Run(batch)
    assert [plan.packed for plan in other.plans] == [plan.packed for plan in usual().plans]
    assert other.bytes == usual().bytes
    assert {alert.model for alert in usual().alerts} == {"a", "b", SEVERAL}


def test_windows_longer_than_a_week_do_not_hide_who_was_learned_within_them() -> None:
    """Between two windows' ends, in one go, a model learns, and the plan begins that counts all kinds of it."""
    slow = replace(CONFIG, windows=(Window(14 * DAY_MS, 14 * DAY_MS),))
    of = model("a", 2, [(0, 40)], 99, 3)
    runs = [Run(batch, config=slow, of=of) for batch in (24, 10**9)]
    assert [len(plan.members) for plan in runs[0].plans] == [0, len(Kind)]
    assert [plan.packed for plan in runs[1].plans] == [plan.packed for plan in runs[0].plans]


def test_references_given_beforehand_make_the_plans_and_ids_of_the_run_that_learned_them() -> None:
    """They hold from their panes on, and plans follow from these."""
    again = Run(references=usual().references)
    assert [plan.packed for plan in again.plans] == [plan.packed for plan in usual().plans]
    assert again.bytes == usual().bytes


def test_references_that_hold_from_the_beginning_are_counted_from_the_beginning() -> None:
    """Then `alarms.monitors` plays no part: the number of monitors is known."""
    given = [r for r in map(_from_the_beginning, usual().references) if r.series.model == "b"]
    alarms = (Alarms(monitors=monitors) for monitors in (10, 1_000))
    few, many = (first_plan(replace(CONFIG, alarms=of), given) for of in alarms)
    assert few.packed == many.packed
    assert few.from_ms == ALWAYS
    assert {r.digest for r in few.members} == {r.digest for r in given}
    assert [few.share(r) for r in given] == [many.share(r) for r in given]


def first_plan(config: Config, given: Sequence[Reference]) -> Plan:
    return Replay(config, given, lambda _: None)._plans.at(MONDAY)


def test_another_version_of_the_plan_makes_other_ids_and_an_alert_tells_its_version() -> None:
    """One more series that is known, and the same windows of the others have other ids, each of them."""
    known = usual().references
    third = _from_the_beginning(dc_replace(known[0], series=Series("c", "1")))
    other = Run(references=[third])
    told = [versions_of(run) for run in (usual(), other)]
    assert told == [{1, 2}, {2, 3}]
    ids = [{alert.id for alert in run.alerts} for run in (usual(), other)]
    assert len(ids[1]) > 10
    assert not ids[0] & ids[1]


def versions_of(run: Run) -> set[object]:
    return {orjson.loads(told)["data"]["false_alarm"]["plan"] for told in run.bytes}


def _from_the_beginning(reference: Reference) -> Reference:
    return dc_replace(reference, from_pane=ALWAYS)
