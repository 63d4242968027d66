"""`python -m tests.simulator`: run many schedules, or tell one step by step."""

import argparse
import os
import sys

from stream.bus.messages import spare_collector
from stream.run.terminal.progress import Progress
from tests.simulator.campaign import Result, campaign, told_steps


def main(arguments: list[str] | None = None) -> int:
    """Do what the command line says; 1 when a schedule differs from the uninterrupted run."""
    parser = argparse.ArgumentParser("python -m tests.simulator", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many schedules (1000)")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed (0)")
    parser.add_argument(
        "--jobs", type=int, default=os.cpu_count() or 1, help="processes (all cores)"
    )
    parser.add_argument("--seed", type=int, help="replay this one schedule")
    parser.add_argument("--steps", action="store_true", help="tell every step; with --seed")
    asked = parser.parse_args(arguments)
    spare_collector()  # as a worker does
    if asked.seed is not None:
        lines = list(told_steps(asked.seed))
        last = next(i for i in reversed(range(len(lines))) if lines[i].startswith("at rest after"))
        print("\n".join(lines if asked.steps else lines[last:]))
        return int(last + 1 < len(lines))
    seeds = range(asked.first, asked.first + asked.seeds)
    with Progress("simulate", unit="schedules") as progress:

        def after(result: Result) -> None:
            progress.part(result.seed + 1 - seeds.start, len(seeds))
            progress.events(1)

        total = campaign(seeds, asked.jobs, after)
    print("\n".join(total.report()))
    return int(bool(total.failed))


if __name__ == "__main__":
    sys.exit(main())
