"""The benchmark of detectors measures what it says, and tells of what it could not measure."""

import json
import os
import stat
import sys
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import CliRunner

from benchmarks.detectors import environments, run
from benchmarks.detectors.__main__ import main
from benchmarks.detectors.environments import NotInstalledError, interpreter
from benchmarks.detectors.figures import GOALS, Figure, Measured, compare
from benchmarks.detectors.run import Plan, measure
from benchmarks.detectors.streams import LEVELS, RATES, errors, numbers
from benchmarks.detectors.table import COST, MEMORY, cost_rows, document, memory_rows

OURS = ("ADWIN", "PageHinkley", "CUSUM", "EWMA", "DDM", "EDDM", "HDDMA", "HDDMW", "KSWIN")


def silent(_: str) -> None:
    pass


def test_a_quick_run_finds_our_detections_where_the_yardsticks_are(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(main, ["--quick", "--json", str(out)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    assert told["absent"] == {}
    ours = [figure for figure in told["figures"] if figure["library"] == "driftbus"]
    assert {(f["detector"], f["way"]) for f in ours} == {
        (name, way) for name in OURS for way in ("update", "update_many")
    }
    for figure in ours:
        assert figure["error"] is None
        assert figure["same_detections"], figure
        assert figure["detections"] > 0, figure
        assert figure["detector"] in ran.stdout
    for figure in (f for f in ours if f["detector"] == "ADWIN"):
        assert figure["state_bytes"] <= figure["state_bytes_max"]
        assert [mark["updates"] for mark in figure["rss_kb"]] == [0, 5_000, 20_000]
    assert "round 1 of 1: river: ADWIN, update" in ran.stderr


def test_streams_are_the_same_every_time_and_change_ten_times() -> None:
    n = 1 << 20
    assert numbers(n).tobytes() == numbers(n).tobytes()
    assert errors(n).tobytes() == errors(n).tobytes()
    assert set(errors(n).tolist()) == {0.0, 1.0}
    borders = [n >> k for k in range(10, 0, -1)]
    for values, levels in ((numbers(n), LEVELS), (errors(n), RATES)):
        means = [part.mean() for part in np.split(values, borders)]
        assert means == pytest.approx(levels, abs=0.06)


def figure(
    peer: str, way: str, cpu_s: list[float], found: list[int], values: int = 1_000
) -> Figure:
    return Figure("ADWIN", peer, way, values, cpu_s, found)


def test_the_median_of_all_passes_counts_and_speed_is_told_against_the_yardstick() -> None:
    river = figure("river", "update", [4e-4, 9e-4, 3e-4], [5, 70])
    many = figure("driftbus", "update_many", [4e-5, 2e-5, 9e-5], [5, 70])
    assert river.ns == pytest.approx(400)
    beside = compare(many, [many, river])
    assert beside is not None
    assert (beside.yardstick, beside.same, beside.expected) == ("river", True, 2)
    assert beside.speed == pytest.approx(10)
    assert beside.goal == GOALS["ADWIN"]["update_many"]


def test_a_goal_is_reached_or_missed_and_holds_for_ours_alone() -> None:
    river = figure("river", "update", [1e-3], [])
    quick, slow = (figure("driftbus", "update", [1e-3 * x], []) for x in (1.4, 1.6))
    other = figure("frouros", "update", [1e-3], [])
    verdicts = [compare(f, [river]) for f in (quick, slow, other)]
    assert [v.reached for v in verdicts if v] == [True, False, None]


def test_detections_are_compared_as_far_as_both_have_seen_the_stream() -> None:
    river = figure("river", "update", [1.0], [5, 70, 600], values=1_000)
    same = figure("frouros", "update", [1.0], [5, 70], values=100)
    late = figure("frouros", "update", [1.0], [5, 71], values=100)
    more = figure("frouros", "update", [1.0], [3, 5, 70], values=100)
    differ = [compare(f, [river]) for f in (same, late, more)]
    assert [d.first_difference for d in differ if d] == [None, 70, 3]
    assert [d.expected for d in differ if d] == [2, 2, 2]


def test_the_tables_tell_what_failed_and_what_is_not_there() -> None:
    measured = Measured([figure("river", "update", [1e-3], [])])
    measured.take("frouros", {"what": "error", "detector": "ADWIN", "way": "update",
                              "error": "ValueError: no"})  # fmt: skip
    measured.absent["capymoa"] = "did not install: no such version"
    rows = cost_rows(measured)
    assert [row[1] for row in rows] == ["river", "frouros", "capymoa"]
    assert [row[-1] for row in rows] == [
        "yardstick", "ValueError: no", "did not install: no such version",
    ]  # fmt: skip
    assert {len(row) for row in rows} == {len(COST)}
    told = document(measured, {})
    assert told["absent"] == measured.absent
    json.dumps(told)


def test_memory_is_told_as_growth_since_before_the_first_update() -> None:
    grown = figure("river", "update", [1.0], [])
    grown.rss_kb = [[0, 204_800], [1_000_000, 204_900], [2_500_000, 204_700]]
    (row,) = memory_rows(Measured([grown]))
    assert row[3:] == ["200", "+100 after 1 M", "-100 after 2.5 M", ""]
    assert len(row) == len(MEMORY)


@pytest.fixture
def peers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder for peers of our own, run by this Python."""
    (tmp_path / "peers").mkdir()
    (tmp_path / "process.py").symlink_to(Path(run.__file__).with_name("process.py"))
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "interpreter", lambda _: Path(sys.executable))
    return tmp_path / "peers"


PEER = """
import os
PACKAGES, VALUES_MAX = ("numpy",), 500
kept = []

class Odd:
    def update(self, values):
        print("not JSON")
        return [at for at, x in enumerate(values) if x > 6]

class Refuses(Odd):
    def update(self, values):
        raise ValueError("not this one")

class Grows(Odd):
    def update(self, values):
        kept.append(bytearray(os.urandom(1000)) * 5000)
        return []

class Dies(Odd):
    def update(self, values):
        os.write(2, b"out of luck")
        os._exit(3)

DETECTORS = {"ADWIN": Odd, "PageHinkley": Refuses, "CUSUM": Grows, "KSWIN": Dies}
WAYS = {"update": (list, lambda detector, values: detector.update(values))}
"""


def test_what_a_peer_prints_raises_or_dies_of_does_not_stop_the_run(peers: Path) -> None:
    (peers / "one.py").write_text(PEER)
    (peers / "two.py").write_text("import nothing_like_it\n")
    plan = Plan(("one", "two"), 2, values=20_000, few=100, marks=(20_000, 40_000))
    measured = measure(plan, silent)
    of = {f.detector: f for f in measured.figures}
    assert of["ADWIN"].values == 500
    assert len(of["ADWIN"].cpu_s) == 2 * 9  # rounds, and passes of what is soon done
    assert of["ADWIN"].found == np.flatnonzero(numbers(20_000)[:500] > 6).tolist()
    assert of["PageHinkley"].error == "ValueError: not this one"
    assert of["KSWIN"].error == "out of luck"
    assert measured.absent["two"].startswith("did not run: ModuleNotFoundError")
    assert measured.versions["one"]["numpy"] == np.__version__
    grown = of["CUSUM"].grown_kb
    assert [updates for updates, _ in grown] == [20_000, 40_000]
    assert grown[1][1] - grown[0][1] == pytest.approx(2 * 5_000_000 / 1024, rel=0.2)


def test_a_memory_measurement_ends_where_its_time_is_over(peers: Path) -> None:
    (peers / "one.py").write_text(PEER)
    plan = Plan(("one",), 1, values=20_000, few=100, marks=(20_000, 10_000_000), memory_s=0.0)
    (figure,) = [f for f in measure(plan, silent).figures if f.detector == "ADWIN"]
    assert [updates for updates, _ in figure.rss_kb] == [0, 10_000]


def python_that(says: str, returns: int, folder: Path) -> str:
    """Write a script in place of Python, which makes environments whose Python is itself."""
    script = folder / "python"
    script.write_text(f"""#!/bin/sh
if [ "$2" = venv ]; then mkdir -p "$3/bin" && cp "$0" "$3/bin/python"; exit 0; fi
echo "$@" >> {folder}/asked
echo "{says}" >&2
exit {returns}
""")
    script.chmod(script.stat().st_mode | stat.S_IXUSR)
    return str(script)


def test_an_environment_is_made_once_and_anew_when_a_version_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python_that("fine", 0, tmp_path))
    asked = tmp_path / "asked"
    for _ in range(2):
        assert interpreter("frouros", tmp_path / "all") == tmp_path / "all/frouros/bin/python"
    assert asked.read_text() == "-m pip install --quiet frouros==0.9.0\n"
    monkeypatch.setitem(environments.REQUIREMENTS, "frouros", ("frouros==0.8.0",))
    interpreter("frouros", tmp_path / "all")
    assert asked.read_text().splitlines()[1:] == ["-m pip install --quiet frouros==0.8.0"]


def test_what_does_not_install_says_its_last_line_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", python_that("much" + os.linesep + "no way", 1, tmp_path))
    with pytest.raises(NotInstalledError, match=r"^no way$"):
        interpreter("capymoa", tmp_path / "all")
    assert not (tmp_path / "all/capymoa").exists()


def test_charts_are_pictures_of_every_detector_measured(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.detectors.charts import draw  # noqa: PLC0415 - where there is matplotlib

    one = figure("river", "update", [1e-3], [])
    one.rss_kb = [[0, 1_000], [1_000_000, 90_000]]
    files = draw([one, figure("driftbus", "update_many", [1e-6], [])], tmp_path / "plots")
    assert [file.name for file in files] == ["detectors-cpu.png", "detectors-memory.png"]
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")


def test_a_library_that_does_not_exist_is_a_usage_error() -> None:
    ran = CliRunner().invoke(main, ["--peers", "river,pond"])
    assert ran.exit_code == 2
    assert "pond; there are driftbus, river" in ran.output
