"""`python -m benchmarks.peers --json FILE`: what an event costs driftbus, and what other ways to watch it cost.

Every peer gets the same bytes in a process of its own, with a Python environment of its own. `../README.md` says how to
read it.
"""

import sys
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

import click
import orjson

from benchmarks.machine import machine
from benchmarks.outputs import OUT_FILE, OUT_FOLDER
from benchmarks.peers.peers import PEERS, REPORT_EVERY
from benchmarks.peers.run import Plan, measure
from benchmarks.peers.table import HEADER, document, markdown, rows
from benchmarks.workload import Workload
from stream.run.terminal.ended import ended_by_signals
from stream.run.terminal.tables import show_table

__all__ = ["main"]

QUICK_EVENTS = 2 * REPORT_EVERY
QUICK_WORKLOAD = Workload(warm_up=REPORT_EVERY)


@click.command()
@click.option("--json", "out", type=OUT_FILE,
              help="Where the figures go.")  # fmt: skip
@click.option("--peers", default=",".join(PEERS), show_default=True,
              help="Who is measured.")  # fmt: skip
@click.option("--events", type=click.IntRange(min=REPORT_EVERY), default=2_000_000,
              show_default=True, help="Events after the warm-up; who is slow gets fewer.")  # fmt: skip
@click.option("--repeat", type=click.IntRange(min=1), default=1, show_default=True,
              help="Runs of each, in turn; the medians count.")  # fmt: skip
@click.option("--warm-up", type=click.IntRange(min=1_000), default=100_000, show_default=True,
              help="Events that go before those measured.")  # fmt: skip
@click.option("--plots", type=OUT_FOLDER,
              help="A folder for charts as PNG; needs matplotlib.")  # fmt: skip
@click.option("--markdown", "page", is_flag=True,
              help="The table as Markdown, with versions, instead of as text.")  # fmt: skip
@click.option("--quick", is_flag=True,
              help="Few events, once, and only what needs no environment of its own.")  # fmt: skip
@click.option("--quiet", is_flag=True, help="No progress.")
@ended_by_signals()
def main(
    out: Path | None, peers: str, events: int, repeat: int, warm_up: int, plots: Path | None,
    page: bool, quick: bool, quiet: bool,
) -> None:  # fmt: skip
    """Measure driftbus beside its peers: processor time of an event, and memory."""
    chosen = peers.split(",")
    unknown = sorted(set(chosen) - set(PEERS))
    if unknown:
        raise click.BadParameter(f"{', '.join(unknown)}; there are {', '.join(PEERS)}")
    if events % REPORT_EVERY:
        raise click.BadParameter(f"events must be a multiple of {REPORT_EVERY:,}")
    plan = Plan(chosen, events, repeat, Workload(warm_up=warm_up))
    if quick:
        chosen = [name for name in chosen if not PEERS[name].requirements]
        plan = Plan(chosen, QUICK_EVENTS, 1, QUICK_WORKLOAD)
    measured = measure(plan, lambda line: None if quiet else click.echo(line, err=True))
    told = document(
        measured,
        {
            "command": " ".join(["python -m benchmarks.peers", *sys.argv[1:]]),
            "date": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "rounds": plan.rounds,
            "workload": asdict(plan.workload),
        },
    )
    if out is not None:
        out.write_bytes(orjson.dumps(told, option=orjson.OPT_INDENT_2) + b"\n")
    if page:
        click.echo(markdown(measured, told), nl=False)
    else:
        show_table("Processor time of an event, and memory", HEADER, rows(measured))
        for name, of in measured.versions.items():
            click.echo(f"  {name}: {', '.join(f'{one} {version}' for one, version in of.items())}")
    if plots is not None and measured.runs:
        from benchmarks.peers.charts import draw  # noqa: PLC0415 - matplotlib is an extra

        for file in draw(measured.beside(), plots):
            click.echo(f"  {file}", err=page)


if __name__ == "__main__":
    main()
