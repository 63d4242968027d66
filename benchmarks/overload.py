"""`python -m benchmarks.overload --json FILE`: a worker that gets more than it can carry, on a real Kafka.

The worker is slowed down to a known number of events a second, so that it is the one who cannot keep up whatever the
machine, unless it shall run as fast as the machine lets it. Three times as many come, whether it keeps up or not; then
a fifth of them, until it counts every event again.
All that is told of the worker comes from its /metrics, as anybody would see it.
"""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import orjson

from benchmarks.broker import Broker, broker_process
from benchmarks.learned import build_reference
from benchmarks.machine import machine, versions
from benchmarks.meter import rss_mb
from benchmarks.outputs import OUT_FILE
from benchmarks.processes import redis_process
from benchmarks.throughput.bed import kafka_bed
from benchmarks.throughput.case import Case
from benchmarks.throughput.passing import pass_events, settle
from benchmarks.throughput.workers import Workers, page_of, worker_processes
from stream.config import from_text
from stream.reference.file import write_references
from stream.run.terminal.ended import ended_by_signals
from stream.run.terminal.tables import show_table

__all__ = ["Seen", "judged", "main", "overloaded"]

LADDER = "{adaptive: {lag: 4s, down_after: 1s, up_after: 3s}}"
"""Shorter times than the default ones, so that all of it can be seen within a minute or two."""
ALWAYS_ROOM = 2**62
"""What the producer is told of events consumed, so that it does not wait for anybody."""
CALM = 0.2
"""The load afterwards, as a part of what the worker carries: twice that must not make it busy again."""
LOOK_S, WARM_S = 1.0, 60.0
"""Between two looks; in which it comes to rest after its first seconds, which are slow."""
_METRIC = re.compile(rb"^driftbus_(\w+?)(?:\{.*\})? (\S+)$", re.MULTILINE)


@dataclass(frozen=True)
class Seen:
    """What the worker's metrics said at a time in seconds since the flood began.

    `lag` and `consumed` are events, `rate` is the lowest of all partitions; `rss_mb` is Linux' word.
    """

    phase: str
    at_s: float
    lag: float
    consumed: float
    sampled_out: float
    rate: float
    rss_mb: float


@click.command()
@click.option("--json", "out", type=OUT_FILE, help="Where the figures go.")
@click.option("--bootstrap", help="A Kafka that runs; default: one of its own.")
@click.option("--times", type=click.FloatRange(min=1), default=3.0, show_default=True,
              help="The flood, as a multiple of what the worker carries unsampled.")  # fmt: skip
@click.option("--flood", "flood_s", type=click.FloatRange(min=5), default=30.0, show_default=True,
              help="Seconds that it lasts.")  # fmt: skip
@click.option("--calm", "calm_s", type=click.FloatRange(min=5), default=60.0, show_default=True,
              help="Seconds in which the worker must have recovered.")  # fmt: skip
@click.option("--carries", "carried", type=click.FloatRange(min=100), default=5_000, show_default=True,
              help="Events a second that the worker can count at most.")  # fmt: skip
@click.option("--slowed/--unslowed", default=True, show_default=True,
              help="Whether it is slowed down to that, or that is only what is believed of it.")  # fmt: skip
@ended_by_signals()
def main(
    out: Path | None,
    bootstrap: str | None,
    times: float,
    flood_s: float,
    calm_s: float,
    carried: float,
    slowed: bool,
) -> None:
    """Give a worker more than it can carry."""
    case = overloaded(carried if slowed else None)
    with (
        TemporaryDirectory(prefix="driftbus-overload-") as folder,
        _worker(case, Path(folder), bootstrap) as both,
    ):
        broker, workers = both
        _await_rest(workers)
        seen = list(_flood_and_calm(broker, workers, carried, times, flood_s, calm_s))
    told = judged(seen, carried)
    table = [
        [of.phase, f"{of.at_s:.0f}", f"{of.lag:,.0f}", f"{of.rate:.3g}", f"{of.sampled_out:,.0f}", f"{of.rss_mb:.0f}"]
        for of in seen
    ]  # fmt: skip
    show_table("what /metrics said", ("load", "s", "lag", "rate", "sampled out", "RSS MB"), table)
    for name, value in told.items():
        click.echo(f"  {name}: {value:,.4g}")
    if out is not None:
        document = {
            "date": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine(), "versions": versions(),
            "case": asdict(case), "figures": told, "seen": [asdict(of) for of in seen],
        }  # fmt: skip
        out.write_bytes(orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n")


def overloaded(carried: float | None) -> Case:
    """Give the case of a worker whose sample follows the load, and that carries so many events a second at most."""
    slow_us = 1e6 / carried if carried is not None else 0.0
    return Case(feed="kafka", warm_up=5_000, slow_us=slow_us, ladder=LADDER)


def judged(seen: Sequence[Seen], carried: float) -> dict[str, float]:
    """Tell the figures that say whether the worker kept up; `carried` are events a second.

    `input_times_carried` is what came in the flood; lags are in seconds of what the worker carries unsampled, the first
    one the most of all, the others at the flood's end and at the end. `recovered_s` is from the flood's end to the rate
    1, infinite if that was not reached.
    """
    flood = [of for of in seen if of.phase == "flood"]
    calm = [of for of in seen if of.phase == "calm"]
    first, last = flood[0], flood[-1]
    came = last.consumed + last.lag - first.consumed - first.lag
    back = next((of.at_s for of in calm if of.rate == 1.0), float("inf"))
    return {
        "carried_per_s": carried,
        "input_times_carried": came / (last.at_s - first.at_s) / carried,
        "lag_most_s": max(of.lag for of in seen) / carried,
        "lag_flood_end_s": last.lag / carried,
        "lag_end_s": seen[-1].lag / carried,
        "rate_least": min(of.rate for of in seen),
        "rate_end": seen[-1].rate,
        "recovered_s": back - last.at_s,
        "rss_mb_most": max(of.rss_mb for of in seen),
    }


@contextmanager
def _worker(case: Case, folder: Path, bootstrap: str | None) -> Iterator[tuple[Broker, Workers]]:
    """Run a worker on a real Kafka, with a producer that waits for an order."""
    with ExitStack() as stack:
        bed = stack.enter_context(kafka_bed(folder, bootstrap))
        names = stack.enter_context(bed.names(case))
        broker = stack.enter_context(
            broker_process(case.workload, bed.bootstrap, *names[1:], case.partitions)
        )
        reference = folder / "reference"
        write_references(reference, build_reference(from_text(case.settings(), {}), case.workload))
        redis = stack.enter_context(redis_process(folder))
        workers = stack.enter_context(worker_processes(broker, case, names, reference, redis))
        pass_events(broker, workers, case.warm_up, 0, lambda _: None)
        settle(workers)
        yield broker, workers


def _await_rest(workers: Workers) -> None:
    """Wait until the worker counts every event; RuntimeError if it does not though there are none."""
    until = time.monotonic() + WARM_S
    while (seen := _look(workers, "warm", 0.0)).rate < 1.0:
        if time.monotonic() > until:
            raise RuntimeError(f"a worker at rest still has a rate of {seen.rate:g}")
        time.sleep(LOOK_S)


def _flood_and_calm(
    broker: Broker, workers: Workers, carried: float, times: float, flood_s: float, calm_s: float
) -> Iterator[Seen]:
    """Let the flood come, then the calm, and look once a second; ends early when the worker has recovered."""
    broker.consumed.value = ALWAYS_ROOM
    began = time.monotonic()
    for phase, rate, seconds in (
        ("flood", int(times * carried), flood_s),
        ("calm", int(CALM * carried), calm_s),
    ):
        ordered, since = 0, time.monotonic()
        while (passed := time.monotonic() - since) < seconds:
            due = int(rate * (passed + LOOK_S)) - ordered  # a second that was late is made up for
            broker.produce(due, int(due / LOOK_S))
            broker.produced()
            ordered += due
            seen = _look(workers, phase, time.monotonic() - began)
            yield seen
            if phase == "calm" and seen.rate == 1.0 and seen.lag < carried:
                return


def _look(workers: Workers, phase: str, at_s: float) -> Seen:
    """Read the worker's metrics; RuntimeError if it has ended."""
    workers.check()
    (port,), (pid,) = workers.ports, workers.pids
    told: dict[bytes, list[float]] = {}
    for name, value in _METRIC.findall(page_of(port, "metrics")):
        told.setdefault(name, []).append(float(value))
    return Seen(
        phase, at_s, sum(told[b"lag_records"]), sum(told[b"events_consumed_total"]),
        sum(told[b"events_sampled_out_total"]), min(told[b"sample_rate"]), rss_mb(pid),
    )  # fmt: skip


if __name__ == "__main__":
    main()
