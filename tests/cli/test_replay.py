"""`driftbus replay`: alerts in one file, dead letters in another, nothing at all on an error."""

import gzip
import json
from pathlib import Path

import pytest

from tests.cli.command import (
    DRIFT_HOURS,
    EVERY_6_MINUTES,
    START,
    alerts,
    driftbus,
    events,
    rows,
    write_config,
    write_jsonl,
)

BROKEN = [b"{", b'{"model": "m"}', b'{"features": {}, "model": "m", "version": "1"}']


def test_any_batch_size_gives_the_same_bytes(weekly: Path, weeks: Path, tmp_path: Path) -> None:
    """However many events are folded at once, the files of alerts are equal and not empty."""
    files = []
    for size in (97, 100_000):
        files.append(tmp_path / f"alerts-{size}.jsonl")
        result = driftbus(
            "replay", "-c", weekly, weeks, "--alerts", files[-1], "--batch-size", size
        )
        assert result.exit_code == 0
    assert {alert["column"] for alert in alerts(files[0])} >= {"x", "error"}
    assert len({path.read_bytes() for path in files}) == 1


def test_files_apart_are_one_stream(config: Path, stream: Path, tmp_path: Path) -> None:
    """Each kind in a file of its own gives the alerts of all kinds in one."""
    lines = stream.read_bytes().splitlines()
    apart = [write_jsonl(tmp_path / f"{kind}.jsonl", lines[kind::3]) for kind in range(3)]
    one, three = tmp_path / "one", tmp_path / "three"
    assert driftbus("replay", "-c", config, stream, "--alerts", one).exit_code == 0
    assert driftbus("replay", "-c", config, *apart, "--alerts", three).exit_code == 0
    told = [[(a["column"], a["phase"], a["window"]) for a in alerts(path)] for path in (one, three)]
    assert told[0] == told[1]


def test_the_summary_tells_events_dead_letters_and_alerts(
    weekly: Path, weeks: Path, tmp_path: Path
) -> None:
    """The numbers on the screen are those of the files."""
    out = tmp_path / "alerts.jsonl"
    write_jsonl(weeks, [*weeks.read_bytes().splitlines(), *BROKEN])
    result = driftbus("replay", "-c", weekly, weeks, "--alerts", out)
    lines = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert lines["features"] == ["2,163", "3", "0"]
    assert lines["labels"] == ["2,160", "0", "0"]
    assert lines[str(len(alerts(out)))][0] == "alerts"
    assert "m/1 error" in result.stdout
    assert "replay: 100%, 6,483 events" in result.stderr


def test_what_cannot_be_read_is_kept_beside_the_alerts(config: Path, tmp_path: Path) -> None:
    """OUT.dlq has each broken line and its reason; a later clean run takes it away."""
    out, letters = tmp_path / "alerts.jsonl", tmp_path / "alerts.jsonl.dlq"
    good = events(rows(0.1))
    stream = write_jsonl(tmp_path / "s.jsonl", [*good, *BROKEN])
    assert driftbus("replay", "-c", config, stream, "--alerts", out).exit_code == 0
    told = letters.read_text().splitlines()
    assert len(told) == len(BROKEN)
    assert all('"reason":' in line for line in told)
    write_jsonl(stream, good)
    assert driftbus("replay", "-c", config, stream, "--alerts", out).exit_code == 0
    assert not letters.exists()


def test_windows_that_are_open_at_the_end_can_be_left(weekly: Path, tmp_path: Path) -> None:
    """Without the flush the last window is not judged, as a worker would not judge it yet."""
    drifting = rows(DRIFT_HOURS + 4, DRIFT_HOURS, EVERY_6_MINUTES)
    stream = write_jsonl(tmp_path / "s.jsonl", events(drifting))
    closed, left = tmp_path / "closed", tmp_path / "left"
    driftbus("replay", "-c", weekly, stream, "--alerts", closed)
    driftbus("replay", "-c", weekly, stream, "--alerts", left, "--no-flush")
    told = closed.read_text().splitlines()
    assert set(left.read_text().splitlines()) < set(told)


def test_quiet_says_nothing(config: Path, stream: Path, tmp_path: Path) -> None:
    """With --quiet only the exit code and the file speak."""
    result = driftbus("replay", "-c", config, stream, "--alerts", tmp_path / "a", "--quiet")
    assert (result.exit_code, result.output) == (0, "")


def test_a_missing_file_is_one_line_and_nothing_is_written(config: Path, tmp_path: Path) -> None:
    """The error names the file and what to do, with exit code 2, before anything is made."""
    before = set(tmp_path.iterdir())
    result = driftbus("replay", "-c", config, tmp_path / "no.csv", "--alerts", tmp_path / "out")
    assert result.exit_code == 2
    expected = (
        f"error: {tmp_path}/no.csv: cannot be read: No such file or directory; "
        "check the path and its permissions\n"
    )
    assert result.output == expected
    assert set(tmp_path.iterdir()) == before


def test_a_damaged_file_leaves_the_files_of_an_earlier_run(config: Path, tmp_path: Path) -> None:
    """A file that ends too early is noticed late: still the old answers stay and no new one comes."""
    packed = gzip.compress(b"".join(line + b"\n" for line in [*BROKEN, *events(rows(0.5))]))
    stream = tmp_path / "s.jsonl.gz"
    stream.write_bytes(packed[: len(packed) // 2])
    out, letters = tmp_path / "out", tmp_path / "out.dlq"
    out.write_text("old alerts")
    letters.write_text("old letters")
    before = set(tmp_path.iterdir())
    result = driftbus("replay", "-c", config, stream, "--alerts", out, "--quiet")
    assert (result.exit_code, result.output.count("\n")) == (2, 1)
    assert "the gzip file ends too early" in result.output
    assert (out.read_text(), letters.read_text()) == ("old alerts", "old letters")
    assert set(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("out", "told"), [("no/out", "its folder does not exist"), (".", "is a folder")]
)
def test_a_place_that_cannot_be_written_is_told_before_the_work(
    config: Path, stream: Path, tmp_path: Path, out: str, told: str
) -> None:
    """Nobody waits an hour to hear that the alerts have no place to go."""
    result = driftbus("replay", "-c", config, stream, "--alerts", tmp_path / out)
    assert result.exit_code == 2
    assert result.output.startswith("error: ")
    assert told in result.output


def test_a_reference_is_held_against_the_configuration(
    config: Path, stream: Path, tmp_path: Path
) -> None:
    """A reference of other panes ends the replay with 2, and says both."""
    ref, out = tmp_path / "r.ref", tmp_path / "out"
    assert driftbus("reference", "build", "-c", config, stream, "--out", ref).exit_code == 0
    other = write_config(tmp_path / "other.yaml", "")
    other.write_text(other.read_text().replace("pane: 1m", "pane: 5m"))
    result = driftbus("replay", "-c", other, "--reference", ref, stream, "--alerts", out)
    assert result.exit_code == 2
    assert "was built with panes of 1m and windows of 5m" in result.output
    assert not out.exists()


def test_two_references_for_the_same_are_refused(
    config: Path, stream: Path, tmp_path: Path
) -> None:
    """Which of two different baselines counts is not left to the order of the arguments."""
    one, two, out = tmp_path / "1.ref", tmp_path / "2.ref", tmp_path / "out"
    build = ("reference", "build", "-c", config, stream, "--quiet", "--out")
    assert driftbus(*build, one).exit_code == 0
    assert driftbus(*build, two, "--to", "2023-11-15T00:30:00Z").exit_code == 0
    replay = ("replay", "-c", config, stream, "--alerts", out, "--reference", one, "--reference")
    assert driftbus(*replay, one).exit_code == 0
    result = driftbus(*replay, two)
    assert result.exit_code == 2
    assert "both have a reference for m/1" in result.output


def test_what_is_read_is_never_written_over(config: Path, stream: Path) -> None:
    """The alerts, the dead letters and a reference keep away from the files that they come from."""
    before = stream.read_bytes()
    for command in (
        ("replay", "-c", config, stream, "--alerts", stream),
        ("reference", "build", "-c", config, stream, "--out", stream),
    ):
        result = driftbus(*command)
        assert result.exit_code == 2
        assert "would be overwritten" in result.output
    assert stream.read_bytes() == before


def test_a_row_of_another_width_is_put_aside_with_both_widths(tmp_path: Path) -> None:
    """Its bytes are kept; what is wrong is said in the words of tables, not of JSON."""
    table, out = tmp_path / "t.csv", tmp_path / "alerts.jsonl"
    table.write_text(f"ts,model,version,x\n{START},m,1,0.5\n{START},m,1\n{START},m,1,2,3\n")
    assert driftbus("replay", table, "--alerts", out).exit_code == 0
    letters = [json.loads(line) for line in Path(f"{out}.dlq").read_text().splitlines()]
    assert [letter["reason"] for letter in letters] == [
        "the row has 3 cells, the header has 4",
        "the row has 5 cells, the header has 4",
    ]
