"""The benchmark runs from its command to its file, on few events."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from benchmarks.throughput import measure
from benchmarks.throughput.__main__ import main


def test_every_mode_counts_every_event_and_fills_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(measure, "SETTLE_S", 1.0)
    out = tmp_path / "figures.json"
    ran = CliRunner().invoke(
        main, ["--json", str(out), "--events", "20000", "--warm-up", "5000"], catch_exceptions=False
    )
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    assert [run["case"]["mode"] for run in told["runs"]] == ["consume", "decode", "whole"]
    assert {run["case"]["events"] for run in told["runs"]} == {20_000}
    costs = [told[f"{of}cpu_us_per_event"] for of in ("consume_", "decode_", "")]
    assert 0 < costs[0] < costs[2]
    assert told["events_per_second"] > 0
    assert 50 < told["rss_mb_early"] <= told["rss_mb"]
    for mode in ("mode=consume", "mode=decode", "as it is"):
        assert mode in ran.output


def test_a_mode_that_does_not_exist_is_a_usage_error() -> None:
    ran = CliRunner().invoke(main, ["--modes", "whole,fast"])
    assert ran.exit_code == 2
    assert "fast; there are consume, decode, whole" in ran.output
