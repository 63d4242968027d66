"""The workload is what the figures say it is: event sizes, time, values, always the same."""

from itertools import pairwise

import orjson
import pytest

from benchmarks.workload import BODIES, Workload

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
