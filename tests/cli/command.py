"""Runs the command in this process, and makes small streams for it to work on."""

import json
import random
from collections.abc import Iterable
from pathlib import Path

import orjson
from click.testing import CliRunner, Result

from stream.cli import main

START = 1_700_006_400_000
"""A full hour of 2023, in ms."""
SETTINGS = "pane: 1m\nwindows: [5m]\nreference: {learn_events: 700}\n"
WEEKLY = "pane: 20m\nwindows: [4h]\nreference: {learn_events: 1760}\n"
"""For a stream of `EVERY_6_MINUTES`: a reference of a little more than a week."""
EVERY_6_MINUTES, LEARNED_HOURS, DRIFT_HOURS, END_HOURS = 360_000, 176, 192, 216
Row = dict[str, object]


def driftbus(*arguments: object) -> Result:
    """Run a verb; an exception that no exit code stands for fails the test."""
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def rows(hours: float = 2.0, shift_after: float = 1.0, step_ms: int = 5_000) -> list[Row]:
    """Make one row a step: x moves after `shift_after` hours, and the model gets worse."""
    per_hour = 3_600_000 // step_ms
    chance = random.Random(7)  # noqa: S311 - no secrets here
    made: list[Row] = []
    for i in range(int(hours * per_hour)):
        late = i >= shift_after * per_hour
        made.append(
            {
                "ts": START + i * step_ms,
                "id": f"e{i}",
                "model": "m",
                "version": "1",
                "x": round(chance.gauss(3.0 if late else 0.0, 1.0), 6),
                "c": chance.choice("aab" if late else "abb"),
                "prediction": 1.5,
                "label": 1.5 + round(abs(chance.gauss(0.0, 4.0 if late else 1.0)), 6),
            }
        )
    return made


def events(of: Iterable[Row]) -> list[bytes]:
    """Turn rows into the three events that each stands for."""
    told: list[bytes] = []
    for row in of:
        head = {name: row[name] for name in ("model", "version", "id", "ts")}
        told += [
            orjson.dumps({**head, "features": {"x": row["x"], "c": row["c"]}}),
            orjson.dumps({**head, "prediction": row["prediction"]}),
            orjson.dumps({**head, "label": row["label"]}),
        ]
    return told


def write_jsonl(path: Path, lines: Iterable[bytes]) -> Path:
    """Write events to a file."""
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def write_csv(path: Path, of: list[Row]) -> Path:
    """Write rows as a table."""
    lines = [",".join(of[0]), *(",".join(str(value) for value in row.values()) for row in of)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_config(path: Path, more: str = "", of: str = SETTINGS) -> Path:
    """Write a configuration that suits the streams made here."""
    settings = of + "files: {id: id}\n" + more
    path.write_text(settings)
    return path


def alerts(path: Path) -> list[Row]:
    """Read a file of alerts."""
    return [json.loads(line)["data"] for line in path.read_text().splitlines()]
