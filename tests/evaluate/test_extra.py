"""Sequential detectors that the configuration asks for: what they make of a column's windows."""

from functools import cache
from typing import Any

import msgspec
import numpy as np
import pytest

from detectors import Verdict
from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.config import DetectorConfig
from stream.errors import CodecError
from stream.evaluate.judging.extra import (
    EFFECT_MIN,
    FOUND_ITSELF,
    Errors,
    Extra,
    ExtraRule,
    Seen,
    errors_of,
    extras,
)
from stream.evaluate.model import Model
from stream.reference.reference import Reference
from stream.state.codec import pack, unpack
from stream.state.versions import VERSIONS
from stream.words import Kind
from tests.evaluate.streams import CONFIG, DRIFT, END, Pipeline, stream
from tests.events import PLAN

Z = [*np.random.default_rng(3).normal(size=40).tolist(), *[2.5] * 20, *[0.0] * 20]
RULES = (
    ExtraRule("cusum", {"threshold": 5.0, "mean": 0.0, "delta": 0.5, "min_instances": 1}),
    ExtraRule("ddm", {}),
    ExtraRule("kswin", {"window_size": 20, "stat_size": 5, "alpha": 0.05}),
    ExtraRule("river.ADWIN", {"clock": 1}),
)


def asked_for(asked: tuple[ExtraRule, ...] = (), **floors: float) -> list[Extra]:
    return extras(asked, floors)


def restored(payload: Any, asked: tuple[ExtraRule, ...], **floors: float) -> list[Extra]:
    return extras(asked, floors, payload)


def seen(i: int, errors: Errors | None = None, location: float | None = None) -> Seen:
    return Seen(Z[i] if location is None else location, Z[i], i * 1000, 100, 900, errors)


def told(running: list[Extra], start: int = 0, end: int = len(Z)) -> list[list[Verdict | None]]:
    return [[extra.update(seen(i)) for extra in running] for i in range(start, end)]


def payload_of(running: list[Extra]) -> list[object]:
    return [extra.payload() for extra in running]


def spoken(verdicts: list[list[Verdict | None]]) -> list[Verdict]:
    """Give what the last of them says of each window."""
    last = [of_window[-1] for of_window in verdicts]
    assert None not in last
    return [verdict for verdict in last if verdict is not None]


def test_a_detector_asked_for_alarms_in_the_window_in_which_it_finds() -> None:
    """It begins anew by itself, so the next window is quiet; no budget covers it."""
    found = spoken(told(asked_for(RULES[:1])))
    assert {v.detector for v in found} == {"cusum"}
    assert {v.note for v in found} == {FOUND_ITSELF}
    alarms = [i for i, v in enumerate(found) if v.alarm]
    assert 40 < alarms[0] < 45
    assert not found[alarms[0] + 1].alarm
    assert all((v.statistic > v.threshold) == v.alarm for v in found)
    quiet = spoken(told(asked_for(RULES[:1], cusum=3.0)))
    assert [v.statistic for v in quiet] == [v.statistic for v in found]
    assert not any(v.alarm for v in quiet)


def test_detectors_for_errors_take_shares_with_their_weight_and_nothing_else() -> None:
    """DDM, told of 20 % wrong of 100 answers a window, finds 60 %; without errors it is silent."""
    extra = Extra(ExtraRule("ddm", {}), 0.1)
    assert extra.update(seen(0)) is None
    shares = [0.2] * 30 + [0.6] * 5
    verdicts = [extra.update(seen(45, Errors(share, 100))) for share in shares]
    assert [v is not None and v.alarm for v in verdicts].index(True) == 31
    single = Extra(ExtraRule("ddm", {}), 0.1)
    for share in shares[:30]:
        single.update(seen(45, Errors(share, 1)))
    assert single.detector.to_bytes() != extra.detector.to_bytes()


@pytest.mark.parametrize("name", ["river.HDDMA", "river.HDDMW", "river.FHDDM"])
def test_detectors_of_river_for_errors_find_more_errors(name: str) -> None:
    """River's FHDDM takes 1 for a right answer, and its alarm would else be that of a better model."""
    settings = {"sliding_window_size": 20} if name.endswith("FHDDM") else {}
    extra = Extra(ExtraRule(name, settings), 0.1)
    verdicts = [extra.update(seen(45, Errors(share, 100))) for share in [0.1] * 60 + [0.9] * 60]
    alarms = [i for i, v in enumerate(verdicts) if v is not None and v.alarm]
    assert alarms
    assert alarms[0] >= 60


@cache
def reference(kind: Kind, column: Column) -> Reference:
    """As much of a reference as is needed to count errors."""

    class Known:
        pass

    known: Any = Known()
    known.kind, known.columns, known.layout = kind, (column,), Layout((column,))
    found: Reference = known
    return found


@pytest.mark.parametrize(
    ("kind", "column", "counts", "errors"),
    [
        (Kind.ERRORS, Column("error", "number", values=(0.0, 1.0)), [30, 10, 0], Errors(0.25, 40)),
        (Kind.ERRORS, Column("error", "number", values=(0.0, 1.0)), [30, 10, 9], Errors(0.25, 40)),
        (Kind.ERRORS, Column("error", "number", values=(0.0, 1.0)), [0, 0, 9], None),
        (Kind.ERRORS, Column("error", "number", values=(0.0, 2.0)), [30, 10, 0], None),
        (Kind.ERRORS, Column("error", "number", (0.0, 0.5, 1.0)), [30, 10, 0, 0], None),
        (Kind.FEATURES, Column("x", "number", values=(0.0, 1.0)), [30, 10, 0], None),
    ],
)
def test_errors_are_counted_where_answers_are_right_or_wrong(
    kind: Kind, column: Column, counts: list[int], errors: Errors | None
) -> None:
    known = reference(kind, column)
    window = Summary.empty(known.layout)
    window.counts[: len(counts)] = counts
    assert errors_of(known, 0, window) == errors


@pytest.mark.parametrize("cut", [0, 1, 25, 45, 59, 79])
def test_going_on_from_a_payload_changes_nothing(cut: int) -> None:
    """Even of a detector that draws lots, without a seed in its settings."""
    whole, first = asked_for(RULES), asked_for(RULES)
    told(whole, 0, cut)
    told(first, 0, cut)
    payload = unpack(pack("extra", 1, payload_of(first)), "extra", 1)[1]
    second = restored(payload, RULES)
    assert told(second, cut) == told(whole, cut)
    assert payload_of(second) == payload_of(whole)
    assert [extra.rule.name for extra in second] == [rule.name for rule in RULES]


def test_other_settings_begin_anew_and_the_rest_goes_on() -> None:
    running = asked_for(RULES[:2])
    told(running, 0, 30)
    asked = (ExtraRule("cusum", {"threshold": 6.0}), RULES[1], RULES[2])
    again = restored(payload_of(running), asked, cusum=0.5)
    fresh = asked_for(asked, cusum=0.5)
    assert again[0].payload() == fresh[0].payload()
    assert (again[0].floor, again[1].floor) == (0.5, EFFECT_MIN)
    assert again[1].payload() == running[1].payload()
    assert again[2].payload() == fresh[2].payload()
    assert restored(payload_of(running), ()) == []


def test_the_state_of_another_river_is_refused_with_a_remedy() -> None:
    asked = (ExtraRule("river.NoDrift", {}),)
    running = asked_for(asked)
    detector: Any = running[0].detector
    detector.wrapped.drift_detectd = detector.wrapped.__dict__.pop("_drift_detected")
    payload: Any = payload_of(running)
    payload[0][-1] = payload[0][-1][:-9] + b"123456789"
    with pytest.raises(CodecError, match=r"the state of river\.NoDrift: .*; go back"):
        restored(payload, asked)


ASKED = {
    "hellinger": DetectorConfig(),
    "cusum": DetectorConfig(settings={"threshold": 4.0, "mean": 0.0, "min_instances": 1}),
    "kswin": DetectorConfig(settings={"window_size": 10, "stat_size": 4, "alpha": 0.1}),
    "river.PageHinkley": DetectorConfig(settings={"threshold": 3.0, "min_instances": 5}),
}


@cache
def run(restarting: bool) -> Pipeline:
    config = msgspec.structs.replace(CONFIG, detectors=ASKED)
    pipeline = Pipeline(config)
    events = stream(END, DRIFT)
    for start in range(0, len(events), 1400):
        pipeline.fold(events[start : start + 1400])
        pipeline.step()
        if restarting:
            pipeline.restart()
    pipeline.step(flush=True)
    return pipeline


def test_what_is_asked_for_speaks_in_the_alerts_whatever_the_restarts() -> None:
    """Its scores stand beside the others', it may tell the story, and its alarms are not covered."""
    whole, restarted = run(False), run(True)
    assert whole.told() == restarted.told()
    assert whole.state() == restarted.state()
    scores = [a["data"]["scores"] for a in whole.told() if "scores" in a["data"]]
    spoke = {name for of_alert in scores for name, score in of_alert.items() if score["alarm"]}
    assert {"cusum", "river.PageHinkley"} <= spoke
    asked = [a["data"] for a in whole.told() if a["data"]["detector"]["name"] in ASKED]
    assert all(not data["false_alarm"]["covered"] for data in asked if data["score"]["note"])


def test_a_chain_that_an_older_driftbus_wrote_is_refused_with_a_remedy() -> None:
    """What it does not know of a state (the windows that the alarm layer looks back on) would be lost."""
    pipeline = run(False)
    fields = {f: v for f, v in pipeline.state().items() if f != b"base"}
    field = next(f for f in fields if f.startswith(b"c:"))
    fields[field] = pack("chain", 3, unpack(fields[field], "chain", VERSIONS["chain"].newest)[1])
    known = pipeline.evaluator.model
    model = Model("m", known.rules, known.book, pipeline.fleet.publish, lambda _: PLAN)
    with pytest.raises(CodecError, match="version 3 was written by an older driftbus"):
        model.restore(pipeline.state()[b"base"], fields)
