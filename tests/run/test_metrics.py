"""The metrics are the ones that are promised, and say what happened."""

import asyncio

import pytest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from stream.config import Limits
from stream.ingest.raw import Source
from stream.run.copies.backup import Backup
from stream.run.work.metrics import NAMES, WorkerMetrics, exposition
from stream.words import Kind
from tests.events import T0, feature
from tests.run.copies import MemoryLog
from tests.run.rig import COUNTS, SOURCES, Rig, small, stream

ZERO, ONE = SOURCES


def measured(rig: Rig) -> tuple[set[str], dict[str, list[Sample]]]:
    """Read the exposition by Prometheus' own parser: the names, and the samples by their own names."""
    backup = Backup(rig.config, rig.store, MemoryLog())
    metrics = WorkerMetrics(rig.runtime, backup)
    metrics.lag_by_topic = {"features": 17}
    metrics.measure_state()
    text = exposition(metrics).decode()
    samples: dict[str, list[Sample]] = {}
    for family in text_string_to_metric_families(text):
        assert family.documentation
        for sample in family.samples:
            samples.setdefault(sample.name, []).append(sample)
    return {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}, samples


def total(samples: dict[str, list[Sample]], name: str) -> float:
    """Add up a metric over its labels."""
    return sum(sample.value for sample in samples[name])


def worked() -> Rig:
    """Let a worker do a bit of everything."""
    rig = Rig()

    async def story() -> None:
        await rig.runtime.take_over(SOURCES)
        events = stream(8, shift_after=4)
        await rig.fold(ZERO, 0, events[0::2])
        await rig.fold(ONE, 0, events[1::2])
        await rig.fold(ONE, 1_440, [feature(T0, x=1.0)])  # late
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(rig.runtime._office, "deliver", lambda _: None)
            await rig.fold(ONE, 1_441, [b"no event"] * 2)
        await rig.pass_s(2)
        rig.other.fail_next(1)
        await rig.evaluate()
        rig.outlet.failures["second"] += 1
        rig.now += 60
        rig.deliver()

    asyncio.run(story())
    return rig


def test_every_promised_metric_is_there_and_no_other() -> None:
    """Of a worker that has done nothing as of one that has done all; and each is described."""
    for rig in (Rig(), worked()):
        names, _ = measured(rig)
        assert names == set(NAMES)
        rig.runtime.close()


def test_the_values_are_what_happened() -> None:
    """Counted by hand from what was fed."""
    rig = worked()
    waiting = len(rig.runtime.models.evaluators["m"].outbox)
    asyncio.run(_acknowledge(rig))
    told = len(rig.sink.events)
    _, samples = measured(rig)
    assert total(samples, "driftbus_events_consumed_total") == 2_883
    assert total(samples, "driftbus_events_late_total") == 1
    assert total(samples, "driftbus_events_malformed_total") == 2
    assert total(samples, "driftbus_events_sampled_out_total") == 0
    assert total(samples, "driftbus_panes_folded_total") == 2 * 8 * 60
    assert total(samples, "driftbus_lag_records") == 17
    assert total(samples, "driftbus_partitions_owned") == 2
    assert total(samples, "driftbus_models_owned") == 1
    states = {s.labels["state"]: s.value for s in samples["driftbus_monitors"]}
    assert states == {"watching": 0, "learning": 2, "unwatched": 0}
    assert waiting == told == total(samples, "driftbus_alerts_emitted_total") > 0
    assert total(samples, "driftbus_outbox_alerts") == 0
    labels = {
        (s.labels["severity"], s.labels["kind"]) for s in samples["driftbus_alerts_emitted_total"]
    }
    assert labels == {(event.severity, event.kind) for event in rig.sink.events}
    assert total(samples, "driftbus_windows_evaluated_total") == rig.runtime.tallies.windows > 0
    assert {s.labels["sink"]: s.value for s in samples["driftbus_sink_failures_total"]} == {
        "first": 0,
        "second": 1,
    }
    assert {s.labels["half"]: s.value for s in samples["driftbus_commit_seconds_count"]} == {
        "ingest": 3,
        "evaluate": 1,
    }
    assert total(samples, "driftbus_detect_latency_seconds_count") == 1
    assert total(samples, "driftbus_state_bytes") > 1_000
    last = (T0 + 8 * 3_600_000 - 20_000) / 1_000
    assert total(samples, "driftbus_watermark_timestamp_seconds") == last
    assert total(samples, "driftbus_lag_event_time_seconds") == 10
    rig.runtime.close()


async def _acknowledge(rig: Rig) -> None:
    await rig.runtime.acknowledge()


def test_counters_never_go_back_when_a_partition_goes() -> None:
    """Prometheus would take it for a restart."""
    rig = worked()
    before = total(measured(rig)[1], "driftbus_events_consumed_total")
    asyncio.run(rig.runtime.let_go(SOURCES, lost=False))
    assert total(measured(rig)[1], "driftbus_events_consumed_total") == before
    rig.runtime.close()


def test_a_topic_is_there_before_its_first_event() -> None:
    """A rate over nothing is zero, not unknown."""
    rig = Rig()
    asyncio.run(_own(rig))
    _, samples = measured(rig)
    assert [s.labels["topic"] for s in samples["driftbus_events_consumed_total"]] == ["features"]
    assert sum(COUNTS.values()) == len(SOURCES)
    assert Source(Kind.FEATURES, "features", 0) in rig.runtime.ingest.partitions
    rig.runtime.close()


async def _own(rig: Rig) -> None:
    await rig.runtime.take_over(SOURCES)


def test_what_finds_no_room_is_counted_by_place_and_reason() -> None:
    """Of the topic where it came, and of the evaluation, to which two partitions bring more than one may."""
    rig = Rig(config=small(limits=Limits(series_max=3)))

    async def flood() -> None:
        await rig.runtime.take_over(SOURCES)
        for source in SOURCES:
            names = [f"{source.partition}-{i}" for i in range(10)]
            await rig.fold(source, 0, [feature(T0, version=name, x=1.0) for name in names])
            await rig.fold(source, 10, [feature(T0 + 600_000, version=names[0], x=1.0)])
        await rig.pass_s(2)
        await rig.evaluate()

    asyncio.run(flood())
    _, samples = measured(rig)
    told = {
        (s.labels["at"], s.labels["reason"]): s.value for s in samples["driftbus_refused_total"]
    }
    assert told == {("features", "series"): 14, ("evaluate", "series"): 3}
    rig.runtime.close()
