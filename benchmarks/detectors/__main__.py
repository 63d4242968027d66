"""`python -m benchmarks.detectors --json FILE`: the sequential detectors beside those of other libraries.

Every library runs in processes of its own, with a Python environment of its own. `../README.md` says how to read it.
"""

from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from benchmarks.detectors.environments import REQUIREMENTS
from benchmarks.detectors.run import Plan, measure
from benchmarks.detectors.table import COST, MEMORY, cost_rows, document, memory_rows
from benchmarks.machine import machine
from benchmarks.outputs import OUT_FILE, OUT_FOLDER
from stream.run.terminal.tables import show_table

__all__ = ["main"]

QUICK = Plan(
    ("driftbus", "river", "textbook"), rounds=1, values=20_000, few=1_000,
    time_s=0.0, marks=(5_000, 20_000), memory_of=("ADWIN",),
)  # fmt: skip


@click.command()
@click.option("--json", "out", type=OUT_FILE,
              help="Where the figures go.")  # fmt: skip
@click.option("--peers", default=",".join(REQUIREMENTS), show_default=True,
              help="Which libraries are measured.")  # fmt: skip
@click.option("--repeat", type=click.IntRange(min=1), default=3, show_default=True,
              help="Rounds; the medians of all passes count.")  # fmt: skip
@click.option("--plots", type=OUT_FOLDER,
              help="A folder for charts as PNG; needs matplotlib.")  # fmt: skip
@click.option("--quick", is_flag=True,
              help="Short streams, once, and only what needs no environment of its own.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress.")
def main(
    out: Path | None, peers: str, repeat: int, plots: Path | None, quick: bool, quiet: bool
) -> None:
    """Measure detectors beside their peers: processor time, memory, and whether they agree."""
    chosen = peers.split(",")
    unknown = sorted(set(chosen) - set(REQUIREMENTS))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(REQUIREMENTS)}")
    plan = QUICK if quick else Plan(chosen, repeat)
    measured = measure(plan, lambda line: None if quiet else click.echo(line, err=True))
    told = document(
        measured,
        {
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "rounds": plan.rounds,
            "stream_values": {"few numbers": plan.few, "others": plan.values},
        },
    )
    if out is not None:
        out.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    show_table("Processor time of an update, and what was found", COST, cost_rows(measured))
    show_table("Memory", MEMORY, memory_rows(measured))
    if plots is not None:
        from benchmarks.detectors.charts import draw  # noqa: PLC0415 - matplotlib is an extra

        for file in draw(measured.figures, plots):
            click.echo(f"  {file}")


if __name__ == "__main__":
    main()
