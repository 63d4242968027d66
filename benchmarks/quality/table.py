"""From figures to tables, for a terminal and for a page alike."""

from collections.abc import Iterator, Sequence
from math import isinf
from typing import NamedTuple

from benchmarks.quality.figures import DRIFTBUS, HORIZONS, POSSIBLE, Control, Measured, Power, Where

__all__ = ["Table", "behind", "tables"]

WORTH = 0.05
"""A peer that finds so much more of the trials is told in a table; less may be chance, and is in the file."""
HOW = f"share found within {'/'.join(map(str, HORIZONS))} windows in %, median delay"


class Table(NamedTuple):
    """A title, a header and lines."""

    title: str
    header: list[str]
    lines: list[list[str]]


def tables(measured: Measured) -> Iterator[Table]:
    """Give all tables that there are figures for."""
    groups = dict.fromkeys(c.where.group for c in measured.controls)
    for group in groups:
        yield _control_table(group, [c for c in measured.controls if c.where.group == group])
    culprits = _culprit_lines(measured.controls)
    if culprits:
        header = [
            "cell",
            "history",
            "monitors",
            "budget",
            "a week",
            "by the verdict that told them",
        ]
        yield Table("driftbus' false alarms", header, culprits)
    for group in groups:
        powers = [p for p in measured.powers if p.where.group == group]
        for matched in (False, True):
            if any(p.matched == matched for p in powers):
                yield _power_table(group, measured, powers, matched=matched)
    better = [line for line in behind(measured.powers) if line[-2] - line[-1] >= WORTH]
    if better:
        yield Table(
            f"Where a peer at driftbus' false-alarm rate finds at least {WORTH:.0%} more",
            ["cell", "history", "drift", "within", "peer", "it finds", "driftbus"],
            [[w.cell, str(w.history), drift, str(within), peer, f"{its:.0%}", f"{ours:.0%}"]
             for w, drift, within, peer, its, ours in better],
        )  # fmt: skip
    if measured.costs:
        yield _cost_table(measured)


# -- in control ------------------------------------------------------------------------------------------------------


def _control_table(group: str, controls: Sequence[Control]) -> Table:
    """A line a place, a column a decider at its own setting."""
    own = [c for c in controls if not c.matched]
    names = list(dict.fromkeys(c.decider for c in own))
    lines = []
    for where in dict.fromkeys(c.where for c in own):
        by_name = {c.decider: c for c in own if c.where == where}
        ours = by_name[DRIFTBUS]
        lines.append([
            *_place(where), f"{ours.weeks:.0f}", _kept(ours), f"{ours.learning} of {ours.asked}",
            *(_rate(by_name[name]) if name in by_name else "-" for name in names),
        ])  # fmt: skip
    title = f"In control, {group}: incidents a fleet-week (upper 95 % bound), windows in alarm"
    return Table(
        title, ["cell", "history", "monitors", "budget", "weeks", "", "learning", *names], lines
    )


def _place(where: Where) -> list[str]:
    return [where.cell, str(where.history), f"{where.monitors:,}", f"{where.budget:g}"]


def _kept(ours: Control) -> str:
    """Say whether the budget holds: proven, not proven by so few weeks, or broken on average."""
    return "kept" if ours.upper <= ours.limit else "open" if ours.rate <= ours.limit else "BROKEN"


def _rate(control: Control) -> str:
    return f"{_short(control.rate)} ({_short(control.upper)}) {control.in_alarm:.0%}"


def _short(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def _culprit_lines(controls: Sequence[Control]) -> list[list[str]]:
    """Give the places with most incidents for their budget first."""
    ours = [c for c in controls if c.decider == DRIFTBUS and c.incidents]
    return [
        [*_place(c.where), _short(c.rate), ", ".join(f"{k} {n}" for k, n in c.by_detector.items())]
        for c in sorted(ours, key=lambda c: -c.rate / c.limit)
    ]


# -- drift -----------------------------------------------------------------------------------------------------------


def _power_table(
    group: str, measured: Measured, powers: Sequence[Power], *, matched: bool
) -> Table:
    """A line a drift, a column a decider; driftbus and what is possible at all stand in both tables."""
    always = (POSSIBLE, DRIFTBUS)
    told = [p for p in powers if p.matched == matched or p.decider in always]
    names = sorted(dict.fromkeys(p.decider for p in told), key=lambda name: name not in always)
    names.sort(key=lambda name: name != POSSIBLE)
    lines = []
    last = None
    for where, drift in dict.fromkeys((p.where, p.drift) for p in told):
        if where != last:
            last = where
            found = [
                measured.control(where, name, matched=matched and name != DRIFTBUS)
                for name in names
            ]
            rates = [_short(c.rate) if c else "-" for c in found]
            lines.append([where.cell, str(where.history), "(false alarms a week)", "", *rates])
        by_name = {p.decider: p for p in told if (p.where, p.drift) == (where, drift)}
        shares = [_found(by_name[name]) if name in by_name else "-" for name in names]
        lines.append(
            [where.cell, str(where.history), drift, str(by_name[DRIFTBUS].trials), *shares]
        )
    how = "all at driftbus' false-alarm rate" if matched else "each at its own setting"
    return Table(
        f"Drift, {group}, {how}: {HOW}", ["cell", "history", "drift", "trials", *names], lines
    )


def _found(power: Power) -> str:
    shares = "/".join(f"{power.found(within) * 100:.0f}" for within in HORIZONS)
    return f"{shares} ({'-' if isinf(power.median) else f'{power.median:.0f}'})"


Behind = tuple[Where, str, int, str, float, float]


def behind(powers: Sequence[Power]) -> list[Behind]:
    """List where a peer at driftbus' rate finds more: place, drift, within, peer, its share, driftbus' share."""
    ours = {(p.where, p.drift): p for p in powers if p.decider == DRIFTBUS}
    return [
        (p.where, p.drift, within, p.decider, p.found(within), own.found(within))
        for p in powers
        if p.matched
        for own in [ours[p.where, p.drift]]
        for within in HORIZONS
        if p.found(within) > own.found(within) + 1e-9
    ]


# -- cost ------------------------------------------------------------------------------------------------------------


def _cost_table(measured: Measured) -> Table:
    header = [
        "monitors",
        "history",
        "to learn",
        "a window",
        "slowest window",
        "stored a monitor",
        "in memory a monitor",
    ]
    lines = [
        [f"{c.monitors:,}", str(c.history), f"{c.fit_s:.0f} s", f"{c.window_s:.2f} s", f"{c.window_max_s:.2f} s",
         f"{c.stored_bytes / 1e3:.1f} KB", f"{c.resident_bytes / 1e3:.1f} KB"]
        for c in measured.costs
    ]  # fmt: skip
    return Table("What judging costs on one core", header, lines)
