"""The workload is what the figures say it is: event sizes, time, values, always the same."""

from collections import Counter
from itertools import pairwise

import orjson
import pytest

from benchmarks.learned import build_reference
from benchmarks.throughput.case import Case
from benchmarks.workload import BODIES, DRIFT, Workload
from stream.words import Series

BODY = Workload().bodies()


def test_an_event_has_ten_numbers_and_a_category_in_about_240_bytes() -> None:
    values = Workload().values(BODY, 0, 1_000)
    features = orjson.loads(values[0])["features"]
    assert sorted(features) == sorted([*(f"f{j:02}" for j in range(10)), "channel"])
    mean_bytes = sum(map(len, values)) / len(values)
    assert mean_bytes == pytest.approx(240, abs=10)


def test_events_are_distinct_beyond_their_time_and_come_again_after_a_round() -> None:
    assert len(set(BODY)) == BODIES
    workload = Workload(warm_up=1)
    first, again = (orjson.loads(*workload.values(BODY, i, 1)) for i in (5, BODIES + 5))
    assert again.pop("ts") > first.pop("ts")
    assert again == first


def test_the_same_event_is_the_same_bytes_however_it_is_asked_for() -> None:
    workload = Workload()
    assert Workload().bodies() == BODY
    values = workload.values(BODY, 19_990, 20)
    assert [*workload.values(BODY, 19_990, 5), *workload.values(BODY, 19_995, 15)] == values


def test_measured_events_advance_time_by_a_millisecond_every_fifty() -> None:
    workload = Workload(warm_up=100)
    times = [workload.time_ms(i) for i in range(100, 100 + 50_000 + 1)]
    assert times[-1] - times[0] == 1_000
    assert {later - earlier for earlier, later in pairwise(times)} == {0, 1}


def test_time_never_goes_back_where_the_warm_up_ends() -> None:
    workload = Workload(warm_up=100)
    times = [workload.time_ms(i) for i in range(300)]
    assert times == sorted(times)


def test_the_share_that_is_missing_is_the_share_asked_for() -> None:
    bodies = Workload(missing=0.25).bodies()
    share = sum(b'"f00":null' in tail for _, tail in bodies) / len(bodies)
    assert share == pytest.approx(0.25, abs=0.02)
    assert not any(b"null" in tail for _, tail in Workload(missing=0.0).bodies())


def test_models_and_segments_share_the_events_and_each_comes_to_each_partition() -> None:
    workload = Workload(models=3, series=5)
    events = [orjson.loads(value) for value in workload.values(BODY, 0, 40_000)]
    whose = Counter((event["model"], event["segment"]["shop"]) for event in events)
    assert len(whose) == len(workload.owners) == 15
    assert max(whose.values()) < 1.1 * min(whose.values())
    for partition in range(4):
        of_partition = [e for i, e in enumerate(events) if i // 1_000 % 4 == partition]
        assert len({(e["model"], e["segment"]["shop"]) for e in of_partition}) == 15


def test_every_owner_and_every_whole_has_a_reference() -> None:
    workload = Workload(models=2, series=3)
    references = build_reference(Case(models=2, series=3).config(), workload)
    wholes = {Series(owner.model, owner.version) for owner in workload.owners}
    assert {r.series for r in references} == wholes | set(workload.owners)
    assert len({r.digest for r in references}) == len(references) == 2 * 3 + 2


def test_events_with_drift_are_others_and_only_in_every_other_stretch() -> None:
    plain, drifting = Workload(warm_up=1), Workload(warm_up=1, drift_ms=1_000)
    bodies = drifting.bodies()
    one, other = 1_000, 51_000  # START_MS is a whole second
    assert plain.values(BODY, one, 1) == drifting.values(bodies, one, 1)
    values = (
        orjson.loads(w.values(b, other, 1)[0]) for w, b in ((plain, BODY), (drifting, bodies))
    )
    before, after = (value["features"] for value in values)
    assert after.pop("f00") - before.pop("f00") == pytest.approx(DRIFT, abs=1e-3)
    assert after == before
