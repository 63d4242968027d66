"""Charts as PNG: what the parts cost, a curve for every sweep, and the curve of sampling with what it still finds."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchmarks.throughput.case import MODES
from benchmarks.throughput.report import Figures

__all__ = ["draw"]

CPU = "cpu_us_per_event"
OURS, OTHER = "#d1495b", "#30638e"
DPI = 120
LOGARITHMIC = 8
"""A sweep over more than so many times its least value is drawn on a logarithmic axis."""


def draw(figures: Sequence[Figures], found: Mapping[float, float], folder: Path) -> list[Path]:
    """Draw all charts that there are figures for into a folder, made if need be; give their files.

    `found` has by rate the share of the detections of the unsampled run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    modes = [f for f in figures if f.case == replace(figures[0].case, mode=f.case.mode)]
    if len(modes) > 1:
        files.append(folder / "throughput-modes.png")
        _modes(modes, files[-1])
    for name, of in _swept(figures).items():
        files.append(folder / f"throughput-{name}.png")
        _curve(name, of, found if name == "sample" else {}, files[-1])
    return files


def _swept(figures: Sequence[Figures]) -> dict[str, list[Figures]]:
    """Find the parameters in which whole cases differ from the first of them, and nothing else, in order of values."""
    wholes = [f for f in figures if f.case.mode == "whole"]
    told: dict[str, list[Figures]] = {}
    for of in wholes:
        other = asdict(wholes[0].case)
        apart = [name for name, value in asdict(of.case).items() if value != other[name]]
        if len(apart) == 1:
            told.setdefault(apart[0], [wholes[0]]).append(of)
    return {name: _sorted(of, name) for name, of in told.items()}


def _sorted(figures: Sequence[Figures], name: str) -> list[Figures]:
    return sorted(figures, key=lambda f: getattr(f.case, name))


def _modes(figures: Sequence[Figures], file: Path) -> None:
    """Draw what each mode costs, one bar beneath the other."""
    sheet, pane = _sheet("Processor time an event", 1.2 + 0.5 * len(figures))
    of_mode = {f.case.mode: f for f in figures}
    rows = [mode for mode in reversed(MODES) if mode in of_mode]
    costs = [of_mode[mode][CPU] for mode in rows]
    colours = [OURS if mode == "whole" else OTHER for mode in rows]
    bars = pane.barh(rows, costs, color=colours)
    pane.bar_label(bars, [f"{cost:.2f}" for cost in costs], padding=4)
    pane.set_xlabel("us an event")
    sheet.savefig(file, dpi=DPI)


def _curve(name: str, figures: Sequence[Figures], found: Mapping[float, float], file: Path) -> None:
    """Draw the cost over a parameter, with the least and the most of the runs; and what is found, if known."""
    sheet, pane = _sheet(f"Processor time an event, by {name}", 4.2)
    values = [getattr(f.case, name) for f in figures]
    costs = [f[CPU] for f in figures]
    spans = [f.spread[CPU] for f in figures]
    below = [cost - least for cost, (least, _) in zip(costs, spans, strict=True)]
    above = [most - cost for cost, (_, most) in zip(costs, spans, strict=True)]
    at = values if all(isinstance(value, int | float) for value in values) else range(len(values))
    pane.errorbar(at, costs, yerr=(below, above), color=OURS, marker="o", capsize=3, label="CPU")
    if at is not values:
        pane.set_xticks(at, [str(value) for value in values])
    elif max(values) > LOGARITHMIC * min(values) > 0:
        pane.set_xscale("log")
        pane.set_xticks(values, [f"{value:g}" for value in values])
        pane.minorticks_off()
    pane.set_ylim(0)
    pane.set_xlabel(name)
    pane.set_ylabel("us an event", color=OURS)
    pane.grid(alpha=0.25)
    if found:
        beside = pane.twinx()
        rates = sorted(found)
        beside.plot(rates, [found[rate] for rate in rates], color=OTHER, marker="s")
        beside.set_ylim(0, 1.04)
        beside.set_ylabel("part of the unsampled detections", color=OTHER)
    sheet.savefig(file, dpi=DPI)


def _sheet(title: str, height: float) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    sheet = Figure(figsize=(8, height), layout="constrained")
    FigureCanvasAgg(sheet)
    sheet.suptitle(title, fontsize=12)
    return sheet, sheet.subplots()
