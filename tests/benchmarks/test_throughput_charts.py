"""Every sweep has its chart, the modes theirs."""

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.throughput.charts import draw
from tests.benchmarks.figures import BASE, figures

pytest.importorskip("matplotlib")


def test_there_is_a_chart_of_the_modes_and_one_of_every_sweep(tmp_path: Path) -> None:
    of = [
        figures(replace(BASE, mode="decode"), 2.5),
        figures(),
        *(figures(replace(BASE, sample=rate), 1 + 3 * rate) for rate in (1 / 64, 0.1, 0.5)),
        figures(replace(BASE, pane="1m")),
        figures(replace(BASE, features=100, models=3)),  # no sweep: two things differ
    ]
    files = draw(of, {1 / 64: 0.4, 0.1: 0.99, 1.0: 1.0}, tmp_path / "plots")
    names = ["throughput-modes.png", "throughput-sample.png", "throughput-pane.png"]
    assert [file.name for file in files] == names
    assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
