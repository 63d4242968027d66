"""From figures to a table, to Markdown, and to a file."""

from collections.abc import Mapping
from dataclasses import asdict

from benchmarks.peers.figures import Beside, Measured
from benchmarks.peers.peers import OURS, PEERS

__all__ = ["HEADER", "document", "markdown", "rows"]

HEADER = ("peer", "CPU us/event", "its own", "times driftbus", "goal", "RSS MB", "events")


def rows(measured: Measured) -> list[list[str]]:
    """Give the table: a line for each peer that was measured, then one for each that was not, with the reason."""
    lines = [_line(beside) for beside in measured.beside()]
    blank = [""] * (len(HEADER) - 2)
    return lines + [[PEERS[name].does, why, *blank] for name, why in measured.absent.items()]


def _line(beside: Beside) -> list[str]:
    peer = PEERS[beside.peer]
    goal = ""
    if beside.reached is not None:
        goal = f"{peer.goal:g} {'reached' if beside.reached else 'MISSED'}"
    elif beside.few and beside.times is not None and peer.goal:
        goal = f"{peer.goal:g}: too few events to tell"
    return [
        f"driftbus, {peer.does}" if beside.peer == OURS else peer.does,
        f"{beside.cpu_us:.2f}",
        f"{beside.own_us:.2f}" if peer.frames else "",
        "" if beside.times is None else f"{beside.times:.1f}",
        goal,
        f"{beside.rss_mb:.0f}",
        f"{beside.events:,}",
    ]


def markdown(measured: Measured, told: Mapping[str, object]) -> str:
    """Give the table for a page, with when and on what it was measured, and the versions of each peer."""
    machine = told["machine"]
    assert isinstance(machine, Mapping)
    where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_mb'] // 1000} GB"
    lines = [HEADER, ["---"] * len(HEADER), *rows(measured)]
    table = "\n".join(
        f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines
    )
    versions = "\n".join(
        f"- {name}: {', '.join(f'{package} {version}' for package, version in of.items())}"
        for name, of in measured.versions.items()
    )
    head = (
        f"    {told['command']}\n\n{told['date']}, {where}, {told['rounds']} rounds, medians; state of driftbus in "
        f"{measured.store or 'nothing'}."
    )
    return f"{head}\n\n{table}\n\n{versions}\n"


def document(measured: Measured, plan: dict[str, object]) -> dict[str, object]:
    """Give what the JSON file holds, beside `plan`, which says how it was measured."""
    return plan | {
        "store": measured.store,
        "versions": measured.versions,
        "absent": measured.absent,
        "figures": [_told(beside) for beside in measured.beside()],
        "runs": [asdict(run) for run in measured.runs],
    }


def _told(beside: Beside) -> dict[str, object]:
    peer = PEERS[beside.peer]
    return {
        "peer": beside.peer,
        "does": peer.does,
        "events": beside.events,
        "cpu_us_per_event": round(beside.cpu_us, 3),
        "own_cpu_us_per_event": round(beside.own_us, 3),
        "rss_mb": round(beside.rss_mb, 1),
        "times_driftbus": None if beside.times is None else round(beside.times, 3),
        "goal": peer.goal or None,
        "goal_reached": beside.reached,
    }
