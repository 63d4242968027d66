"""Charts as PNG, to be shown in a page: what an update costs, and how memory grows."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.detectors.figures import Figure
from benchmarks.detectors.streams import STREAMS

__all__ = ["draw"]

OURS, YARDSTICK, OTHERS = "#d1495b", "#5b6770", "#b9c2c9"
COLUMNS = 3
PANEL_INCHES = (4.6, 2.3)
DPI = 120
ROOM_FOR_LABELS = 12.0
"""The axis ends at so many times the longest bar."""

MB = 1024
FLOOR_KB = 64
"""Less growth than this is drawn as this: pages come and go by as much."""

Bar = tuple[str, float, str, str]
"""Name, length, label, colour."""


def draw(figures: Sequence[Figure], folder: Path) -> list[Path]:
    """Draw all charts into a folder, made if need be; give their files."""
    folder.mkdir(parents=True, exist_ok=True)
    cost = folder / "detectors-cpu.png"
    _grid(figures, _cost, "Processor time of an update (logarithmic; shorter is better)", cost)
    memory = folder / "detectors-memory.png"
    _grid(figures, _growth, "Memory that updates have added (logarithmic; shorter is better)", memory)  # fmt: skip
    return [cost, memory]


def _cost(figure: Figure) -> Bar | None:
    if figure.ns is None:
        return None
    label = f"{figure.ns:,.0f} ns" if figure.ns < 1000 else f"{figure.ns / 1000:,.3g} µs"
    return _name(figure), figure.ns, label, _colour(figure)


def _growth(figure: Figure) -> Bar | None:
    if not figure.grown_kb:
        return None
    updates, kb = figure.grown_kb[-1]
    size = f"{kb / MB:,.1f} MB" if kb >= MB else f"{kb} KB" if kb > FLOOR_KB else "nothing"
    count = f"{updates / 1e6:.3g} M" if updates >= 1_000_000 else f"{updates / 1e3:.3g} k"
    return _name(figure), max(kb, FLOOR_KB), f"{size} in {count}", _colour(figure)


def _name(figure: Figure) -> str:
    return f"{figure.peer} {figure.way}"


def _colour(figure: Figure) -> str:
    return {"driftbus": OURS, "river": YARDSTICK, "textbook": YARDSTICK}.get(figure.peer, OTHERS)


def _grid(
    figures: Sequence[Figure], bar: Callable[[Figure], Bar | None], title: str, file: Path
) -> None:
    """Draw a panel of bars for every detector that driftbus has, on one scale."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure as Sheet  # noqa: PLC0415 - as above

    ours = {figure.detector for figure in figures if figure.peer == "driftbus" and bar(figure)}
    panels = [
        (name, [b for f in figures if f.detector == name and (b := bar(f))])
        for name in STREAMS
        if name in ours
    ]
    lengths = [length for _, bars in panels for _, length, _, _ in bars] or [1.0]
    most = max((len(bars) for _, bars in panels), default=0)
    rows = max(-(-len(panels) // COLUMNS), 1)
    sheet = Sheet(
        figsize=(PANEL_INCHES[0] * COLUMNS, PANEL_INCHES[1] * rows + 0.5), layout="constrained"
    )
    FigureCanvasAgg(sheet)
    sheet.suptitle(title, fontsize=13)
    grid = sheet.subplots(rows, COLUMNS, squeeze=False)
    for axes, panel in zip(grid.flat, [*panels, *[None] * (grid.size - len(panels))], strict=True):
        axes.set_axis_off()
        if panel is not None:
            _panel(axes, *panel, most, (min(lengths) / 2, max(lengths) * ROOM_FOR_LABELS))
    sheet.savefig(file, dpi=DPI)


def _panel(axes: Any, name: str, bars: list[Bar], most: int, span: tuple[float, float]) -> None:
    """Draw the bars of one detector, the shortest on top, each with its label; leave room for `most` bars."""
    axes.set_axis_on()
    axes.set_title(name, loc="left", fontsize=11, fontweight="bold")
    bars = sorted(bars, key=lambda b: -b[1])
    drawn = axes.barh(
        [b[0] for b in bars], [b[1] for b in bars], color=[b[3] for b in bars], log=True
    )
    axes.bar_label(drawn, [b[2] for b in bars], padding=3, fontsize=9)
    axes.set_xlim(span)
    axes.set_ylim(len(bars) - most - 0.5, len(bars) - 0.5)
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=9)
    for side in axes.spines.values():
        side.set_visible(False)
