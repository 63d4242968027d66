"""The shipped flights, permuted so that nothing can have drifted, and faults put into them.

A series an airport, nine columns each, so 27 monitors; a window is a day of New York's winter time, since the airports
rest at night; the first ten weeks are the history. Permuted by row, any flight of an airport may stand at any other's
time: days differ by chance alone. Permuted by day, days stay whole and only their order is lost: they differ as real
days do. There the flights without weather are left out: these are some days' failures of a station, which ought to be
told, and not what is in control.
"""

import gzip
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import stream
from benchmarks.quality.drifts import GAP
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts, Flags, Floats
from detectors.summaries.column import Column, learn_column
from detectors.summaries.folding import SUM_CLIP

__all__ = ["FAULTS", "FLIGHTS", "HISTORY", "flight_onsets", "flights", "watched_flights"]

FLIGHTS = ("flights_rows", "flights_days")
FAULTS = {"delay +15 min": 15.0, "delay +5 min": 5.0}
"""Minutes that departures and arrivals of all three airports are late, from a day of each airport's own."""

HISTORY = 70
DAY_MS, ZONE_MS = 86_400_000, 5 * 3_600_000
NUMBERS = ("distance", "dep_delay", "temp", "wind_speed", "precip", "visib", "arr_delay")
WEATHER = ("temp", "wind_speed", "precip", "visib")
TEXTS = ("carrier", "dest")
LATE = ("dep_delay", "arr_delay")
BINS, CATEGORIES_MAX = 20, 50


class _Airport(NamedTuple):
    day: Counts
    numbers: dict[str, Floats]
    texts: dict[str, tuple[list[str], Counts]]
    """Names, and the position of each flight's among them."""


def flights(cell: str, seed: int, minutes: float = 0.0) -> Windows:
    """Permute the flights and count them by day; the first HISTORY windows are to learn from.

    With `minutes`, flights are late by so much from their airport's onset on.
    """
    airports = _load() if cell == "flights_rows" else tuple(map(_with_weather, _load()))
    days = 1 + max(int(a.day[-1]) for a in airports)
    rng = np.random.default_rng([seed, 5])
    order = rng.permutation(days)
    onset = flight_onsets(seed)[:: len(NUMBERS) + len(TEXTS)]
    series: list[int] = []
    counted: list[_Counted] = []
    for s, airport in enumerate(airports):
        rows = rng.permutation(len(airport.day))
        if cell == "flights_rows":
            day = airport.day
        else:
            day = order[airport.day]
            rows = np.argsort(day, kind="stable")
            day = day[rows]
        late = minutes * (day >= HISTORY + onset[s])
        for name in NUMBERS:
            values = airport.numbers[name][rows] + (late if name in LATE else 0.0)
            counted.append(_numbers(name, values, day, days))
        counted += [_texts(name, airport.texts[name], rows, day, days) for name in TEXTS]
        series += [s] * (len(NUMBERS) + len(TEXTS))
    return _stack(series, counted, days)


def watched_flights() -> Flags:
    """[27] tell which monitors a fault of delay is in."""
    return np.array([name in LATE for name in (*NUMBERS, *TEXTS)] * len(_load()))


def flight_onsets(seed: int) -> Counts:
    """[27] draw the window in which a fault begins, counted from the end of the history; the same for an airport."""
    drawn = GAP + np.random.default_rng([seed, 6]).integers(GAP, size=len(_load()))
    return np.repeat(drawn, len(NUMBERS) + len(TEXTS))


@cache
def _load() -> tuple[_Airport, ...]:
    file = Path(stream.__file__).parent / "data" / "flights-2013.csv.gz"
    lines = gzip.decompress(file.read_bytes()).decode().splitlines()
    names = lines[0].split(",")
    fields = ",".join(lines[1:]).split(",")  # no field of this file has a comma or a quote in it
    columns = {name: fields[i :: len(names)] for i, name in enumerate(names)}
    day = (np.array([int(ts) for ts in columns["ts"]]) - ZONE_MS) // DAY_MS
    day -= day.min()
    numbers = {
        name: np.array([float(x) if x else np.nan for x in columns[name]]) for name in NUMBERS
    }
    texts = {name: _coded(columns[name]) for name in TEXTS}
    origins, origin = _coded(columns["origin"])
    airports = []
    for airport in range(len(origins)):
        at = np.flatnonzero(origin == airport)
        at = at[np.argsort(day[at], kind="stable")]
        airports.append(
            _Airport(
                day[at],
                {name: values[at] for name, values in numbers.items()},
                {name: (known, code[at]) for name, (known, code) in texts.items()},
            )
        )
    return tuple(airports)


def _with_weather(airport: _Airport) -> _Airport:
    """Leave out the flights of which no weather is known."""
    known = np.flatnonzero(np.all([np.isfinite(airport.numbers[name]) for name in WEATHER], axis=0))
    return _Airport(
        airport.day[known],
        {name: values[known] for name, values in airport.numbers.items()},
        {name: (names, code[known]) for name, (names, code) in airport.texts.items()},
    )


def _coded(texts: list[str]) -> tuple[list[str], Counts]:
    """Give the different texts in order, and the position of each text among them."""
    known = sorted(set(texts))
    place = {text: i for i, text in enumerate(known)}
    return known, np.array([place[text] for text in texts], dtype=np.int64)


# -- counting --------------------------------------------------------------------------------------------------------


class _Counted(NamedTuple):
    column: Column
    bins: Counts
    missing: Counts
    sums: Counts
    squares: Counts
    lo: Floats
    hi: Floats
    values: Floats
    counts: Counts


def _numbers(name: str, values: Floats, day: Counts, days: int) -> _Counted:
    held = ~np.isnan(values)
    missing = np.bincount(day[~held], minlength=days)
    x, at = values[held], day[held]
    column = learn_column(name, x[at < HISTORY].tolist(), BINS, CATEGORIES_MAX)
    assert column is not None
    if column.discrete:
        known = np.array(column.values, dtype=np.float64)
        place = np.minimum(np.searchsorted(known, x), len(known) - 1)
        code = np.where(known[place] == x, place, len(known))
        grid = np.zeros(len(x), dtype=np.int64)
    else:
        code = np.searchsorted(np.array(column.edges), x, side="right")
        grid = np.clip(np.rint((x - column.mid) / column.step), -SUM_CLIP, SUM_CLIP).astype(
            np.int64
        )
    lo, hi = np.full(days, np.inf), np.full(days, -np.inf)
    if not column.discrete:
        np.minimum.at(lo, at, x)
        np.maximum.at(hi, at, x)
    sums, squares = np.zeros(days, dtype=np.int64), np.zeros(days, dtype=np.int64)
    np.add.at(sums, at, grid)
    np.add.at(squares, at, grid * grid)
    counts = np.bincount(at, minlength=days)
    return _Counted(
        column, _count(code, at, column.bins, days), missing, sums, squares, lo, hi, x, counts
    )


def _texts(
    name: str, coded: tuple[list[str], Counts], rows: Counts, day: Counts, days: int
) -> _Counted:
    names, codes = coded
    codes = codes[rows]
    learned = [names[code] for code in codes[day < HISTORY]]
    column = learn_column(name, learned, BINS, CATEGORIES_MAX)
    assert column is not None
    place = {value: i for i, value in enumerate(column.values)}
    bin_of = np.array([place.get(value, len(place)) for value in names])
    none = np.zeros(days, dtype=np.int64)
    far = np.full(days, np.inf)
    bins = _count(bin_of[codes], day, column.bins, days)
    return _Counted(column, bins, none, none, none, far, -far, np.empty(0), none)


def _count(code: Counts, day: Counts, bins: int, days: int) -> Counts:
    return np.bincount(day * bins + code, minlength=days * bins).reshape(days, bins)


def _stack(series: list[int], counted: list[_Counted], days: int) -> Windows:
    B = max(of.column.bins for of in counted)
    bins = np.zeros((len(counted), days, B), dtype=np.int64)
    for m, of in enumerate(counted):
        bins[m, :, : of.column.bins] = of.bins

    def every(field: str) -> Any:
        return np.stack([getattr(of, field) for of in counted])

    return Windows(
        columns=tuple(of.column for of in counted),
        series=np.array(series),
        window_ms=DAY_MS,
        first_ms=0,
        bins=bins,
        missing=every("missing"),
        sums=every("sums"),
        squares=every("squares"),
        lo=every("lo"),
        hi=every("hi"),
        raw=lambda m: (counted[m].values, counted[m].counts),
    )
