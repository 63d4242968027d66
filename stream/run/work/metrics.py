"""The metrics of a worker in Prometheus' form, made from plain counts when they are asked for."""

from collections.abc import Iterator
from importlib.metadata import version

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from stream.evaluate.monitors import take_stock
from stream.ingest.fold import NEVER
from stream.run.copies.backup import Backup
from stream.run.work.monitor_metrics import MONITOR_NAMES, monitor_metrics
from stream.run.work.runtime import Runtime
from stream.state.store import model_key, models_key, partition_key

__all__ = ["NAMES", "WorkerMetrics", "exposition"]

NAMES = {
    "driftbus_events_consumed_total": "Events read",
    "driftbus_events_late_total": "Events left out because their pane had closed",
    "driftbus_events_malformed_total": "Events that could not be read, written to the dead-letter topic",
    "driftbus_events_sampled_out_total": "Events left out by sampling",
    "driftbus_sample_rate": "Share of the events that is counted, but for models with a rate of their own",
    "driftbus_refused_total": "What found no room, by place (a topic, or evaluate) and reason",
    "driftbus_panes_folded_total": "Panes begun",
    "driftbus_events_lost_total": "Events that were gone from the log before they were read",
    "driftbus_log_gaps_total": "Times that reading went on behind a gap in the log",
    "driftbus_lag_records": "Records between the end of the topic and what is folded",
    "driftbus_lag_event_time_seconds": "How far the slowest partition's event time is behind the fastest one's",
    "driftbus_watermark_timestamp_seconds": "Event time up to which a topic is complete",
    "driftbus_windows_evaluated_total": "Windows closed and judged",
    "driftbus_alerts_emitted_total": "Drift events that every sink has taken",
    "driftbus_outbox_alerts": "Drift events that wait for a sink",
    "driftbus_sink_failures_total": "Deliveries that a sink has refused",
    "driftbus_sink_recognised_total": "Drift events that were not sent again, as they had arrived before",
    "driftbus_sink_looks_failed_total": "Times that a sink could not be looked at for what had arrived before",
    "driftbus_commit_seconds": "Time of a call that commits partitions; `evaluate`: of moving models, several at once",
    "driftbus_detect_latency_seconds": "Time from the commit that closed a pane to handing its alerts to the sinks",
    "driftbus_state_bytes": "Bytes of state kept for what this worker owns",
    "driftbus_state_reloads_total": "Times that state was loaded anew because somebody else had moved it",
    "driftbus_backup_timestamp_seconds": "When the last copy of the state was taken, of the worker that takes them",
    "driftbus_backup_failures_total": "Copies of the state that could not be taken",
    "driftbus_partitions_owned": "Partitions this worker owns",
    "driftbus_models_owned": "Models this worker owns",
    **MONITOR_NAMES,
    "driftbus_build_info": "The version",
}
"""Every metric and what it tells; names are part of the public interface."""


class WorkerMetrics(Collector):
    """Reads a runtime at scrape time. `lag` gives records behind by source, `state_bytes` was measured last."""

    def __init__(self, runtime: Runtime, backup: Backup) -> None:
        self.runtime = runtime
        self.backup = backup
        self.lag_by_topic: dict[str, int] = {}
        self.state_bytes = 0

    def measure_state(self) -> None:
        """Ask the store for the size of what is owned; for the store's thread, now and then."""
        app = self.runtime.config.app
        keys = [
            partition_key(app, s.topic, s.partition) for s in list(self.runtime.ingest.partitions)
        ]
        keys += [model_key(app, name) for name in list(self.runtime.models.evaluators)]
        keys += [models_key(app)] if self.runtime.models.gatherer is not None else []
        self.state_bytes = sum(self.runtime.store.size(key) for key in keys)

    def collect(self) -> Iterator[Metric]:
        """Give all metrics."""
        yield from self._of_topics()
        runtime = self.runtime
        yield _counter("driftbus_windows_evaluated_total", runtime.tallies.windows)
        alerts = CounterMetricFamily("driftbus_alerts_emitted", NAMES["driftbus_alerts_emitted_total"],
                                     labels=["severity", "kind"])  # fmt: skip
        for (severity, kind), n in sorted(runtime.tallies.alerts.items()):
            alerts.add_metric([severity, kind], n)
        yield alerts
        refused = CounterMetricFamily(
            "driftbus_refused", NAMES["driftbus_refused_total"], labels=["at", "reason"]
        )
        for (at, reason), n in sorted(runtime.tallies.refusals.counts.items()):
            refused.add_metric([at, reason], n)
        yield refused
        yield _gauge(
            "driftbus_outbox_alerts",
            runtime.models.waiting,
        )
        yield from self._of_sinks()
        yield from _histogram("driftbus_commit_seconds", {"half": runtime.tallies.commit_seconds})
        yield from _histogram(
            "driftbus_detect_latency_seconds", {"": {"": runtime.tallies.detect_seconds}}
        )
        yield _gauge("driftbus_state_bytes", self.state_bytes)
        yield _counter("driftbus_state_reloads_total", runtime.tallies.reloads)
        yield _gauge("driftbus_backup_timestamp_seconds", self.backup.made_s or 0.0)
        yield _counter("driftbus_backup_failures_total", self.backup.failed)
        yield _gauge("driftbus_partitions_owned", len(runtime.ingest.partitions))
        yield _gauge("driftbus_models_owned", len(runtime.models.evaluators))
        yield from self._of_monitors()
        build = GaugeMetricFamily(
            "driftbus_build_info", NAMES["driftbus_build_info"], labels=["version"]
        )
        build.add_metric([version("driftbus")], 1)
        yield build

    def _of_sinks(self) -> Iterator[Metric]:
        outlet = self.runtime.outlet
        told = [("failures", outlet.failures)]
        told += [
            (name, {c.sink.name: getattr(c, name) for c in outlet.couriers})
            for name in ("recognised", "looks_failed")
        ]
        for name, counts in told:
            full = f"driftbus_sink_{name}"
            family = CounterMetricFamily(full, NAMES[f"{full}_total"], labels=["sink"])
            for sink, n in counts.items():
                family.add_metric([sink], n)
            yield family

    def _of_monitors(self) -> Iterator[Metric]:
        evaluators = sorted(self.runtime.models.evaluators.copy().items())
        yield from monitor_metrics([(name, take_stock(of.model)) for name, of in evaluators])

    def _of_topics(self) -> Iterator[Metric]:
        counted = {"events_consumed": "seen", "events_late": "late", "events_malformed": "malformed",
                   "events_sampled_out": "sampled_out", "panes_folded": "panes", "events_lost": "lost",
                   "log_gaps": "gaps"}  # fmt: skip
        counts = dict(self.runtime.tallies.events)
        topics = sorted(
            {source.topic for source in list(self.runtime.ingest.partitions)} | counts.keys()
        )
        for name, counter in counted.items():
            family = CounterMetricFamily(
                f"driftbus_{name}", NAMES[f"driftbus_{name}_total"], labels=["topic"]
            )
            for topic in topics:
                family.add_metric([topic], counts[topic][counter] if topic in counts else 0)
            yield family
        lag = GaugeMetricFamily(
            "driftbus_lag_records", NAMES["driftbus_lag_records"], labels=["topic"]
        )
        for topic in topics:
            lag.add_metric([topic], self.lag_by_topic.get(topic, 0))
        yield lag
        yield self._of_samples()
        yield from self._of_time()

    def _of_samples(self) -> Metric:
        rates = GaugeMetricFamily(
            "driftbus_sample_rate", NAMES["driftbus_sample_rate"], labels=["topic", "partition"]
        )
        for source, partition in sorted(self.runtime.ingest.partitions.copy().items()):
            fold = partition.fold_state
            rate = fold.thinning.rate(fold.next_offset)
            rates.add_metric([source.topic, str(source.partition)], rate)
        return rates

    def _of_time(self) -> Iterator[Metric]:
        behind = GaugeMetricFamily("driftbus_lag_event_time_seconds", NAMES["driftbus_lag_event_time_seconds"],
                                   labels=["topic"])  # fmt: skip
        watermark = GaugeMetricFamily("driftbus_watermark_timestamp_seconds",
                                      NAMES["driftbus_watermark_timestamp_seconds"], labels=["topic"])  # fmt: skip
        times: dict[str, list[int]] = {}
        for source, marks in self.runtime.tallies.marks.items():
            if marks is not None and marks.watermark != NEVER:
                times.setdefault(source.topic, []).append(marks.watermark)
        newest = max((t for of_topic in times.values() for t in of_topic), default=0)
        for topic, of_topic in sorted(times.items()):
            behind.add_metric([topic], (newest - min(of_topic)) / 1000)
            watermark.add_metric([topic], min(of_topic) / 1000)
        yield behind
        yield watermark


def exposition(collector: Collector) -> bytes:
    """Give all metrics in Prometheus' text form."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def _counter(name: str, value: float) -> CounterMetricFamily:
    return CounterMetricFamily(name.removesuffix("_total"), NAMES[name], value=value)


def _gauge(name: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, NAMES[name], value=value)


def _histogram(name: str, by_label: dict[str, dict[str, Histogram]]) -> Iterator[Metric]:
    """Give histograms kept elsewhere under one name, told apart by a label."""
    metric = Metric(name, NAMES[name], "histogram")
    for label, histograms in by_label.items():
        for value, histogram in histograms.items():
            for family in histogram.collect():
                for sample in family.samples:
                    suffix = sample.name.removeprefix(family.name)
                    if suffix != "_created":
                        labels = dict(sample.labels) | ({label: value} if label else {})
                        metric.add_sample(name + suffix, labels, sample.value)
    yield metric
