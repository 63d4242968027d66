"""The figures of the quality benchmark add up, and the file, the tables and the charts say them."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.quality.charts import draw
from benchmarks.quality.figures import HORIZONS, Control, Cost, Measured, Power, Where
from benchmarks.quality.file import read, write
from benchmarks.quality.markdown import page
from benchmarks.quality.table import behind, tables

HERE = Where("ar_0.9", 4, 100, 1.0)
SWEPT = Where("mixed", 4, 1_000, 0.5, "fleets")
RUN = {
    "date": "2026", "seconds": 9, "jobs": 2, "machine": {"cpu": "abacus"}, "versions": {"numpy": "2"},
    "plan": {"groups": ["cells"]}, "seeds": {"tuning": [1, 4]},
}  # fmt: skip


def power(decider: str, *delays: float, matched: bool = False) -> Power:
    made = Power(HERE, "mean +0.5 sd", decider, matched)
    made.add(np.array(delays))
    return made


def control(
    decider: str = "driftbus", incidents: int = 0, weeks: float = 42, where: Where = HERE
) -> Control:
    return Control(
        where,
        decider,
        matched=False,
        limit=where.budget,
        incidents=incidents,
        weeks=weeks,
        asked=101,
    )


def measured() -> Measured:
    return Measured(
        [control(incidents=3), control("PSI > 0.1", 90), control(where=SWEPT)],
        [
            power("driftbus", 1, 30, np.inf, np.inf),
            power("PSI > 0.1", 1, 2, 3, np.inf, matched=True),
            power("possible", 1, 1, 1, 2),
        ],
        [Cost(20_000, 4, 50.0, 0.9, 1.0, 2_000.0, 20_000.0)],
        {"alibi-detect CVM": "absent"},
    )


def line(of: Measured, title: str, cell: str) -> list[str]:
    table = next(t for t in tables(of) if t.title.startswith(title))
    return next(cells for cells in table.lines if cells[0] == cell)


@given(st.lists(st.one_of(st.integers(1, 200).map(float), st.just(np.inf)), min_size=1))
def test_shares_and_the_median_are_those_of_the_delays(delays: list[float]) -> None:
    of = power("driftbus", *delays)
    assert of.trials == len(delays)
    for within in HORIZONS:
        assert of.found(within) == pytest.approx(np.mean(np.array(delays) <= within))
    told = np.where(np.array(delays) > max(HORIZONS), np.inf, delays)
    with np.errstate(invalid="ignore"):
        assert of.median == np.median(told)


def test_a_budget_is_kept_when_its_bound_is_and_broken_when_its_mean_is() -> None:
    for incidents, weeks, verdict in ((3, 42, "kept"), (3, 4, "open"), (50, 42, "BROKEN")):
        of = Measured([control(incidents=incidents, weeks=weeks)])
        assert line(of, "In control", "ar_0.9")[5] == verdict


def test_a_place_stays_apart_from_another_fleet_or_budget_of_the_same_cell() -> None:
    other = Where("ar_0.9", 4, 6, 0.02, "budgets")
    of = Measured([control(incidents=1), control(where=other)])
    assert of.control(HERE, "driftbus", matched=False) is of.controls[0]
    assert of.control(other, "driftbus", matched=False) is of.controls[1]
    assert line(of, "In control, budgets", "ar_0.9")[2:4] == ["6", "0.02"]


def test_what_is_possible_stands_first_beside_driftbus_at_either_rate() -> None:
    for title in ("Drift, cells, each", "Drift, cells, all"):
        table = next(t for t in tables(measured()) if t.title.startswith(title))
        assert table.header[4:6] == ["possible", "driftbus"]
        assert table.lines[1][4:6] == ["100/100/100/100 (1)", "25/25/50/50 (-)"]


def test_where_a_peer_finds_more_is_told() -> None:
    (better,) = behind(measured().powers)[:1]
    assert better[1:] == ("mean +0.5 sd", 2, "PSI > 0.1", 0.5, 0.25)
    assert line(measured(), "Where a peer", "ar_0.9")[3:] == ["2", "PSI > 0.1", "50%", "25%"]


def test_a_file_gives_back_what_was_written_and_parts_join_in_order(tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    write(file, measured(), [RUN])
    again, runs = read(file)
    assert again == measured()
    assert runs == [RUN]
    both = Measured.joined([again, Measured([control("KS p < 0.05")])])
    assert [c.decider for c in both.controls] == [
        "driftbus",
        "PSI > 0.1",
        "driftbus",
        "KS p < 0.05",
    ]


def test_the_page_has_every_table_with_as_many_cells_in_each_line() -> None:
    told = page(measured(), [RUN])
    for table in tables(measured()):
        assert table.title in told
    blocks = [block.splitlines() for block in told.split("\n\n") if block.startswith("|")]
    assert len(blocks) == len(list(tables(measured())))
    for block in blocks:
        assert len({row.count("|") for row in block}) == 1
    for text in ("abacus", "tuning 1 to 4", "numpy 2", "alibi-detect CVM: absent"):
        assert text in told


def test_a_chart_is_drawn_for_each_kind_of_figure(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    files = draw(measured(), tmp_path)
    assert [file.name for file in files] == [
        "quality-false-alarms.png", "quality-sweep.png", "quality-detection.png",
    ]  # fmt: skip
    assert all(file.stat().st_size > 5_000 for file in files)
    assert draw(Measured(), tmp_path) == []
