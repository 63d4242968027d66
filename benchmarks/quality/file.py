"""The file of figures: written at the end of a run, and read again to put several runs on one page."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import isinf
from pathlib import Path
from typing import Any

import msgspec
import orjson

from benchmarks.quality.figures import HORIZONS, Control, Cost, Measured, Power
from benchmarks.quality.table import behind

__all__ = ["read", "write"]


@dataclass
class _File:
    """What is read of a file; the rest of it follows from this."""

    runs: list[dict[str, Any]]
    controls: list[Control] = field(default_factory=list)
    powers: list[Power] = field(default_factory=list)
    costs: list[Cost] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)


def write(file: Path, measured: Measured, runs: Sequence[dict[str, Any]]) -> None:
    """Write figures as JSON, with how each run of them came about: date, machine, versions, seeds, options."""
    told = {
        "runs": list(runs),
        "absent": measured.absent,
        "controls": [asdict(c) | _rates(c) for c in measured.controls],
        "powers": [asdict(p) | _shares(p) for p in measured.powers],
        "costs": [asdict(c) for c in measured.costs],
        "behind": [
            {"where": asdict(where), "drift": drift, "within": within, "peer": peer,
             "found": round(found, 4), "driftbus": round(ours, 4)}
            for where, drift, within, peer, found, ours in behind(measured.powers)
        ],
    }  # fmt: skip
    options = orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY
    file.write_bytes(orjson.dumps(told, option=options) + b"\n")


def read(file: Path) -> tuple[Measured, list[dict[str, Any]]]:
    """Read what `write` wrote.

    Raises:
        ValueError: it is no such file.
    """
    try:
        held = msgspec.json.decode(file.read_bytes(), type=_File)
    except msgspec.DecodeError as error:
        raise ValueError(f"{file}: {error}") from None
    return Measured(held.controls, held.powers, held.costs, held.absent), held.runs


def _rates(control: Control) -> dict[str, object]:
    return {"rate": round(control.rate, 4), "rate_upper_95": round(control.upper, 4)}


def _shares(power: Power) -> dict[str, object]:
    return {
        "trials": power.trials,
        "found_within": {str(k): round(power.found(k), 4) for k in HORIZONS},
        "found_lower_95": {str(k): round(power.surely(k), 4) for k in HORIZONS},
        "median_delay": None if isinf(power.median) else power.median,
    }
