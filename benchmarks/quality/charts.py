"""Charts as PNG, to be shown in a page: false alarms in control, and what is found at the same rate."""

from pathlib import Path
from typing import Any

from benchmarks.quality.figures import Measured

__all__ = ["draw"]

DUMMIES = ("always", "every 48 windows")
OURS, OTHERS = (
    "#d1495b",
    ("#30638e", "#5b8e7d", "#8d6a9f", "#c98b2b", "#7a7a7a", "#4aa3a2", "#9c6644"),
)
DPI = 120
WITHIN = 24
LEAST = 0.01
"""Fewer false alarms a week are drawn as so many, since the axis is logarithmic."""


def draw(measured: Measured, budget: float, folder: Path) -> list[Path]:
    """Draw all charts into a folder, made if need be; give their files."""
    folder.mkdir(parents=True, exist_ok=True)
    calm = folder / "quality-false-alarms.png"
    _calm(measured, budget, calm)
    files = [calm]
    if measured.powers:
        sharp = folder / "quality-detection.png"
        _sharp(measured, sharp)
        files.append(sharp)
    return files


def _calm(measured: Measured, budget: float, file: Path) -> None:
    """Draw a dot for the rate of each decider in each cell, and a line up to the bound of driftbus'."""
    history = max((c.history for c in measured.controls), default=0)
    own = [c for c in measured.controls if not c.matched and c.decider not in DUMMIES]
    longest = {c.cell: max(o.history for o in own if o.cell == c.cell) for c in own}
    own = [c for c in own if c.history == longest[c.cell]]
    cells = list(longest)[::-1]
    names = list(dict.fromkeys(c.decider for c in own))
    sheet, axes = _sheet(
        1, 0.42 * len(cells) + 1.8, "False alarms a fleet-week while nothing drifts (own settings)"
    )
    pane = axes[0][0]
    for name, colour in _colours(names):
        of = [c for c in own if c.decider == name]
        rows = [cells.index(c.cell) for c in of]
        shown = [max(c.rate, LEAST) for c in of]
        if name == names[0]:
            pane.hlines(rows, shown, [max(c.upper, LEAST) for c in of], colors=colour, linewidth=2)
        pane.plot(shown, rows, "D" if name == names[0] else "o", color=colour, label=name, alpha=0.85,
                  zorder=4 if name == names[0] else 3)  # fmt: skip
    pane.axvline(budget, color=OURS, linestyle="--", linewidth=1)
    pane.set_xscale("log")
    pane.set_yticks(range(len(cells)), cells)
    pane.grid(axis="x", alpha=0.25)
    pane.set_xlabel(
        f"incidents a fleet-week (dashed: the budget; line: upper 95 % bound; history up to {history} weeks)"
    )
    sheet.legend(loc="outside lower center", ncols=5, fontsize=8, frameon=False)
    sheet.savefig(file, dpi=DPI)


def _sharp(measured: Measured, file: Path) -> None:
    """Draw bars for what is found within a day, a panel a cell, peers at driftbus' false-alarm rate."""
    powers = [
        p
        for p in measured.powers
        if (p.matched or p.decider == "driftbus") and p.decider not in DUMMIES
    ]
    longest = {p.cell: max(o.history for o in powers if o.cell == p.cell) for p in powers}
    powers = [p for p in powers if p.history == longest[p.cell]]
    names = list(dict.fromkeys(p.decider for p in powers))
    title = f"Drift found within {WITHIN} windows, all at driftbus' false-alarm rate"
    sheet, axes = _sheet(len(longest), 2.4 * len(longest) + 1.2, title)
    for (pane,), cell in zip(axes, longest, strict=True):
        drifts = list(dict.fromkeys(p.drift for p in powers if p.cell == cell))
        width = 0.8 / len(names)
        for i, (name, colour) in enumerate(_colours(names)):
            of = [p for p in powers if p.cell == cell and p.decider == name]
            at = [drifts.index(p.drift) + (i - len(names) / 2 + 0.5) * width for p in of]
            pane.bar(at, [p.found(WITHIN) for p in of], width, color=colour, label=name)
        pane.set_xticks(range(len(drifts)), drifts, fontsize=8)
        pane.set_ylim(0, 1.02)
        pane.set_title(f"{cell}, {longest[cell]} weeks of history", loc="left", fontsize=10)
        pane.grid(axis="y", alpha=0.25)
    handles, labels = axes[0][0].get_legend_handles_labels()
    sheet.legend(handles, labels, loc="outside lower center", ncols=4, fontsize=8, frameon=False)
    sheet.savefig(file, dpi=DPI)


def _colours(names: list[str]) -> list[tuple[str, str]]:
    others = (OTHERS * len(names))[: len(names)]
    return [
        (name, OURS if name == "driftbus" else other)
        for name, other in zip(names, others, strict=True)
    ]


def _sheet(panels: int, height: float, title: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    sheet = Figure(figsize=(11, height), layout="constrained")
    FigureCanvasAgg(sheet)
    sheet.suptitle(title, fontsize=12)
    return sheet, sheet.subplots(panels, 1, squeeze=False)
