"""The in-process feed counts every event and tells where the time goes."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from benchmarks.learned import build_reference
from benchmarks.throughput import memory
from benchmarks.throughput.__main__ import main
from benchmarks.throughput.case import Case
from benchmarks.throughput.memory import STAGES, Feed
from tests.benchmarks.figures import figures

CASE = Case(feed="memory", features=3, series=3, pane="2s", windows="4s,10s", lateness="0s")
EVENTS = 6_000
"""Two ms apart, as those of a warm-up."""


@pytest.fixture(scope="module", autouse=True)
def _learned_once() -> Iterator[None]:
    """Let all feeds of the case begin with what was learned once."""
    known = build_reference(CASE.config(), CASE.workload)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(memory, "build_reference", lambda *_: known)
        yield


def test_any_size_of_batches_takes_in_the_same_events_to_the_same_windows() -> None:
    feeds = [Feed(replace(CASE, consume_size=size)) for size in (1_000, 4_000)]
    for feed in feeds:
        feed.take(0, EVENTS)
        counters = [partition.fold_state.counters for partition in feed.partitions]
        assert sum(of.folded for of in counters) == EVENTS
        assert max(of.seen for of in counters) - min(of.seen for of in counters) <= 1_000
    windows = [feed.counts()["windows"] for feed in feeds]
    assert windows[0] == windows[1] > 0
    for feed in feeds:
        assert all(feed.spent[stage] > 0 for stage in STAGES)
        assert feed.store.kept() > 0


def test_arrow_messages_bring_the_same_events_to_the_same_windows() -> None:
    """Cut into messages by partition, so that the last of a round are shorter."""
    feeds = [Feed(replace(CASE, arrow=rows)) for rows in (0, 300)]
    for feed in feeds:
        feed.take(0, EVENTS)
        assert sum(p.fold_state.counters.folded for p in feed.partitions) == EVENTS
    json, arrow = feeds
    assert json.counts()["windows"] == arrow.counts()["windows"] > 0
    offsets = [p.fold_state.next_offset for p in arrow.partitions]
    assert sum(offsets) == sum(-(-p.fold_state.next_offset // 300) for p in json.partitions)


def test_the_stages_add_up_to_the_cost_from_the_command_to_its_file(tmp_path: Path) -> None:
    out = tmp_path / "figures.json"
    asked = ["--feed", "memory", "--sweep", "models=2", "--events", "4000", "--warm-up", "1000"]
    ran = CliRunner().invoke(main, [*asked, "--json", str(out)], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())
    (of,) = told["figures"]
    assert of["case"]["models"] == 2
    assert of["values"]["events"] == 4_000
    parts = sum(of["values"][f"{stage}_us"] for stage in STAGES)
    assert parts == pytest.approx(of["values"]["cpu_us_per_event"], rel=1e-3)
    assert told["advice"]
    assert told["advice"][0] in ran.output


def test_what_cannot_be_measured_is_a_usage_error(tmp_path: Path) -> None:
    for wrong, told in (
        (["--sweep", "speed=1"], "there is no parameter 'speed'"),
        (["--partitions", "8"], "the embedded broker has 4 partitions"),
        (["--profile", str(tmp_path / "p")], "only --feed memory can be profiled"),
        (["--against", str(Path(__file__))], "has no figures"),
        (["--sweep", "consume_size"], "'consume_size' is no sweep: write NAME=VALUE,VALUE"),
        (["--json", str(tmp_path / "none" / "x.json")], "there is no folder"),
        (["--plots", "/dev/null/charts"], "cannot be made"),
    ):
        ran = CliRunner().invoke(main, wrong)
        assert ran.exit_code == 2
        assert told in ran.output


def test_a_former_file_without_any_of_the_cases_and_charts_of_one_case_are_said_to_be_nothing(
    tmp_path: Path,
) -> None:
    former = tmp_path / "former.json"
    told = figures()
    former.write_bytes(
        orjson.dumps({"figures": [{"case": vars(told.case), "runs": 1, "values": told.values, "spread": told.spread}]})
    )  # fmt: skip
    asked = ["--feed", "memory", "--events", "2000", "--warm-up", "1000", "--quiet"]
    ran = CliRunner().invoke(main, [*asked, "--against", str(former), "--plots", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    assert "none of these cases is among the 1 of the former file" in ran.output
    assert "no chart: it takes several modes, or a sweep" in ran.output
