"""From figures to tables and a file."""

from collections.abc import Sequence
from math import isinf

from benchmarks.quality.figures import HORIZONS, Control, Measured, Power

__all__ = ["control_rows", "culprit_rows", "document", "power_rows"]

DRIFTBUS = "driftbus"
Rows = tuple[list[str], list[list[str]]]
"""A header and lines."""


def control_rows(measured: Measured, budget: float) -> Rows:
    """Give false alarms a fleet-week with their upper bounds: a line a cell, a column a decider at its own setting."""
    own = [c for c in measured.controls if not c.matched]
    names = list(dict.fromkeys(c.decider for c in own))
    lines = []
    for cell, history in dict.fromkeys((c.cell, c.history) for c in own):
        by_name = {c.decider: c for c in own if (c.cell, c.history) == (cell, history)}
        ours = by_name[DRIFTBUS]
        lines.append([
            cell, str(history), f"{ours.weeks:.0f}", _kept(ours, budget),
            *(_rate(by_name[name]) if name in by_name else "-" for name in names),
        ])  # fmt: skip
    return ["cell", "history", "weeks", "budget", *names], lines


def _kept(ours: Control, budget: float) -> str:
    """Say whether the budget holds: proven, not proven by so few weeks, or broken on average."""
    return "kept" if ours.upper <= budget else "open" if ours.rate <= budget else "BROKEN"


def _rate(control: Control) -> str:
    return f"{_short(control.rate)} ({_short(control.upper)}) {control.in_alarm:.0%}"


def _short(x: float) -> str:
    return f"{x:,.0f}" if x >= 100 else f"{x:.1f}" if x >= 10 else f"{x:.2f}"


def power_rows(measured: Measured, *, matched: bool) -> Rows:
    """Give detection: a line a cell and drift, a column a decider, driftbus beside the others in both tables."""
    powers = [p for p in measured.powers if p.matched == matched or p.decider == DRIFTBUS]
    names = list(dict.fromkeys(p.decider for p in powers))
    lines = []
    last = ("", 0)
    for cell, history, drift in dict.fromkeys((p.cell, p.history, p.drift) for p in powers):
        key = (cell, history, drift)
        if last != (cell, history):
            last = (cell, history)
            rates = {c.decider: c.rate for c in measured.controls if (c.cell, c.history) == last
                     and c.matched == (matched and c.decider != DRIFTBUS)}  # fmt: skip
            told = [_short(rates[name]) if name in rates else "-" for name in names]
            lines.append([cell, str(history), "(false alarms)", "", *told])
        by_name = {p.decider: p for p in powers if (p.cell, p.history, p.drift) == key}
        told = [_found(by_name[name]) if name in by_name else "-" for name in names]
        lines.append([cell, str(history), drift, str(by_name[DRIFTBUS].trials), *told])
    return ["cell", "history", "drift", "trials", *names], lines


def _found(power: Power) -> str:
    shares = "/".join(f"{power.found(within) * 100:.0f}" for within in HORIZONS)
    return f"{shares} {'-' if isinf(power.median) else f'{power.median:.0f}'}"


def culprit_rows(measured: Measured) -> Rows:
    """Give driftbus' false alarms by the verdict that told them, the cells with most of them first."""
    ours = [c for c in measured.controls if c.decider == DRIFTBUS and c.incidents]
    lines = [
        [c.cell, str(c.history), _short(c.rate), ", ".join(f"{k} {n}" for k, n in c.by_detector.most_common())]
        for c in sorted(ours, key=lambda c: -c.rate)
    ]  # fmt: skip
    return ["cell", "history", "a week", "incidents by detector"], lines


def document(measured: Measured, plan: dict[str, object]) -> dict[str, object]:
    """Give what the JSON file holds, beside `plan`, which says how it was measured."""
    return plan | {
        "absent": measured.absent,
        "in_control": [_control(c) for c in measured.controls],
        "drift": [_power(p) for p in measured.powers],
        "behind": _behind(measured.powers),
    }


def _control(control: Control) -> dict[str, object]:
    return {
        "cell": control.cell,
        "history_weeks": control.history,
        "decider": control.decider,
        "matched": control.matched,
        "setting": control.setting,
        "incidents": control.incidents,
        "fleet_weeks": round(control.weeks, 3),
        "rate": round(control.rate, 4),
        "rate_upper_95": round(control.upper, 4),
        "windows_in_alarm": round(control.in_alarm, 6),
        "by_detector": dict(control.by_detector.most_common()),
        "learning_monitors": control.learning,
        "cpu_s": round(control.seconds, 2),
    }


def _power(power: Power) -> dict[str, object]:
    return {
        "cell": power.cell,
        "history_weeks": power.history,
        "drift": power.drift,
        "decider": power.decider,
        "matched": power.matched,
        "trials": power.trials,
        "found_within": {str(within): round(power.found(within), 4) for within in HORIZONS},
        "median_delay": None if isinf(power.median) else power.median,
    }


def _behind(powers: Sequence[Power]) -> list[dict[str, object]]:
    """List where a peer at driftbus' rate finds more than driftbus within some number of windows."""
    ours = {(p.cell, p.history, p.drift): p for p in powers if p.decider == DRIFTBUS}
    return [
        {"cell": p.cell, "history_weeks": p.history, "drift": p.drift, "decider": p.decider, "within": within,
         "found": round(p.found(within), 4), "driftbus": round(own.found(within), 4)}
        for p in powers if p.matched
        for own in [ours[p.cell, p.history, p.drift]]
        for within in HORIZONS if p.found(within) > own.found(within) + 1e-9
    ]  # fmt: skip
