"""Files of any form give the same events, merged by time, and fail in one line."""

import gzip
import sys
from collections.abc import Sequence
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files import FileEvent, jsonl, read_events
from stream.words import Kind

PLAIN = FilesConfig(constants={"model": "m", "version": "1"})
ROOT = Path(__file__).parents[2]

TABLE: dict[str, list[object]] = {
    "ts": [1_000, 2_000, 3_000, 4_000],
    "number": [1.5, 2.0, None, -0.25],
    "whole": [1, 2, 3, None],
    "yes": [True, False, None, True],
    "text": ["a", "b,\n", None, 'q"'],
    "prediction": [1.0, 2.5, None, 4.0],
    "label": ["x", None, "y", "z"],
}


def _write_jsonl(path: Path, events: Sequence[object]) -> Path:
    path.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    return path


def _csv_text(table: dict[str, list[object]]) -> str:
    def cell(value: object) -> str:
        return "" if value is None else '"' + str(value).replace('"', '""') + '"'

    rows = [",".join(map(cell, row)) for row in zip(*table.values(), strict=True)]
    return "\n".join([",".join(table), *rows]) + "\n"


def _features(ts: int, name: str = "x") -> dict[str, object]:
    return {"model": "m", "version": "1", "id": f"{name}{ts}", "ts": ts, "features": {"x": ts}}


def test_the_same_rows_give_the_same_events_in_every_form(tmp_path: Path) -> None:
    """CSV, Parquet, JSON lines, each plain and gzipped: byte for byte."""
    plain = {
        "csv": _csv_text(TABLE).encode(),
        "parquet": b"",
        "jsonl": b"",
    }
    (tmp_path / "t.csv").write_bytes(plain["csv"])
    expected = list(read_events([tmp_path / "t.csv"], PLAIN))
    assert len(expected) == 4 + 3 + 3
    pq.write_table(pa.table(TABLE), tmp_path / "t.parquet")
    plain["parquet"] = (tmp_path / "t.parquet").read_bytes()
    plain["jsonl"] = b"\n".join(event.value for event in expected)
    (tmp_path / "t.jsonl").write_bytes(plain["jsonl"])
    for form, data in plain.items():
        (tmp_path / f"t.{form}.gz").write_bytes(gzip.compress(data))
        for name in (f"t.{form}", f"t.{form}.gz"):
            assert list(read_events([tmp_path / name], PLAIN)) == expected, name


def test_typed_columns_of_parquet_become_json(tmp_path: Path) -> None:
    """Times are ms or text, decimals numbers, categories text, NaN null, infinities text."""
    table = pa.table(
        {
            "ts": pa.array([1, 2], pa.timestamp("us", "Europe/Berlin")),
            "day": pa.array([0, 1], pa.date32()),
            "cents": pa.array(["1.50", None], pa.string()).cast(pa.decimal128(10, 2)),
            "kind": pa.array(["a", "b"]).dictionary_encode(),
            "ratio": pa.array([float("nan"), float("inf")]),
            "nested": pa.array([[1], [2]]),
        }
    )
    path = tmp_path / "t.parquet"
    pq.write_table(table, path)
    with pytest.raises(FileError, match=r"`nested` holds list<.*add it to `files\.ignore`"):
        read_events([path], PLAIN)
    mapping = FilesConfig(constants=PLAIN.constants, ignore=("nested",))
    first, second = read_events([path], mapping)
    assert (first.ts, orjson.loads(first.value)["ts"]) == (0, 0)
    assert [orjson.loads(event.value)["features"] for event in (first, second)] == [
        {"day": "1970-01-01", "cents": 1.5, "kind": "a", "ratio": None},
        {"day": "1970-01-02", "cents": None, "kind": "b", "ratio": "inf"},
    ]


def test_a_line_is_passed_on_byte_for_byte_under_the_kind_its_fields_tell(tmp_path: Path) -> None:
    """Features, else label, else prediction or score; null is no field; order is the file's."""
    lines = [
        (b'{"ts": 5, "features": {}, "label": 1, "prediction": 2}', Kind.FEATURES, 5),
        (b'{"ts":"1970-01-01T00:00:07Z","label":1,"prediction":2}', Kind.LABELS, 7000),
        (b'{"prediction":  2, "ts": 3}', Kind.PREDICTIONS, 3),
        (b'{"features": null, "score": 2, "ts": 4}', Kind.PREDICTIONS, 4),
    ]
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + b"\r\n\n".join(line for line, _, _ in lines))
    expected = [FileEvent(kind, ts, line) for line, kind, ts in lines]
    assert list(read_events([path], PLAIN)) == expected


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b'{"ts": 9, "model": "m"}',
        b'{"ts": 9, "features": {"x": 1}',
        b'["features"]',
        b'{"ts": 1e999, "features": {}}',
        b'{"ts": 99999999999999999999, "features": {}}',
        b'{"ts": "soon", "features": {}}',
        b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}",
        b"\xff\xfe",
        b"\x00",
    ],
    ids=lambda line: line[:20].decode("latin-1"),
)
def test_an_unreadable_line_goes_on_as_features_at_the_last_time(
    tmp_path: Path, line: bytes
) -> None:
    """Its bytes are kept for the pipeline to put aside, and the lines after it are read."""
    good = orjson.dumps(_features(7))
    path = tmp_path / "t.jsonl"
    path.write_bytes(good + b"\n" + line + b"\n" + good)
    whole = FileEvent(Kind.FEATURES, 7, good)
    expected = [whole, FileEvent(Kind.FEATURES, 7, line), whole]
    assert list(read_events([path], PLAIN)) == expected


@given(st.lists(st.lists(st.integers(0, 20)), min_size=1, max_size=4))
def test_files_are_merged_by_time_then_by_their_order_then_by_row(
    tmp_path_factory: pytest.TempPathFactory, times: list[list[int]]
) -> None:
    """Sorted files give the stable sort of all rows, first file first."""
    folder = tmp_path_factory.mktemp("merge")
    events = [
        [_features(ts, f"{place}-{row}-") for row, ts in enumerate(sorted(file))]
        for place, file in enumerate(times)
    ]
    paths = [_write_jsonl(folder / f"{place}.jsonl", file) for place, file in enumerate(events)]
    merged = [orjson.loads(event.value) for event in read_events(paths, PLAIN)]
    assert merged == sorted(
        (event for file in events for event in file), key=lambda event: int(str(event["ts"]))
    )


def test_a_file_that_is_not_sorted_keeps_its_own_order(tmp_path: Path) -> None:
    """Late events stay late: nothing is sorted within a file."""
    paths = [
        _write_jsonl(tmp_path / "a.jsonl", [_features(5), _features(1), _features(6)]),
        _write_jsonl(tmp_path / "b.jsonl", [_features(2), _features(5)]),
    ]
    assert [event.ts for event in read_events(paths, PLAIN)] == [2, 5, 1, 5, 6]


def test_progress_ends_at_all_the_bytes_and_never_goes_back(tmp_path: Path) -> None:
    """Bytes are those on the disk, of all files together."""
    many = [_features(ts) for ts in range(10_000)]
    path = _write_jsonl(tmp_path / "a.jsonl", many)
    packed = tmp_path / "b.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    table = tmp_path / "c.csv"
    table.write_text("ts,x\n" + "".join(f"{ts},1\n" for ts in range(10_000)))
    columns = tmp_path / "d.parquet"
    pq.write_table(pa.table({"ts": list(range(10_000)), "x": [1] * 10_000}), columns)
    paths = [path, packed, table, columns]
    seen: list[tuple[int, int]] = []
    events = list(read_events(paths, PLAIN, lambda read, total: seen.append((read, total))))
    total = sum(file.stat().st_size for file in paths)
    assert len(events) == 40_000
    assert len(seen) > 10
    assert {all_bytes for _, all_bytes in seen} == {total}
    assert [read for read, _ in seen] == sorted(read for read, _ in seen)
    assert seen[0][0] < total == seen[-1][0]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("gone.jsonl", None, "cannot be read: No such file"),
        ("gone.parquet", None, "cannot be read: No such file"),
        ("notes.txt", b"x", "its name must end in .jsonl, .csv or .parquet"),
        ("jsonl", b"{}", "cannot be read|its name must end"),
        ("a.jsonl.gz", b"{}", "is not a gzip file; take the ending .gz off"),
        ("a.csv.gz", b"", "ends too early|is empty"),
        ("a.parquet", b"PAR1", "cannot be read as Parquet"),
    ],
)
def test_a_file_that_cannot_be_is_told_before_anything_is_read(
    tmp_path: Path, name: str, data: bytes | None, words: str
) -> None:
    """One line that names the file, exit code 2, although a good file stands before it."""
    good = _write_jsonl(tmp_path / "good.jsonl", [_features(1)])
    path = tmp_path / name
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(FileError, match=words) as told:
        read_events([good, path], PLAIN)
    assert str(path) in str(told.value)
    assert "\n" not in str(told.value)
    assert told.value.exit_code == 2


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_a_truncated_gzip_is_told_when_it_is_reached(tmp_path: Path, form: str) -> None:
    """What came before is read; then the error says that the end is missing."""
    lines = "".join(
        f'{{"ts":{ts},"features":{{"x":{ts * 7919 % 9973}}}}}\n' for ts in range(30_000)
    )
    rows = "ts,x\n" + "".join(f"{ts},{ts * 7919 % 9973}\n" for ts in range(30_000))
    path = tmp_path / f"t.{form}.gz"
    path.write_bytes(gzip.compress((lines if form == "jsonl" else rows).encode())[:-4000])
    read: list[FileEvent] = []
    with pytest.raises(FileError, match="the gzip file ends too early"):
        read.extend(read_events([path], PLAIN))
    assert len(read) > 10_000 or form == "parquet"


def test_a_line_without_end_does_not_fill_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A line beyond the cap ends the reading with its number."""
    monkeypatch.setattr(jsonl, "LINE_BYTES_MAX", 1 << 20)
    path = tmp_path / "t.jsonl"
    path.write_bytes(b"{}\n" + b"x" * (1 << 20))
    with pytest.raises(FileError, match="line 2 has 1 MiB and more"):
        list(read_events([path], PLAIN))


def test_parquet_without_pyarrow_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra is named as pip wants it."""
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FileError, match=r"pip install 'driftbus\[parquet\]'"):
        read_events([tmp_path / "t.parquet"], PLAIN)


def test_tables_whose_rows_would_share_ids_are_refused(tmp_path: Path) -> None:
    """Otherwise the label of one file would be joined to the prediction of the other."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "t.csv").write_text("ts,key,x\n1,k,2\n")
    paths = [tmp_path / "a" / "t.csv", tmp_path / "b" / "t.csv"]
    with pytest.raises(FileError, match="2 tables of this name have no ids"):
        read_events(paths, PLAIN)
    assert len(list(read_events(paths, FilesConfig(id="key", constants=PLAIN.constants)))) == 2


def test_the_flights_are_read_as_the_demo_needs_them() -> None:
    """The first rows of the data that ship with the package, with the mapping of the demo."""
    mapping = FilesConfig(label="arr_delay", constants={"model": "flight-delay", "version": "1"})
    events = read_events([ROOT / "stream" / "data" / "flights-2013.csv.gz"], mapping)
    first, prediction, label = (orjson.loads(next(events).value) for _ in range(3))
    assert first == {
        "model": "flight-delay",
        "version": "1",
        "id": "flights-2013-1",
        "ts": 1357035300000,
        "features": {
            "carrier": "UA",
            "origin": "EWR",
            "dest": "IAH",
            "distance": 1400,
            "hour": 5,
            "dep_delay": 2,
            "temp": 39.02,
            "wind_speed": 12.658579999999999,
            "precip": 0.0,
            "visib": 10.0,
        },
    }
    assert (prediction["prediction"], label["label"]) == (-2.45, 11)
