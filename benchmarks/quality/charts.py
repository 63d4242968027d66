"""Charts as PNG: false alarms in control beside the budget, what is found beside what can be found, and the sweep."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.quality.figures import DRIFTBUS, POSSIBLE, Control, Measured, Power

__all__ = ["draw"]

DUMMIES = ("always", "every 48 windows")
OURS, OTHERS = (
    "#d1495b",
    ("#30638e", "#5b8e7d", "#8d6a9f", "#c98b2b", "#7a7a7a", "#4aa3a2", "#9c6644", "#b8b042"),
)
DPI = 120
WITHIN = 24
LEAST = 0.01
"""Fewer false alarms a week are drawn as so many, since the axis is logarithmic."""


def draw(measured: Measured, folder: Path) -> list[Path]:
    """Draw all charts that there are figures for into a folder, made if need be; give their files."""
    folder.mkdir(parents=True, exist_ok=True)
    own = [c for c in measured.controls if not c.matched and c.decider not in DUMMIES]
    compared = [c for c in own if c.where.group == "cells"]
    swept = [c for c in own if c.where.group != "cells"]
    files = []
    if compared:
        files.append(folder / "quality-false-alarms.png")
        _calm(compared, files[-1])
    if swept:
        files.append(folder / "quality-sweep.png")
        _swept(swept, files[-1])
    for group, name in (("cells", "quality-detection.png"), ("sampling", "quality-sampling.png")):
        powers = [p for p in measured.powers if p.where.group == group]
        if powers:
            files.append(folder / name)
            _sharp(powers, files[-1])
    return files


# -- in control ------------------------------------------------------------------------------------------------------


def _calm(controls: Sequence[Control], file: Path) -> None:
    """Draw a panel a length of history, with a dot for the rate of each decider in each cell."""
    short = min(c.where.history for c in controls)
    both = {
        "the shortest history": [c for c in controls if c.where.history == short],
        "longer histories": [c for c in controls if c.where.history != short],
    }
    panels = {name: of for name, of in both.items() if of}
    names = list(dict.fromkeys(c.decider for c in controls))
    height = sum(0.42 * len({c.where for c in of}) + 0.8 for of in panels.values()) + 1.2
    title = "False alarms a fleet-week while nothing drifts (own settings)"
    sheet, axes = _sheet(len(panels), height, title)
    for (pane,), (panel, of) in zip(axes, panels.items(), strict=True):
        places = list(dict.fromkeys(c.where for c in of))[::-1]
        for name, colour in _colours(names):
            _dots(pane, [c for c in of if c.decider == name], places, colour, name, scaled=False)
        for row, where in enumerate(places):
            limit = next(c.limit for c in of if c.where == where)
            pane.vlines(limit, row - 0.45, row + 0.45, color=OURS, linestyle="--", linewidth=1)
        pane.set_yticks(
            range(len(places)), [f"{where.cell}, {where.history} w" for where in places]
        )
        pane.set_xscale("log")
        pane.grid(axis="x", alpha=0.25)
        pane.set_title(panel, loc="left", fontsize=10)
    pane.set_xlabel(
        "incidents a fleet-week (dashed: the budget; line: upper 95 % bound; w: weeks of history)"
    )
    _legend(sheet, axes)
    sheet.savefig(file, dpi=DPI)


def _swept(controls: Sequence[Control], file: Path) -> None:
    """Draw the rate of each place of the sweep, with its bound, as a part of its budget."""
    places = [c.where for c in controls][::-1]
    title = "driftbus' false alarms as a part of the budget, by budget, fleet and sampling"
    sheet, axes = _sheet(1, 0.42 * len(places) + 1.8, title)
    pane = axes[0][0]
    _dots(pane, controls, places, OURS, DRIFTBUS, scaled=True)
    pane.axvline(1, color=OURS, linestyle="--", linewidth=1)
    labels = [f"{p.cell}: {p.monitors:,} monitors, {p.budget:g} a week" for p in places]
    pane.set_yticks(range(len(places)), labels)
    pane.set_xscale("log")
    pane.grid(axis="x", alpha=0.25)
    pane.set_xlabel("incidents over budget (dashed: all of it; line: upper 95 % bound)")
    sheet.savefig(file, dpi=DPI)


def _dots(
    pane: Any, controls: Sequence[Control], places: Sequence[object], colour: str, name: str, *, scaled: bool
) -> None:  # fmt: skip
    """Draw the rates of one decider, driftbus' with a line up to the bound."""
    rows = [places.index(c.where) for c in controls]
    units = [c.where.budget if scaled else 1.0 for c in controls]
    rates = [max(c.rate / u, LEAST) for c, u in zip(controls, units, strict=True)]
    ours = name == DRIFTBUS
    if ours:
        bounds = [max(c.upper / u, LEAST) for c, u in zip(controls, units, strict=True)]
        pane.hlines(rows, rates, bounds, colors=colour, linewidth=2)
    pane.plot(rates, rows, linestyle="", marker="D" if ours else "o", color=colour, label=name, alpha=0.85,
              zorder=4 if ours else 3)  # fmt: skip


# -- drift -----------------------------------------------------------------------------------------------------------


def _sharp(powers: Sequence[Power], file: Path) -> None:
    """Draw bars for what is found within a day, a panel a place, and a black line for what can be found at all."""
    told = [
        p
        for p in powers
        if (p.matched or p.decider in (DRIFTBUS, POSSIBLE)) and p.decider not in DUMMIES
    ]
    places = list(dict.fromkeys(p.where for p in told))
    names = [name for name in dict.fromkeys(p.decider for p in told) if name != POSSIBLE]
    title = f"Drift found within {WITHIN} windows, all at driftbus' false-alarm rate (line: can be found at all)"
    sheet, axes = _sheet(len(places), 2.4 * len(places) + 1.2, title)
    for (pane,), where in zip(axes, places, strict=True):
        of = [p for p in told if p.where == where]
        drifts = list(dict.fromkeys(p.drift for p in of))
        width = 0.8 / len(names)
        for i, (name, colour) in enumerate(_colours(names)):
            own = [p for p in of if p.decider == name]
            at = [drifts.index(p.drift) + (i - len(names) / 2 + 0.5) * width for p in own]
            pane.bar(at, [p.found(WITHIN) for p in own], width, color=colour, label=name)
        for p in of:
            if p.decider == POSSIBLE:
                at_drift = drifts.index(p.drift)
                pane.hlines(p.found(WITHIN), at_drift - 0.45, at_drift + 0.45, colors="black")
        pane.set_xticks(range(len(drifts)), drifts, fontsize=8)
        pane.set_ylim(0, 1.04)
        pane.set_title(f"{where.cell}, {where.history} weeks of history", loc="left", fontsize=10)
        pane.grid(axis="y", alpha=0.25)
    _legend(sheet, axes)
    sheet.savefig(file, dpi=DPI)


# -- sheets ----------------------------------------------------------------------------------------------------------


def _colours(names: list[str]) -> list[tuple[str, str]]:
    others = iter(OTHERS * len(names))
    return [(name, OURS if name == DRIFTBUS else next(others)) for name in names]


def _legend(sheet: Any, axes: Any) -> None:
    told: dict[str, Any] = {}
    for row in axes:
        for pane in row:
            for handle, label in zip(*pane.get_legend_handles_labels(), strict=True):
                if label not in told or not getattr(
                    told[label], "patches", True
                ):  # bars that are none have no colour
                    told[label] = handle
    sheet.legend(
        told.values(), told.keys(), loc="outside lower center", ncols=5, fontsize=8, frameon=False
    )


def _sheet(panels: int, height: float, title: str) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    sheet = Figure(figsize=(11, height), layout="constrained")
    FigureCanvasAgg(sheet)
    sheet.suptitle(title, fontsize=12)
    return sheet, sheet.subplots(panels, 1, squeeze=False)
