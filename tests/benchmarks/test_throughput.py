"""The benchmark runs from its command to its file, on few events."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import cast

import orjson
import pytest
from click.testing import CliRunner

from benchmarks import outputs
from benchmarks.broker import Broker
from benchmarks.meter import cpu_s
from benchmarks.throughput import passing, run
from benchmarks.throughput.__main__ import main
from benchmarks.throughput.case import Case
from benchmarks.throughput.figures import Measured
from tests.run.process import processes_of


def test_every_mode_counts_every_event_and_fills_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(passing, "SETTLE_S", 0.4)
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(
        main, ["--json", str(out), "--events", "60000", "--warm-up", "5000"], catch_exceptions=False
    )
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    assert [run["case"]["mode"] for run in told["runs"]] == ["consume", "decode", "whole"]
    assert {run["case"]["events"] for run in told["runs"]} == {60_000}
    costs = [told[f"{of}cpu_us_per_event"] for of in ("consume_", "decode_", "")]
    assert 0 < costs[0] < costs[2]
    assert told["events_per_second"] > 0
    assert 50 < told["rss_mb_early"] <= told["rss_mb"]
    for mode in ("mode=consume", "mode=decode", "as it is"):
        assert mode in ran.output


def test_a_measurement_that_is_asked_to_end_ends_its_workers(tmp_path: Path) -> None:
    """By SIGTERM as by Ctrl-C: no process and no folder is left behind."""
    command = [sys.executable, "-m", "benchmarks.throughput", "--modes", "whole", "--quiet"]
    with subprocess.Popen(command, env=os.environ | {"TMPDIR": str(tmp_path)}) as ran:
        try:
            end = time.monotonic() + 300
            # A worker that has worked for so long is known to who has started it.
            while not any(cpu_s(pid) > 0.3 for pid in processes_of(tmp_path)):
                assert ran.poll() is None
                assert time.monotonic() < end
                time.sleep(0.05)
            ran.terminate()
            assert ran.wait(120) == 128 + signal.SIGTERM
            assert processes_of(tmp_path) == {}
            assert list(tmp_path.iterdir()) == []
        finally:
            for pid in processes_of(tmp_path):
                os.kill(pid, signal.SIGKILL)


class Slow:
    """Takes its time: one order of events at every look, on a clock that moves by it."""

    def __init__(self) -> None:
        self.ordered, self.done, self.now = 0, 0, 0.0
        self.pids = ()

    def produce(self, n: int, rate: int = 0) -> None:
        self.ordered += n

    def consumed(self) -> int:
        self.now += 1.0
        self.done = min(self.ordered, self.done + passing.SLICE)
        return self.done

    def finish(self) -> dict[str, float]:
        return {}


def test_no_more_events_are_ordered_after_the_limit_though_some_are_still_on_their_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    slow = Slow()
    monkeypatch.setattr("benchmarks.throughput.passing.time.monotonic", lambda: slow.now)
    monkeypatch.setattr("benchmarks.throughput.passing.time.sleep", lambda _: None)
    broker = cast("Broker", slow)
    done = passing.pass_events(broker, slow, 10**9, 0, lambda _: None, limit_s=20.0)
    assert done == slow.ordered == slow.done
    assert done <= 20 * passing.SLICE + passing.AHEAD


def test_the_file_has_each_run_as_soon_as_it_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a measurement of an hour that is ended leaves what it has."""
    out, told = tmp_path / "figures.json", []

    def measure_case(case: Case, *_: object) -> Measured:
        told.append(len(orjson.loads(out.read_bytes())["runs"]) if out.exists() else 0)
        return Measured(case, 1_000, 1.0, 0.01, 100.0, 100.0, 100.0, None, {"wall_s": 1.0})

    monkeypatch.setattr(run, "measure", measure_case)
    asked = ["--json", str(out), "--sweep", "features=3,5,7", "--quiet"]
    ran = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    assert told == [0, 1, 2]


def test_a_mode_that_does_not_exist_is_a_usage_error() -> None:
    ran = CliRunner().invoke(main, ["--modes", "whole,fast"])
    assert ran.exit_code == 2
    assert "fast; there are consume, decode, whole" in ran.output


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (["--sweep", "workers=1,2", "--modes", "decode,whole"], "leave decode out of --modes"),
        (["--sweep", "features=0"], "features is 0: it must be 1 at least"),
        (["--bootstrap", "127.0.0.1:9092"], "use --feed kafka"),
    ],
)
def test_what_cannot_be_measured_is_refused_with_what_to_do(asked: list[str], told: str) -> None:
    ran = CliRunner().invoke(main, asked)
    assert ran.exit_code == 2
    assert told in " ".join(ran.output.split())


def test_charts_without_matplotlib_are_refused_before_anything_is_measured(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(outputs, "find_spec", lambda _: None)
    ran = CliRunner().invoke(main, ["--plots", str(tmp_path)])
    assert ran.exit_code == 2
    assert "driftbus[plots]" in ran.output
