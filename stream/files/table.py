"""Rows to events: what the columns of a table are, and the JSON made of each row.

A row gives up to three events at its time: its features; its prediction or score, when there is
one; its label, when there is one (at the label's own time, if a column tells it). All three carry
the row's id, or `<file>-<row>` counted from 1.

Tables come as blocks of whole columns, so that cells are converted a column at a time; rows are
put together only for the encoder.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files.source import FileEvent, Misfit, stem_of
from stream.files.times import time_ms
from stream.words import Kind

__all__ = ["BLOCK_ROWS", "Block", "Columns", "events_of"]

BLOCK_ROWS = 1000
"""Rows that are converted at a time."""

Cells = Sequence[object]
Block = Sequence[Cells] | Misfit
"""Some rows as columns, in the file's order of columns; or one row that fits none."""


class Columns(NamedTuple):
    """Where in a row things are; None for what the table lacks."""

    ts: int
    id: int | None
    model: int | None
    version: int | None
    prediction: int | None
    score: int | None
    label: int | None
    label_ts: int | None
    segment: tuple[tuple[str, int], ...]
    features: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, names: Sequence[str], mapping: FilesConfig, path: Path) -> "Columns":
        """Find out what the columns of a table are.

        Raises:
            FileError: a name is empty or stands there twice, or time, model or version is nowhere.
        """
        _check_names(names, path)
        at = {name: place for place, name in enumerate(names)}
        if mapping.ts not in at:
            shown = ", ".join(names)[:200]
            todo = f"name the column of the time as `files.ts`; there are: {shown}"
            raise FileError(f"has no column `{mapping.ts}`", str(path), todo)
        for role, column in (("model", mapping.model), ("version", mapping.version)):
            if column not in at and role not in mapping.constants:
                todo = f"name it as `files.{role}`, or give it as `files.constants.{role}`"
                raise FileError(f"has no column for the {role}", str(path), todo)
        roles = {
            role: at.get(getattr(mapping, role) or "")
            for role in ("id", "model", "version", "prediction", "score", "label", "label_ts")
        }
        taken = {at[mapping.ts], *roles.values()}
        left_out = {*mapping.segment, *mapping.ignore}
        return cls(
            ts=at[mapping.ts],
            **roles,
            segment=tuple((name, at[name]) for name in mapping.segment if name in at),
            features=tuple(
                (name, place)
                for name, place in at.items()
                if place not in taken and name not in left_out
            ),
        )

    @property
    def texts(self) -> set[int]:
        """The columns that are texts whatever their cells look like: times and names."""
        named = {self.ts, self.id, self.model, self.version, self.label_ts}
        return {place for place in named if place is not None} | {
            place for _, place in self.segment
        }


def _check_names(names: Sequence[str], path: Path) -> None:
    for place, name in enumerate(names):
        if not name:
            raise FileError(f"column {place + 1} has no name", str(path), "name every column")
        if name in names[:place]:
            raise FileError(f"has the column `{name}` twice", str(path), "rename one of them")


def events_of(
    blocks: Iterable[Block], columns: Columns, constants: Mapping[str, str], path: Path
) -> Iterator[FileEvent]:
    """Turn the rows of a table into events, in the order of the rows.

    Costs, with the reading of the CSV, about 4.5 us of CPU an event (rows of ten features).

    Args:
        blocks: the rows, cells as JSON has them, None for an empty one.
        columns: where in a row things are.
        constants: what fills a model, version or segment that is not there.
        path: the file, which names rows that have no id.

    A row that fits no columns, or tells no time, goes on at the last time seen, for the pipeline
    to put aside.
    """
    ts = 0
    dumps, stem = orjson.dumps, stem_of(path)
    names = [name for name, _ in columns.features]
    for number, row in enumerate(_rows(blocks, columns, constants), 1):
        if isinstance(row, Misfit):
            yield FileEvent(Kind.FEATURES, ts, row.row, row.wrong)
            continue
        time, name, model, version, segment, features, prediction, score, label, label_time = row
        at = time_ms(time)
        ts = ts if at is None else at
        head = {"model": model, "version": version, "id": name or f"{stem}-{number}"}
        head["ts"] = time if at is None else at
        if segment:
            head["segment"] = segment
        if names:
            values = dict(zip(names, features, strict=True))
            yield FileEvent(Kind.FEATURES, ts, dumps({**head, "features": values}))
        if prediction is not None or score is not None:
            said = {"prediction": prediction, "score": score}
            said = {word: value for word, value in said.items() if value is not None}
            yield FileEvent(Kind.PREDICTIONS, ts, dumps({**head, **said}))
        if label is not None:
            known = at if label_time is None else time_ms(label_time)
            if label_time is not None:
                head["ts"] = label_time if known is None else known
            yield FileEvent(
                Kind.LABELS, ts if known is None else known, dumps({**head, "label": label})
            )


def _rows(
    blocks: Iterable[Block], columns: Columns, constants: Mapping[str, str]
) -> Iterator[tuple[Any, ...] | Misfit]:
    """Tell each row as (ts, id, model, version, segment, features, prediction, ..., label_ts)."""
    for block in blocks:
        if isinstance(block, Misfit):
            yield block
            continue
        nothing: Cells = [None] * len(block[columns.ts])
        cells = partial(_cells, block, nothing)
        features = [block[place] for _, place in columns.features]
        yield from zip(
            block[columns.ts],
            map(_text, cells(columns.id)),
            _filled(cells(columns.model), constants.get("model")),
            _filled(cells(columns.version), constants.get("version")),
            _segments(block, columns, constants),
            zip(*features, strict=True) if features else nothing,
            map(_outcome, cells(columns.prediction)),
            map(_outcome, cells(columns.score)),
            map(_outcome, cells(columns.label)),
            cells(columns.label_ts),
            strict=True,
        )


def _cells(block: Sequence[Cells], nothing: Cells, place: int | None) -> Cells:
    return nothing if place is None else block[place]


def _segments(
    block: Sequence[Cells], columns: Columns, constants: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    names = [name for name, _ in columns.segment]
    given = {name: text for name, text in constants.items() if name not in {"model", "version"}}
    for values in zip(
        block[columns.ts], *(block[place] for _, place in columns.segment), strict=True
    ):
        texts = zip(names, map(_text, values[1:]), strict=True)
        yield given | {name: text for name, text in texts if text is not None}


def _filled(cells: Cells, constant: str | None) -> Iterator[str | None]:
    return (constant if cell is None else _text(cell) for cell in cells)


def _text(cell: object) -> str | None:
    """Tell a cell as a name; numbers as they are written."""
    if cell is None or isinstance(cell, str):
        return cell
    return str(cell).lower() if isinstance(cell, bool) else str(cell)


def _outcome(cell: object) -> object:
    """Tell a prediction, score or label: booleans as 1 and 0, as the contract has numbers only."""
    return int(cell) if isinstance(cell, bool) else cell
