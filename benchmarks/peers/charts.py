"""Two charts as PNG, to be shown in a page: what an event costs, and how much memory it takes."""

from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.peers.figures import Beside
from benchmarks.peers.peers import OURS, PEERS

__all__ = ["draw"]

OURS_COLOUR, OTHERS = "#d1495b", "#b9c2c9"
INCHES = (8.0, 3.6)
DPI = 120
ROOM_FOR_LABELS = 3.0
"""The logarithmic axis ends at so many times the longest bar; the other one gets a quarter more."""


def draw(peers: Sequence[Beside], folder: Path) -> list[Path]:
    """Draw both charts into a folder, made if need be; give their files."""
    folder.mkdir(parents=True, exist_ok=True)
    cpu, memory = folder / "peers-cpu.png", folder / "peers-memory.png"
    _bars(
        peers,
        lambda peer: (peer.cpu_us, _cost(peer)),
        "Processor time of an event (logarithmic; shorter is better)",
        cpu,
        log=True,
    )
    _bars(
        peers,
        lambda peer: (peer.rss_mb, f"{peer.rss_mb:,.0f} MB"),
        "Most memory of the process (shorter is better)",
        memory,
        log=False,
    )
    return [cpu, memory]


def _cost(peer: Beside) -> str:
    apart = f", {peer.own_us:.3g} of it its own" if PEERS[peer.peer].frames else ""
    return f"{peer.cpu_us:.3g} µs{apart}"


def _bars(
    peers: Sequence[Beside],
    bar: Callable[[Beside], tuple[float, str]],
    title: str,
    file: Path,
    *,
    log: bool,
) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - slow to import
    from matplotlib.figure import Figure  # noqa: PLC0415 - as above

    peers = sorted(peers, key=lambda peer: -bar(peer)[0])
    lengths = [bar(peer)[0] for peer in peers]
    sheet = Figure(figsize=INCHES, layout="constrained")
    FigureCanvasAgg(sheet)
    axes = sheet.subplots()
    axes.set_title(title, loc="left", fontsize=12)
    drawn = axes.barh(
        [OURS if peer.peer == OURS else PEERS[peer.peer].does for peer in peers],
        lengths,
        color=[OURS_COLOUR if peer.peer == OURS else OTHERS for peer in peers],
        log=log,
    )
    axes.bar_label(drawn, [bar(peer)[1] for peer in peers], padding=3, fontsize=9)
    most = max(lengths)
    axes.set_xlim((min(lengths) / 2, most * ROOM_FOR_LABELS) if log else (0, most * 1.25))
    axes.xaxis.set_visible(False)
    axes.tick_params(axis="y", length=0, labelsize=9)
    for side in axes.spines.values():
        side.set_visible(False)
    sheet.savefig(file, dpi=DPI)
