"""The benchmark of peers gives all the same bytes, counts what each did, and tells of those it could not measure."""

import ast
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from benchmarks.detectors.environments import NotInstalledError, installed
from benchmarks.peers import run, topic, worker
from benchmarks.peers.__main__ import main
from benchmarks.peers.figures import Measured, Run
from benchmarks.peers.peers import OURS, PEERS, REPORT_EVERY
from benchmarks.peers.process import PeerError
from benchmarks.peers.programs.tell import Count
from benchmarks.peers.programs.usage import cpu_s, peak_mb
from benchmarks.peers.run import Plan, measure
from benchmarks.peers.table import HEADER, document, markdown, rows
from benchmarks.peers.worker import measure_worker
from benchmarks.throughput import figures, passing
from benchmarks.throughput.case import Case
from benchmarks.workload import Workload

PROGRAMS = Path(run.__file__).parent / "programs"
SHORT = Workload(warm_up=REPORT_EVERY)
MACHINE = {"cpu": "some", "cores": 2, "memory_mb": 4_200}


def silent(_: str) -> None:
    pass


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait less at the marks: here no figure is looked at that needs it."""
    monkeypatch.setattr(topic, "SETTLE_S", 0.1)
    monkeypatch.setattr(topic, "STUCK_S", 300.0)  # one that has to be imported first is not stuck
    monkeypatch.setattr(passing, "SETTLE_S", 0.5)


@pytest.mark.usefixtures("hurried")
def test_a_quick_run_measures_driftbus_beside_who_needs_no_environment(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    asked = ["--quick", "--peers", f"{OURS},faust,quix", "--json", str(out)]
    ran = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    assert told["absent"] == {}
    assert [figure["peer"] for figure in told["figures"]] == [OURS, "faust"]
    ours, faust = told["figures"]
    assert ours["times_driftbus"] == 1.0
    assert ours["goal_reached"] is None
    assert faust["times_driftbus"] > 1
    assert faust["goal_reached"] is None
    assert "25: too few events to tell" in ran.stdout
    assert told["versions"]["faust"]["river"]
    assert [run["events"] for run in told["runs"]] == [20_000, 20_000]
    assert told["runs"][1]["reports"] == 2
    assert all(run["rss_mb"] > 20 for run in told["runs"])
    assert "Faust agent + river" in ran.stdout


@pytest.mark.usefixtures("hurried")
@pytest.mark.parametrize("name", [name for name, peer in PEERS.items() if peer.requirements])
def test_a_peer_whose_environment_is_there_does_all_its_reports(name: str) -> None:
    if installed(name, requirements=PEERS[name].requirements) is None:
        pytest.skip(f"no environment; made by: python -m benchmarks.peers --peers {name}")
    measured = measure(Plan((name,), 2 * REPORT_EVERY, 1, SHORT), silent)
    assert measured.absent == {}
    (told,) = measured.runs
    assert told.reports == 2
    assert (told.decode_s is None) is not PEERS[name].frames
    assert 0 < (told.decode_s or 0.0) + 1e-9 < told.cpu_s
    assert measured.versions[name]["python"]


def test_who_does_not_install_run_or_last_is_told_with_the_reason(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def python_of(name: str) -> Path:
        if name == "quix":
            raise NotInstalledError("no such version")
        return Path(sys.executable)

    monkeypatch.setattr(run, "python_of", python_of)
    monkeypatch.setitem(PEERS, "pond", replace(PEERS["whylogs"], does="a pond"))
    monkeypatch.setitem(PEERS, "sea", replace(PEERS["confluent"], does="a sea"))
    measured = measure(Plan(("quix", "pond", "sea"), REPORT_EVERY, 1, SHORT), silent)
    assert measured.runs == []
    assert measured.absent["quix"] == "did not install: no such version"
    for name in ("pond", "sea"):
        assert measured.absent[name].startswith("did not run: ")
        assert measured.absent[name].endswith(f"No module named benchmarks.peers.programs.{name}")
    assert [row[0] for row in rows(measured)] == ["Quix Streams + river", "a pond", "a sea"]
    assert {len(row) for row in rows(measured)} == {len(HEADER)}


def test_driftbus_is_measured_as_the_default_case_of_the_throughput(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[Case] = []

    def measure_case(case: Case, *_: object, **__: object) -> figures.Measured:
        asked.append(case)
        more = {"windows": 7.0, "rss_peak_mb": 310.0}
        return figures.Measured(case, 20_000, 0.5, 0.08, 300.0, 290.0, 295.0, "redis", more)

    monkeypatch.setattr(worker, "measure", measure_case)
    measured = Measured()
    told = measure_worker(20_000, SHORT, measured)
    assert asked == [Case(events=20_000, warm_up=SHORT.warm_up)]
    assert asked[0].workload == SHORT
    assert told == Run(OURS, 20_000, 0.08, None, 0.5, 310.0, 7, None)
    assert measured.store == "redis"


def test_a_worker_that_does_not_come_up_leaves_the_others_their_figures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def measure_case(*_: object, **__: object) -> figures.Measured:
        raise RuntimeError("it did not come up")

    monkeypatch.setattr(worker, "measure", measure_case)
    with pytest.raises(PeerError, match="it did not come up"):
        measure_worker(20_000, SHORT, Measured())


def one_run(
    peer: str,
    us: float,
    *,
    decode_us: float | None = None,
    rss_mb: float = 100.0,
    events: int = 1_000_000,
) -> Run:
    decode_s = None if decode_us is None else decode_us / 1e6 * events
    return Run(peer, events, us / 1e6 * events, decode_s, 1.0, rss_mb, 1, None)


def test_medians_of_the_runs_are_compared_and_memory_is_the_most_of_them() -> None:
    runs = [one_run(OURS, us) for us in (9.0, 4.0, 3.0)]
    runs += [one_run("faust", us, rss_mb=us) for us in (100.0, 900.0, 120.0)]
    ours, faust = Measured(runs).beside()
    assert (ours.cpu_us, faust.cpu_us) == pytest.approx((4.0, 120.0))
    assert faust.times == pytest.approx(30.0)
    assert faust.rss_mb == 900.0
    assert faust.reached is True


def test_a_goal_is_reached_or_missed_and_nobody_has_one_without_driftbus() -> None:
    runs = [one_run(OURS, 4.0), one_run("faust", 99.0), one_run("confluent", 20.1)]
    assert [b.reached for b in Measured(runs).beside()] == [None, False, True]
    assert [b.reached for b in Measured(runs[1:]).beside()] == [None, None]


@pytest.mark.parametrize("few", [OURS, "faust"])
def test_too_few_events_of_either_reach_and_miss_no_goal(few: str) -> None:
    """Their processor time is a handful of ticks, and what comes once or every second weighs more than they do."""
    events = {OURS: 1_000_000, "faust": 1_000_000} | {few: 5_000}
    runs = [one_run(OURS, 4.0, events=events[OURS]), one_run("faust", 90.0, events=events["faust"])]
    measured = Measured(runs)
    assert [b.reached for b in measured.beside()] == [None, None]
    assert [row[4] for row in rows(measured)] == ["", "25: too few events to tell"]


def test_making_data_frames_is_in_the_cost_and_told_apart() -> None:
    measured = Measured([one_run(OURS, 4.0), one_run("nannyml", 6.0, decode_us=3.5)])
    _, nannyml = measured.beside()
    assert (nannyml.cpu_us, nannyml.own_us) == pytest.approx((6.0, 2.5))
    assert nannyml.times == pytest.approx(1.5)
    assert rows(measured)[1][1:5] == ["6.00", "2.50", "1.5", "1 reached"]


def test_the_page_has_the_command_the_machine_the_table_and_the_versions() -> None:
    measured = Measured([one_run(OURS, 4.0), one_run("faust", 99.0)], {"faust": {"river": "1.2"}})
    measured.absent["quix"] = "did not run: a | in it"
    told = document(measured, {"command": "me", "date": "now", "machine": MACHINE, "rounds": 2})
    json.dumps(told)
    page = markdown(measured, told)
    assert page.startswith("    me\n\nnow, some, 2 cores, 4 GB, 2 rounds, medians")
    assert "| Faust agent + river | 99.00 |  | 24.8 | 25 MISSED | 100 | 1,000,000 |" in page
    assert "| Quix Streams + river | did not run: a / in it |" in page
    assert "- faust: river 1.2" in page


def test_charts_are_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from benchmarks.peers.charts import draw  # noqa: PLC0415 - where there is matplotlib

    peers = Measured([one_run(OURS, 4.0), one_run("nannyml", 6.0, decode_us=3.5)]).beside()
    files = draw(peers, tmp_path / "plots")
    assert [file.name for file in files] == ["peers-cpu.png", "peers-memory.png"]
    for file in files:
        assert file.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("program", sorted(PROGRAMS.glob("*.py")), ids=lambda file: file.stem)
def test_a_program_imports_nothing_of_ours_but_its_neighbours(program: Path) -> None:
    """The environment of a peer has none of what the rest of the checkout needs."""
    ours = ("benchmarks", "stream", "detectors", "sinks", "tests")
    named = {
        node.module
        for node in ast.walk(ast.parse(program.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module
    } | {
        alias.name
        for node in ast.walk(ast.parse(program.read_text()))
        if isinstance(node, ast.Import)
        for alias in node.names
    }
    strange = {
        name
        for name in named
        if name.split(".")[0] in ours and not name.startswith("benchmarks.peers.programs.")
    }
    assert strange == set()


def test_the_packages_around_the_programs_import_nothing() -> None:
    for package in (PROGRAMS, PROGRAMS.parent, PROGRAMS.parents[1]):
        tree = ast.parse((package / "__init__.py").read_text())
        assert not any(isinstance(node, ast.Import | ast.ImportFrom) for node in ast.walk(tree))


def test_numbers_of_a_count_are_seen_by_whoever_has_its_file(tmp_path: Path) -> None:
    one, other = Count(tmp_path / "count"), Count(tmp_path / "count")
    one.events, one.reports, one.drifts = 2**40, 7, 1
    assert (other.events, other.reports, other.drifts) == (2**40, 7, 1)


@pytest.fixture
def reference(tmp_path: Path) -> Path:
    file = tmp_path / "reference"
    file.write_bytes(b"\n".join(SHORT.values(SHORT.bodies(seed=2), 0, 20_000)))
    return file


def test_the_river_work_finds_nothing_in_its_own_stream_and_much_in_another(
    reference: Path, tmp_path: Path
) -> None:
    pytest.importorskip("river")
    from benchmarks.peers.programs.river_work import RiverWork  # noqa: PLC0415 - where there is river

    work = RiverWork(reference, Count(tmp_path / "count"))
    for value in SHORT.values(SHORT.bodies(), 0, REPORT_EVERY):
        work.event(value)
    assert (work.count.events, work.count.reports) == (REPORT_EVERY, 1)
    assert sorted(work.psi) == ["channel", *(f"f{j:02}" for j in range(10))]
    assert all(0 < of < 0.02 for of in work.psi.values())
    before = work.count.drifts
    other = orjson.loads(SHORT.values(SHORT.bodies(), 0, 1)[0])
    for _ in range(REPORT_EVERY):
        work.event(orjson.dumps(other))
    assert work.count.reports == 2
    assert all(of > 1 for of in work.psi.values())
    assert work.count.drifts > before


def test_psi_is_zero_of_equal_shares_and_the_formula_elsewhere() -> None:
    pytest.importorskip("river")
    from benchmarks.peers.programs.river_work import psi  # noqa: PLC0415 - where there is river

    assert psi([10, 30], [1, 3]) == pytest.approx(0.0)
    assert psi([50, 50], [75, 25]) == pytest.approx(0.25 * 1.0986122886681098)
    assert psi([100, 0], [0, 100]) == pytest.approx(2 * (1 - 1e-4) * 9.210340371976182)


def test_what_children_use_counts_while_they_live_and_when_they_have_ended() -> None:
    code = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < 0.4: pass\\nprint(flush=True)\\ninput()"
with subprocess.Popen([sys.executable, "-c", burn], stdin=subprocess.PIPE) as child:
    input()
print(flush=True)
input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdout.readline()
        alive = cpu_s(process.pid)
        process.stdin.write(b"\n")
        process.stdout.readline()
        assert cpu_s(process.pid) >= alive >= 0.4
        process.stdin.write(b"\n")


def test_the_peak_of_memory_stays_when_memory_is_given_back() -> None:
    before = peak_mb(os.getpid())
    held = bytearray(300_000_000)
    held[::4096] = b"x" * len(held[::4096])
    del held
    assert peak_mb(os.getpid()) >= before
    assert peak_mb(os.getpid()) >= 300


def test_a_peer_that_does_not_exist_or_a_part_of_a_report_is_a_usage_error() -> None:
    ran = CliRunner().invoke(main, ["--peers", "quix,pond"])
    assert ran.exit_code == 2
    assert "pond; there are driftbus, faust" in ran.output
    ran = CliRunner().invoke(main, ["--events", "12345"])
    assert ran.exit_code == 2
    assert "multiple of 10,000" in ran.output
