"""What a worker tells about itself over HTTP: alive, ready, metrics, and a status to look at."""

import time
from collections.abc import Callable

from stream.bus.consumer import ConsumerThread
from stream.ingest.fold import NEVER
from stream.run.fleet.status import model_status, plan_status, several_status
from stream.run.work.runtime import Runtime

__all__ = ["Health"]

STALE_S = 30.0
"""A heart that has not beaten for so long has stopped."""


class Health:
    """Answers about a runtime and its consumer's thread; reads plain values only."""

    def __init__(
        self,
        runtime: Runtime,
        consumer: ConsumerThread,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._runtime = runtime
        self._consumer = consumer
        self._clock = clock
        self.beat = clock()

    def alive(self) -> tuple[bool, dict[str, object]]:
        """Whether the event loop and the consumer's thread, once it is started, show life."""
        now = self._clock()
        started = self._consumer.ident is not None
        ages = {"loop_s": round(now - self.beat, 1)}
        if started:
            ages["consumer_s"] = round(now - self._consumer.beat, 1)
        alive = max(ages.values()) < STALE_S and (self._consumer.is_alive() or not started)
        return alive, {"alive": alive, **ages}

    def ready(self) -> tuple[bool, dict[str, object]]:
        """Whether the group was joined, and Kafka, the store and the dead-letter topics answer."""
        answers = {
            "kafka": self._consumer.trouble.reachable,
            "joined": self._consumer.joined,
            "store": self._runtime.calls.well,
            "dead_letters": self._runtime.letters.well,
        }
        ready = all(answers.values())
        return ready, {
            "ready": ready,
            **answers,
            "partitions": len(self._runtime.ingest.partitions),
        }

    def status(self) -> dict[str, object]:
        """Tell what goes in, how far time is, and how every monitor stands."""
        runtime = self._runtime
        topics: dict[str, dict[str, float]] = {}
        for source, partition in list(runtime.ingest.partitions.items()):
            fold = partition.fold_state
            of_topic = topics.setdefault(
                source.topic,
                {"consumed": 0, "late": 0, "malformed": 0, "sampled_out": 0, "lag_records": 0},
            )
            of_topic["consumed"] += fold.counters.seen
            of_topic["late"] += fold.counters.late
            of_topic["malformed"] += fold.counters.malformed
            of_topic["sampled_out"] += fold.counters.sampled_out
            of_topic["lag_records"] += self._consumer.lag.get(source, 0)
            rate = fold.thinning.rate(fold.next_offset)
            of_topic["sample_rate"] = min(of_topic.get("sample_rate", 1.0), rate)
            if fold.watermark != NEVER:
                of_topic["watermark"] = min(
                    of_topic.get("watermark", fold.watermark), fold.watermark
                )
        plan = runtime.models.plans.latest
        models = {
            name: model_status(evaluator.model, plan, len(evaluator.outbox))
            for name, evaluator in sorted(runtime.models.evaluators.items())
        }
        held = runtime.models.gatherer
        several = (
            None if held is None else several_status(held.upto_ms, held.alerts, len(held.outbox))
        )
        return {
            "ready": self.ready()[0],
            "plan": plan_status(plan),
            "topics": topics,
            "models": models,
            "several_models": several,
            "references": len(runtime.fleet.book),
        }
