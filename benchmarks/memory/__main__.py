"""What a monitor costs in memory: part by part in a worker, and in Redis.

    python -m benchmarks.memory --chains 30 --columns 10

The chains of one model, segments with a reference each, fold some events of each open pane, then judge some hours. What
the parts hold is measured by walking them (an object that two parts share counts for the first), and held against what
Python has allocated meanwhile; a Redis, if the machine has one, tells what it takes for each kind of a field.
"""

import json
from contextlib import suppress
from pathlib import Path

import click

from benchmarks.memory.in_redis import in_redis
from benchmarks.memory.options import COUNT, of_a_fleet
from benchmarks.memory.parts import Weighed, weigh_parts
from benchmarks.outputs import OUT_FILE

__all__ = ["main"]

FLEET = 100_000
"""Monitors that the figures are extrapolated to."""


def show(weighed: Weighed) -> None:
    """Print the tables."""
    n = weighed.monitors
    for title, parts in (("in a worker", weighed.worker), ("in Redis", weighed.redis)):
        print(f"\n| {title} | bytes a monitor | MB of {FLEET:,} |\n|---|---:|---:|")
        for name, size in parts.items():
            if size >= n / 2:
                print(f"| {name} | {size / n:,.0f} | {size / n * FLEET / 1e6:,.0f} |")
        total = sum(parts.values())
        print(f"| sum | {total / n:,.0f} | {total / n * FLEET / 1e6:,.0f} |")
    print(f"\nAllocated: {weighed.allocated / n:,.0f} bytes a monitor.")
    for name, size in weighed.written.items():
        print(f"Written, {name}: {size / n:,.1f} bytes a monitor.")


@click.command(help=__doc__)
@click.option("--chains", type=COUNT, default=100, show_default=True, help="Segments.")
@of_a_fleet
@click.option("--hours", type=COUNT, default=25, show_default=True, help="Hours that are judged.")
@click.option("--json", "out", type=OUT_FILE, help="Where the figures go.")
def main(
    chains: int, columns: int, weeks: float, hours: int, events: int, out: Path | None
) -> None:
    """Weigh what is asked for."""
    weighed, hashes = weigh_parts(columns, chains, weeks, hours, events)
    weighed.redis = in_redis(hashes)
    show(weighed)
    if out:
        out.write_text(json.dumps(vars(weighed), indent=2) + "\n")


if __name__ == "__main__":
    with suppress(BrokenPipeError):
        main()
