"""From figures to two tables and a file."""

from collections.abc import Sequence

from benchmarks.detectors.figures import Comparison, Figure, Measured, compare
from benchmarks.detectors.streams import STREAMS

__all__ = ["COST", "MEMORY", "cost_rows", "document", "in_order", "memory_rows"]

COST = (
    "detector",
    "library",
    "way",
    "ns/update",
    "speed",
    "goal",
    "detections",
    "as the yardstick",
)
MEMORY = ("detector", "library", "way", "RSS MB", "grown KB", "and later KB", "state bytes")


def cost_rows(measured: Measured) -> list[list[str]]:
    """Give the table of processor time and detections, with a line for each library that is not there."""
    rows = [_cost(figure, measured.figures) for figure in in_order(measured.figures)]
    for peer, reason in measured.absent.items():
        rows.append(["", peer, *[""] * (len(COST) - 3), reason])
    return rows


def _cost(figure: Figure, figures: Sequence[Figure]) -> list[str]:
    row = [figure.detector, figure.peer, figure.way]
    if figure.error is not None or figure.ns is None:
        return [*row, "", "", "", "", figure.error or "not measured"]
    row.append(f"{figure.ns:,.0f}" if figure.ns >= 100 else f"{figure.ns:.1f}")
    beside = compare(figure, figures)
    if beside is None:
        return [*row, "", "", f"{len(figure.found):,}", "another algorithm"]
    goal = ""
    if beside.goal is not None:
        goal = f"{beside.goal:.3g} {'reached' if beside.reached else 'MISSED'}"
    agreement = "yardstick" if figure.peer == beside.yardstick else _agreement(beside)
    return [*row, f"{beside.speed:.3g}", goal, f"{len(figure.found):,}", agreement]


def _agreement(beside: Comparison) -> str:
    if beside.same:
        return "the same"
    return f"{beside.yardstick} {beside.expected:,}, first apart at {beside.first_difference:,}"


def memory_rows(measured: Measured) -> list[list[str]]:
    """Give the table of memory: before, and how much it had grown after how many updates."""
    rows = []
    for figure in in_order(measured.figures):
        if not figure.rss_kb:
            continue
        grown = [f"{kb:+,} after {_count(updates)}" for updates, kb in figure.grown_kb]
        state = "" if figure.state_bytes is None else \
            f"{figure.state_bytes:,} of {figure.state_bytes_max:,}"  # fmt: skip
        before = f"{figure.rss_kb[0][1] / 1024:.0f}"
        rows.append(
            [figure.detector, figure.peer, figure.way, before, *[*grown, "", ""][:2], state]
        )
    return rows


def _count(updates: int) -> str:
    return f"{updates / 1e6:.3g} M" if updates >= 1_000_000 else f"{updates:,}"


def in_order(figures: Sequence[Figure]) -> list[Figure]:
    """Sort by detector, ours first within one, then as they were measured."""
    names = list(STREAMS)
    return sorted(figures, key=lambda f: (names.index(f.detector), f.peer != "driftbus"))


def document(measured: Measured, plan: dict[str, object]) -> dict[str, object]:
    """Give what the JSON file holds, beside `plan`, which says how it was measured."""
    return plan | {
        "versions": measured.versions,
        "absent": measured.absent,
        "figures": [_told(figure, measured.figures) for figure in in_order(measured.figures)],
    }


def _told(figure: Figure, figures: Sequence[Figure]) -> dict[str, object]:
    told: dict[str, object] = {
        "detector": figure.detector,
        "library": figure.peer,
        "way": figure.way,
        "error": figure.error,
        "values": figure.values,
        "ns_per_update": None if figure.ns is None else round(figure.ns, 2),
        "ns_per_update_passes": [round(s / figure.values * 1e9, 2) for s in figure.cpu_s],
        "detections": len(figure.found),
        "rss_kb": [{"updates": updates, "kb": kb} for updates, kb in figure.rss_kb],
        "state_bytes": figure.state_bytes,
        "state_bytes_max": figure.state_bytes_max,
    }
    beside = compare(figure, figures)
    if beside is None:
        return told
    return told | {
        "yardstick": beside.yardstick,
        "speed": round(beside.speed, 3),
        "goal": None if beside.goal is None else round(beside.goal, 3),
        "goal_reached": beside.reached,
        "same_detections": beside.same,
        "yardstick_detections": beside.expected,
        "first_difference": beside.first_difference,
    }
