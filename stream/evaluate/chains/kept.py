"""What is kept of a judged window for looking back: the statistics of all detectors and which of them alarmed."""

from collections.abc import Iterable, Iterator

import numpy as np

from detectors.arrays import Counts, Flags, Floats
from stream.evaluate.chains.case import Judged
from stream.evaluate.judging.findings import Said

__all__ = ["Entry", "extent", "kept_result", "kept_scores"]

Entry = tuple[Counts, str, Floats, Flags | None]
"""Columns, the detector that tells of them, [K] statistics, [K] alarms; None: none."""


def kept_result(judged: Judged) -> dict[str, object]:
    """Give what is kept of a judged window; see `kept_scores`."""
    kept = judged.findings.kept
    scores = kept_scores(_entries(judged.findings.said)) if kept is None else kept
    return extent(judged) | {"scores": scores}


def kept_scores(entries: Iterable[Entry]) -> list[list[object]]:
    """Put the scores of D detectors together that tell of the same K columns.

    They are: the columns' places in the reference (-1 is the series), the detectors, [D, K] statistics, [D, K] alarms.
    A statistic takes 5 bytes.
    """
    alike: dict[bytes, tuple[Counts, list[str], list[Floats], list[Flags | None]]] = {}
    for columns, name, statistic, alarm in entries:
        of_columns = alike.get(key := columns.tobytes())
        if of_columns is None:
            of_columns = alike[key] = (columns, [], [], [])
        _, names, statistics, alarms = of_columns
        names.append(name)
        statistics.append(statistic)
        alarms.append(alarm)
    return [
        [columns, names, np.array(statistics, np.float32), _flags(alarms, len(columns))]
        for columns, names, statistics, alarms in alike.values()
    ]


def _flags(alarms: list[Flags | None], columns: int) -> Flags:
    if all(alarm is None for alarm in alarms):
        return np.zeros((len(alarms), columns), np.bool_)
    quiet = np.zeros(columns, np.bool_)
    return np.array([quiet if alarm is None else alarm for alarm in alarms])


def _entries(said: Iterable[Said]) -> Iterator[Entry]:
    for one in said:
        whole = one.told.all()  # as most are; then there is no need to pick
        at = slice(None) if whole else np.flatnonzero(one.told)
        columns = one.columns[at]
        if len(columns):
            verdicts = one.verdicts
            yield columns, verdicts.detector, verdicts.statistic[at], verdicts.alarm[at]


def extent(judged: Judged) -> dict[str, object]:
    """Tell where a window begins and ends, and how many events it has."""
    closed = judged.closed
    n = 0 if closed.summary is None else closed.summary.n
    return {"start": closed.start_ms, "end": closed.end_ms, "n": n}
