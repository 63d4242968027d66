"""What a fleet of monitors really takes: the resident memory of a process that has judged it, and Redis' own figure.

    python -m benchmarks.fleet --series 10000 --columns 10

A first process learns and judges twenty series for some hours, and writes references and state of as many as are asked
for into a Redis, each with its own; a second one loads them as a worker does, folds events into the open panes of all,
and judges two more hours. Its resident memory is told after each step.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import click
from redis import Redis

from benchmarks.memory.bed import Bed, warm
from benchmarks.memory.drawn import DAY, HISTORIES, config_of, references, segment
from benchmarks.memory.options import COUNT, of_a_fleet
from benchmarks.processes import redis_process
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.parts import parts_of
from stream.evaluate.judging.standing import dump_standings
from stream.evaluate.model_state import RESULTS_KEPT
from stream.ingest.roster import Roster
from stream.reference.fleet import Fleet
from stream.reference.reference import Reference
from stream.state.fields import chain_field, known_field, part_field, result_field, standing_field
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.store import model_key
from stream.state.versions import dump
from stream.words import Kind

__all__ = ["load", "prepare"]

HOURS = 25
"""Hours that were judged before: windows of an hour and of a day are known then."""
AT_ONCE = 2_000
TIMEOUT_S = 300.0
MB = 1_000_000


def prepare(url: str, series: int, columns: int, weeks: float) -> None:
    """Write the references of so many series and of the whole, and the state of a model that has judged them."""
    config = config_of(series)
    twenty = list(references(config, columns, HISTORIES - 1, int(weeks * 168)))
    own = MemoryStore()
    for reference in twenty:
        Fleet(own, config.app).publish(reference)
    bed = Bed(config, own)
    bed.fleet.refresh()
    bed.judge(twenty[0], HOURS)
    store = RedisStore(url, timeout_s=TIMEOUT_S)
    fleet = Fleet(store, config.app)
    fields: dict[bytes, bytes] = {}
    judged = own.peek(bed.evaluator.key)
    roster = Roster(series + 1)
    with Redis.from_url(url) as client:
        key = model_key(config.app, "fraud")
        client.hset(key, mapping={f: v for f, v in judged.items() if b":" not in f})
        for i in range(series + 1):
            like = twenty[i % HISTORIES]
            reference = like if i < HISTORIES else replace(like, series=segment(i - 1))
            fleet.publish(reference)
            chain = bed.evaluator.model.chains[like.series, like.kind]
            assert isinstance(chain, Chain)
            fields |= _state(chain, reference, judged)
            roster.enter(reference.series, reference.end_ms // DAY)
            if len(fields) >= AT_ONCE or i == series:
                client.hset(key, mapping=fields)
                fields.clear()
        client.hset(key, known_field(Kind.FEATURES), dump("roster", roster.payload()))


def _state(
    chain: Chain, reference: Reference, judged: dict[bytes, bytes]
) -> Iterator[tuple[bytes, bytes]]:
    """Give the stored state of a chain as that of another series with a reference like its own."""
    mine, series, kind = chain.series, reference.series, reference.kind
    head = chain.head()
    body = [series.version, series.segment, kind.value, [reference.digest, *head[1:]]]
    yield chain_field(series, kind), dump("chain", body)
    yield standing_field(series, kind), dump_standings(reference.digest, chain.standings)
    for part in parts_of(head):
        yield part_field(series, kind, *part), judged[part_field(mine, kind, *part)]
    for which, slot in product(range(len(reference.windows)), range(RESULTS_KEPT)):
        held = judged.get(result_field(mine, kind, which, slot))
        if held is not None:
            yield result_field(series, kind, which, slot), held


def load(url: str, series: int, columns: int, events: int) -> dict[str, float]:
    """Load, fold and judge what was prepared; tell the resident memory, in MB, after each step."""
    config, told = config_of(series), dict[str, float]()
    warm(columns)
    told["a process that has judged one series"] = resident()
    bed = Bed(config, RedisStore(url, timeout_s=TIMEOUT_S))
    told["and has loaded references and state"] = resident()
    panes = config.lateness_ms // config.pane_ms + 2
    bed.fold(columns, series, events, panes)
    told["and holds events of each series in every open pane"] = resident()
    known = bed.fleet.book.all()[0]
    bed.judge(known, 2, since=HOURS)
    told["and has judged all for two hours"] = resident()
    return told


def resident() -> float:
    """Tell the resident memory of this process, in MB."""
    (line,) = (x for x in Path("/proc/self/status").read_text().splitlines() if "VmRSS" in x)
    return round(int(line.split()[1]) * 1024 / MB, 1)


@click.command(help=__doc__)
@click.option("--series", type=COUNT, default=1_000, show_default=True, help="Segments.")
@of_a_fleet
@click.option("--step", type=click.Choice(["prepare", "load"]), hidden=True)
@click.option("--url", default="", hidden=True)
def main(series: int, columns: int, weeks: float, events: int, step: str | None, url: str) -> None:
    """Prepare and load, each in a process of its own."""
    if step == "prepare":
        prepare(url, series, columns, weeks)
    elif step == "load":
        click.echo(json.dumps(load(url, series, columns, events)))
    else:
        _measure(series, columns, weeks, events)


def _measure(series: int, columns: int, weeks: float, events: int) -> None:
    monitors = (series + 1) * (columns + 1)
    given = [f"--series={series}", f"--columns={columns}", f"--weeks={weeks}", f"--events={events}"]
    with tempfile.TemporaryDirectory() as folder, redis_process(Path(folder)) as url:
        if url is None:
            sys.exit("this machine has no redis-server")
        client: Any = Redis.from_url(url)
        empty = client.info("memory")["used_memory"]
        for step in ("prepare", "load"):
            command = [
                sys.executable,
                "-m",
                "benchmarks.fleet",
                f"--step={step}",
                f"--url={url}",
                *given,
            ]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
            used = client.info("memory")["used_memory"] - empty
            click.echo(
                f"Redis after {step}: {used / MB:,.0f} MB, {used / monitors:,.0f} bytes a monitor"
            )
    told = json.loads(out)
    first = min(told.values())
    click.echo(f"\n| {monitors:,} monitors | resident MB | bytes a monitor |\n|---|---:|---:|")
    for name, mb in told.items():
        click.echo(f"| {name} | {mb:,.0f} | {(mb - first) * MB / monitors:,.0f} |")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
