"""The measurement of what binning does tells the truth about itself."""

import sys
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from benchmarks.binning import BINS, DATA, STATISTICS, agreement, draw_picture, main, table


@pytest.mark.parametrize("data", DATA)
def test_the_more_bins_the_closer_to_scipy_and_by_value_it_is_there(data: str) -> None:
    rows = agreement(data, references=1, windows=4, seed=0, n=60, m=300)
    assert len(rows) == len(BINS) * len(STATISTICS)
    for name in ("ks", "cramer_von_mises", "wasserstein"):
        few, *_, exact = [row for row in rows if row.statistic == name]
        assert exact.largest_difference < few.largest_difference
        assert exact.correlation >= few.correlation
        assert exact.correlation > 0.999
    for row in rows:
        if row.statistic == "mean":
            assert row.largest_difference < 1e-2
            assert row.correlation > 0.9999


def test_the_same_seed_gives_the_same_figures() -> None:
    first, again = (agreement("tied", 1, 2, seed=7, n=40, m=100) for _ in range(2))
    assert first == again
    assert first != agreement("tied", 1, 2, seed=8, n=40, m=100)


def test_the_command_writes_the_figures_and_what_they_hold_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And draws nothing unless asked: matplotlib is no dependency."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    out = tmp_path / "binning.json"
    done = CliRunner().invoke(
        main, ["--json", str(out), "--references", "1", "--windows", "1", "--seed", "3"]
    )
    assert done.exit_code == 0, done.output
    told = orjson.loads(out.read_bytes())
    assert (told["seed"], told["references"], told["windows"]) == (3, 1, 1)
    assert {"scipy", "numpy", "python"} <= set(told["versions"])
    assert len(told["rows"]) == len(DATA) * len(BINS) * len(STATISTICS)
    assert "| normal | ks | by value |" in done.output


def test_the_mean_has_one_line_of_the_table_for_each_kind_of_data() -> None:
    lines = table(agreement("normal", references=1, windows=1, seed=0, n=40, m=100))
    assert len(lines) == 2 + len(BINS) * (len(STATISTICS) - 1) + 1
    assert lines[-1].startswith("| normal | mean | any |")


def test_the_picture_is_a_png(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    rows = [row for data in DATA for row in agreement(data, 1, 2, seed=0, n=40, m=100)]
    draw_picture(rows, tmp_path / "binning.png")
    assert (tmp_path / "binning.png").read_bytes().startswith(b"\x89PNG")
