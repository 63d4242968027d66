"""`driftbus reference build` and `show`: what is learned, from when to when, and how it is shown."""

import random
from pathlib import Path

import orjson
import pytest

from sinks.event import rfc3339
from stream.reference.file import read_references, write_references
from stream.reference.reference import ALWAYS
from stream.words import Kind
from tests.cli.command import START, driftbus, events, rows, write_csv, write_jsonl
from tests.evaluate.hours import hours
from tests.evaluate.hours import reference as reference_of

HALF = START + 1_800_000
HOUR = START + 3_600_000


def test_a_table_and_lines_of_the_same_give_the_same_reference(
    config: Path, stream: Path, tmp_path: Path
) -> None:
    """The form of the file leaves no trace in the reference, not even one byte."""
    table = write_csv(tmp_path / "stream.csv", rows())
    lines_ref, table_ref = tmp_path / "lines.ref", tmp_path / "table.ref"
    assert driftbus("reference", "build", "-c", config, stream, "--out", lines_ref).exit_code == 0
    assert driftbus("reference", "build", "-c", config, table, "--out", table_ref).exit_code == 0
    assert lines_ref.read_bytes() == table_ref.read_bytes()


def test_every_kind_is_learned_whole(config: Path, stream: Path, tmp_path: Path) -> None:
    """Features, predictions, labels and their errors: all events, over all panes, from always."""
    ref = tmp_path / "r.ref"
    result = driftbus("reference", "build", "-c", config, stream, "--out", ref)
    found = {reference.kind: reference for reference in read_references(ref)}
    assert set(found) == set(Kind)
    assert {reference.total.n for reference in found.values()} == {1_440}
    assert {(r.start_ms, r.end_ms) for r in found.values()} == {(START, START + 7_200_000)}
    assert {(r.number, r.from_pane, r.origin) for r in found.values()} == {(1, ALWAYS, "file")}
    assert {len(r.histories[0]) for r in found.values()} == {24}
    assert "learned 4 references" in result.stdout


@pytest.mark.parametrize("form", ["ms", "rfc3339"])
def test_a_range_learns_what_lies_in_it_and_nothing_else(
    config: Path, stream: Path, tmp_path: Path, form: str
) -> None:
    """The reference of a range equals that of a file which holds only the range."""
    within = [row for row in rows() if HALF <= int(str(row["ts"])) < HOUR]
    only = write_jsonl(tmp_path / "only.jsonl", events(within))
    ranged, plain = tmp_path / "ranged.ref", tmp_path / "plain.ref"
    build = ("reference", "build", "-c", config)
    start, end = (HALF, HOUR) if form == "ms" else (rfc3339(HALF), rfc3339(HOUR))
    told = driftbus(*build, stream, "--out", ranged, "--from", start, "--to", end)
    assert told.exit_code == 0
    assert driftbus(*build, only, "--out", plain).exit_code == 0
    assert ranged.read_bytes() == plain.read_bytes()


def test_a_day_is_a_time(config: Path, stream: Path, tmp_path: Path) -> None:
    """`--from` of the next day finds nothing: the stream ends before it."""
    build = ("reference", "build", "-c", config, stream, "--out", tmp_path / "r", "--from")
    assert driftbus(*build, "2023-11-15").exit_code == 0
    result = driftbus(*build, "2023-11-16")
    assert result.exit_code == 2
    assert "no event there, or in its range, can be learned from" in result.output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--from", "yesterday"], "'yesterday' is no time; write 2013-02-01"),
        (["--from", "2023-13-01"], "'2023-13-01' is no time"),
        (["--from", "2023-11-16", "--to", "2023-11-15"], "error: --from: it is not before --to"),
    ],
)
def test_a_range_that_cannot_be_is_a_usage_error(
    config: Path, stream: Path, tmp_path: Path, arguments: list[str], told: str
) -> None:
    """It ends with 2 and says how a time is written."""
    result = driftbus(
        "reference", "build", "-c", config, stream, "--out", tmp_path / "r", *arguments
    )
    assert result.exit_code == 2
    assert told in result.output
    assert not (tmp_path / "r").exists()


def test_without_files_and_range_there_is_nothing_to_learn(config: Path, tmp_path: Path) -> None:
    """The whole of all topics is never read by mistake."""
    result = driftbus("reference", "build", "-c", config, "--out", tmp_path / "r")
    assert result.exit_code == 2
    assert "give FILEs, or --from or --to over topics" in result.output


def test_events_that_cannot_be_read_are_counted(config: Path, stream: Path, tmp_path: Path) -> None:
    """They are no part of the reference, and the person hears of them."""
    write_jsonl(stream, [b"oops", *stream.read_bytes().splitlines()])
    result = driftbus("reference", "build", "-c", config, stream, "--out", tmp_path / "r")
    assert "1 events could not be read and were left out" in result.output
    assert {r.total.n for r in read_references(tmp_path / "r")} == {1_440}


def test_a_file_of_nothing_but_garbage_teaches_nothing(config: Path, tmp_path: Path) -> None:
    """Exit code 2, no reference."""
    garbage = write_jsonl(tmp_path / "g.jsonl", [b"oops"] * 10)
    result = driftbus("reference", "build", "-c", config, garbage, "--out", tmp_path / "r")
    assert result.exit_code == 2
    assert not (tmp_path / "r").exists()


def test_show_tells_columns_counts_and_digest(config: Path, stream: Path, tmp_path: Path) -> None:
    """One head a reference, one row a column."""
    ref = tmp_path / "r"
    driftbus("reference", "build", "-c", config, stream, "--out", ref, "--quiet")
    result = driftbus("reference", "show", ref)
    assert result.exit_code == 0
    for reference in read_references(ref):
        assert f"digest {reference.digest.hex()}" in result.output
        for column in reference.columns:
            assert f"\n  {column.name} " in result.output
    assert "windows 5m x 24" in result.output


def test_show_draws_the_shares_of_a_column(config: Path, stream: Path, tmp_path: Path) -> None:
    """The counts of the bins add up to the valid values, the fullest bin has the longest bar."""
    ref = tmp_path / "r"
    driftbus("reference", "build", "-c", config, stream, "--out", ref, "--quiet")
    lines = driftbus("reference", "show", ref, "--column", "c").stdout.splitlines()
    assert lines[1] == "  c: 1,440 valid, 0 missing, 0 invalid"
    counts = {line.split()[0]: int(line.split()[-1].replace(",", "")) for line in lines[2:]}
    bars = {line.split()[0]: line.count("#") for line in lines[2:]}
    values = [str(row["c"]) for row in rows()]
    assert counts == {"a": values.count("a"), "b": values.count("b"), "other": 0}
    assert max(bars.values()) == bars[max(counts, key=lambda name: counts[name])] == 40


def test_a_column_that_is_not_there_is_an_error(config: Path, stream: Path, tmp_path: Path) -> None:
    """It names what may have been meant."""
    ref = tmp_path / "r"
    driftbus("reference", "build", "-c", config, stream, "--out", ref, "--quiet")
    result = driftbus("reference", "show", ref, "--column", "predicton")
    assert result.exit_code == 2
    assert "did you mean `prediction`?" in result.output


def test_another_file_is_no_reference(stream: Path) -> None:
    """The error says how to make one."""
    result = driftbus("reference", "show", stream)
    assert result.exit_code == 2
    assert "make one with `driftbus reference build" in result.output


UNSTEADY = "its reference is not homogeneous: a step of"


def test_build_and_show_warn_of_a_reference_with_a_step_in_it(tmp_path: Path) -> None:
    """Nine days of hours, of which the last four and a half are others; an exclusion takes these out."""
    chance = random.Random(5)  # noqa: S311 - no secrets here
    events_of_hours = [
        orjson.dumps({
            "model": "m", "version": "1", "id": f"{h}-{i}", "ts": START + h * 3_600_000 + i * 30_000,
            "features": {"x": round(chance.gauss(2.0 if h >= 108 else 0.0, 1.0), 3)},
        })
        for h in range(216) for i in range(100)
    ]  # fmt: skip
    path = write_jsonl(tmp_path / "steps.jsonl", events_of_hours)
    settings = "pane: 1h\nwindows: [1h]\n"
    config, out = tmp_path / "c.yaml", tmp_path / "r.ref"
    config.write_text(settings)
    built = driftbus("reference", "build", "-c", config, path, "--out", out)
    shown = driftbus("reference", "show", out)
    for result in (built, shown):
        (line,) = [line for line in result.stdout.splitlines() if UNSTEADY in line]
        assert line.startswith("warning: m/1 features, windows of 1h: x: ")
        assert line.endswith(" sd on 2023-11-19; build it from a quieter time")
    config.write_text(settings + "alarms: {exclude: [{from: 11-18, to: 11-24, name: launch}]}\n")
    excluding = driftbus("reference", "show", "-c", config, out)
    assert excluding.exit_code == 0
    assert UNSTEADY not in excluding.stdout


def test_a_steady_reference_is_shown_without_a_warning(tmp_path: Path) -> None:
    out = tmp_path / "r.ref"
    write_references(out, [reference_of(hours([0.0] * 200, 1))])
    assert "warning" not in driftbus("reference", "show", out).stdout
