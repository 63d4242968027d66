"""Rows become events: what columns are, what cells are, what a row without sense gives."""

import csv
import typing
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files import FileEvent, read_events
from stream.files.csv_rows import SNIFFED_ROWS
from stream.files.times import time_ms
from stream.words import Kind

PLAIN = FilesConfig(constants={"model": "m", "version": "1"})


def _read(path: Path, text: str, mapping: FilesConfig = PLAIN) -> list[FileEvent]:
    path.write_text(text, "utf-8")
    return list(read_events([path], mapping))


def _json(event: FileEvent) -> dict[str, typing.Any]:
    return typing.cast("dict[str, typing.Any]", orjson.loads(event.value))


def _column(path: Path, cells: list[str]) -> list[object]:
    rows = "".join(f'{at},"{cell}"\n' for at, cell in enumerate(cells))
    return [_json(event)["features"]["x"] for event in _read(path, "ts,x\n" + rows)]


def test_a_row_gives_up_to_three_events_of_one_id(tmp_path: Path) -> None:
    """Features, prediction and label of a row share head and time, in this order."""
    text = "ts,x,prediction,score,label\n1000,a,2,0.5,3\n2000,b,,,\n3000,c,,0.25,\n"
    events = _read(tmp_path / "t.csv", text)
    kinds = [(event.kind, event.ts) for event in events]
    assert kinds == [
        (Kind.FEATURES, 1000),
        (Kind.PREDICTIONS, 1000),
        (Kind.LABELS, 1000),
        (Kind.FEATURES, 2000),
        (Kind.FEATURES, 3000),
        (Kind.PREDICTIONS, 3000),
    ]
    head = {"model": "m", "version": "1", "id": "t-1", "ts": 1000}
    assert [_json(event) for event in events[:3]] == [
        head | {"features": {"x": "a"}},
        head | {"prediction": 2, "score": 0.5},
        head | {"label": 3},
    ]
    assert [_json(event)["id"] for event in events[3:]] == ["t-2", "t-3", "t-3"]


def test_columns_are_what_the_mapping_says(tmp_path: Path) -> None:
    """Names, segments, ignored columns and the label's own time; constants fill empty cells."""
    mapping = FilesConfig(
        ts="at",
        id="key",
        model="which",
        label="y",
        label_ts="known",
        segment=("country", "shop"),
        ignore=("note",),
        constants={"model": "other", "version": "7", "shop": "web"},
    )
    text = (
        "at,key,which,country,note,x,y,known\n"
        "1970-01-01T00:00:01Z,k1,m1,DE,hi,1,2,5000\n"
        "2000,k2,,,hi,3,4,\n"
    )
    first, label, second, late = map(_json, _read(tmp_path / "t.csv", text, mapping))
    head = {"model": "m1", "version": "7", "id": "k1"}
    segment = {"segment": {"shop": "web", "country": "DE"}}
    assert first == head | segment | {"ts": 1000, "features": {"x": 1}}
    assert label == head | segment | {"ts": 5000, "label": 2}
    assert (second["model"], second["segment"], late["ts"]) == ("other", {"shop": "web"}, 2000)


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["1", "", "-2"], [1, None, -2]),
        (["1", "2.5", "1e3", " 4"], [1.0, 2.5, 1000.0, 4.0]),
        (["1", "NaN", "2"], [1.0, None, 2.0]),
        (["1.5", "inf", "-Infinity"], [1.5, "inf", "-Infinity"]),
        (["true", "False", ""], [True, False, None]),
        (["true", "1"], ["true", "1"]),
        (["a", "1", ""], ["a", "1", None]),
        (["1_0", "2"], ["1_0", "2"]),
        (["\u0661", "2"], ["\u0661", "2"]),
        (["12345678901234567890", "1"], [12345678901234567890.0, 1.0]),
        (["", ""], [None, None]),
    ],
)
def test_the_first_rows_tell_what_a_column_is(
    tmp_path: Path, cells: list[str], values: list[object]
) -> None:
    """Whole numbers, numbers, booleans, texts; empty is null, NaN among numbers too."""
    read = _column(tmp_path / "t.csv", cells)
    assert read == values
    assert list(map(type, read)) == list(map(type, values))


@pytest.mark.parametrize(
    ("first", "late", "value"),
    [
        ("1", "x", "x"),
        ("1", "2.5", 2.5),
        ("1", "1_0", "1_0"),
        ("1", "9" * 30, 1e30),
        ("1.5", "2", 2.0),
        ("1.5", "x", "x"),
        ("1.5", "nan", None),
        ("1.5", "inf", "inf"),
        ("true", "maybe", "maybe"),
        ("a", "1", "1"),
    ],
)
def test_a_later_cell_that_does_not_parse_stays_text(
    tmp_path: Path, first: str, late: str, value: object
) -> None:
    """The type of the column holds; the odd cell is passed on for the pipeline to count."""
    read = _column(tmp_path / "t.csv", [first] * SNIFFED_ROWS + [late, first])
    assert read[SNIFFED_ROWS] == value
    assert type(read[SNIFFED_ROWS]) is type(value)
    assert read[SNIFFED_ROWS + 1] == read[0]


def test_booleans_that_came_out_are_numbers(tmp_path: Path) -> None:
    """A prediction, score or label is a number or a text in the contract."""
    _, prediction, label = _read(tmp_path / "t.csv", "ts,x,prediction,label\n1,true,true,false\n")
    assert (_json(prediction)["prediction"], _json(label)["label"]) == (1, 0)
    assert type(_json(label)["label"]) is int


def test_a_row_that_fits_no_columns_goes_on_as_it_is(tmp_path: Path) -> None:
    """Short and long rows and bad times harm only themselves; the row numbers go on."""
    text = "ts,x\n1000,1\n2000\n3000,1,2\nnever,1\n\n4000,1\n"
    events = _read(tmp_path / "t.csv", text)
    assert [event.ts for event in events] == [1000, 1000, 1000, 1000, 4000]
    assert [event.value for event in events[1:3]] == [b"2000", b"3000,1,2"]
    assert _json(events[3])["ts"] == "never"
    assert _json(events[4])["id"] == "t-5"


def test_a_table_without_features_gives_none(tmp_path: Path) -> None:
    """Labels alone, with the prediction they belong to in another file."""
    events = _read(tmp_path / "t.csv", "ts,label\n1,2\n")
    assert [event.kind for event in events] == [Kind.LABELS]


@pytest.mark.parametrize(
    ("text", "mapping", "words"),
    [
        ("", PLAIN, "is empty"),
        ("a,b\n1,2\n", PLAIN, "has no column `ts`; name the column of the time"),
        ("ts,x\n", FilesConfig(), "has no column for the model"),
        ("ts,model,x\n", FilesConfig(), "has no column for the version"),
        ("ts,x,x\n", PLAIN, "has the column `x` twice"),
        ("ts,,x\n", PLAIN, "column 2 has no name"),
    ],
)
def test_a_table_that_does_not_do_is_refused_at_once(
    tmp_path: Path, text: str, mapping: FilesConfig, words: str
) -> None:
    """Before the first event is asked for."""
    path = tmp_path / "t.csv"
    path.write_text(text)
    with pytest.raises(FileError, match=words) as told:
        read_events([path], mapping)
    assert str(path) in str(told.value)


@pytest.mark.parametrize("data", [b'ts,x\n1,"a\n', b"ts,x\n1,caf\xe9\n", b'ts,x\n1,"a"b\n'])
def test_a_broken_csv_is_told_where_it_breaks(tmp_path: Path, data: bytes) -> None:
    """An open quote and another encoding are FileErrors, not tracebacks."""
    path = tmp_path / "t.csv"
    path.write_bytes(data)
    with pytest.raises(FileError, match=r"t\.csv: (line 2|is not UTF-8)"):
        list(read_events([path], PLAIN))


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
def test_numbers_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, numbers: list[float]
) -> None:
    """What was written with `repr` is read as the same number."""
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([["ts", "x"], *([1, repr(number)] for number in numbers)])
    read = [_json(event)["features"]["x"] for event in read_events([path], PLAIN)]
    assert list(map(repr, read)) == list(map(repr, numbers))


@pytest.mark.parametrize(
    ("value", "ms"),
    [
        (5, 5),
        ("5", 5),
        ("1970-01-01T01:00:00.0019+01:00", 1),
        ("2013-01-01T00:00:00Z", 1_356_998_400_000),
        ("2013-01-01T00:00:00", None),
        ("2013-01-01", None),
        (-1, None),
        (10**18, None),
        ("9" * 400, None),
        (True, None),
        (1.5, None),
        (None, None),
        ("", None),
    ],
)
def test_times_are_whole_ms_or_rfc_3339(value: object, ms: int | None) -> None:
    """With an offset, within the years 1970 to 9999; whatever else is no time."""
    assert time_ms(value) == ms
