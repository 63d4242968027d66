"""The sentence of an alert says first what a person understands, then by which number it was found."""

from dataclasses import replace

import pytest

from detectors import Verdict
from stream.evaluate.judging.extra import FOUND_ITSELF
from stream.evaluate.stories.sentence import sentence
from stream.reference.reference import Reference
from stream.words import Kind
from tests.evaluate.test_report import summary_of
from tests.events import reference_of

ROWS: list[dict[str, object]] = [
    {"temp": float(i % 25), "carrier": "ab"[i % 2], "error": float(i % 5), "gap": i % 4 and i}
    for i in range(100)
]
REFERENCE = reference_of([row | {"gap": row["gap"] or None} for row in ROWS])
ERRORS = replace(reference_of([{"error": row["error"]} for row in ROWS]), kind=Kind.ERRORS)
MOVED = "b holds 90% instead of 50%"


def verdict(name: str, statistic: float, threshold: float, note: str = "") -> Verdict:
    return Verdict(name, statistic, threshold, 1e-9, abs(statistic), True, 80, 100, None, note)


def said(
    column: str | None, of: Verdict, reference: Reference = REFERENCE, phase: str = "started", rise: float = 4.0
) -> str:  # fmt: skip
    """Say it of a window whose numbers are larger by `rise` than the reference's."""
    names = {c.name for c in reference.columns}
    rows = [
        {n: v + rise if n != "carrier" and isinstance(v, float) else v for n, v in row.items() if n in names}
        for row in ROWS
    ]  # fmt: skip
    return sentence(reference, column, phase, of, summary_of(reference, rows), MOVED)


@pytest.mark.parametrize(
    ("column", "of", "expected"),
    [
        ("temp", verdict("location", 1.2, 0.4),
         "temp went up: mean 16 against 12; " + MOVED + " (shift 1.2 over 0.4 standard deviations)"),
        ("temp", verdict("location", -1.2, -0.4),
         "temp is lower than usual at this time: mean 16, over the whole reference 12; " + MOVED
         + " (shift 1.2 over 0.4 standard deviations)"),
        ("temp", verdict("spread", 0.693147, 0.262364),
         "temp varies more: " + MOVED + " (spread 2 times the usual, over 1.3)"),
        ("temp", verdict("spread", -0.693147, -0.262364),
         "temp varies less: " + MOVED + " (spread 0.5 times the usual, under 0.769)"),
        ("temp", verdict("shape", 1.4, 0.8),
         "temp is distributed otherwise: " + MOVED + " (change of shape 1.4 over 0.8)"),
        ("carrier", verdict("location", 1.2, 0.4),
         "carrier is distributed otherwise: " + MOVED + " (shift 1.2 over 0.4 standard deviations)"),
        ("carrier", verdict("spread", 0.693147, 0.262364),
         "carrier is distributed otherwise: " + MOVED + " (spread 2 times the usual, over 1.3)"),
        ("temp", verdict("psi", 0.31, 0.2, "fixed threshold: no false-alarm budget covers it"),
         "temp went up: mean 16 against 12; " + MOVED + " (PSI 0.31 over 0.2)"),
        ("temp", verdict("adwin", 1.0, 0.5, FOUND_ITSELF),
         "temp went up: mean 16 against 12; " + MOVED + " (found by ADWIN)"),
        ("gap", verdict("missing", 0.6, 0.31), "60.0% of gap are missing, usually 25.0%"),
        ("temp", verdict("out_of_range", 0.2, 0.05), "20.0% of temp lie far outside the reference's range"),
        (None, verdict("volume", 80.0, 40.0), "80 feature events in the window"),
    ],
)  # fmt: skip
def test_what_happened_comes_first_and_the_number_last(
    column: str | None, of: Verdict, expected: str
) -> None:
    assert said(column, of) == expected


def test_what_is_usual_is_that_of_the_hour_where_it_is_followed() -> None:
    """80 events at night may be twice as many as ever, and a fifth missing as many as always."""
    doubled = replace(verdict("volume", 80.0, 70.0), usual=40.3)
    assert said(None, doubled) == "80 feature events in the window, usually about 40"
    missing = replace(verdict("missing", 0.6, 0.31), usual=0.2)
    assert said("gap", missing) == "60.0% of gap are missing, usually 20.0%"


def test_an_error_is_the_models_and_far_outside_its_range_it_is_a_worse_model() -> None:
    larger = "the model's error is larger: mean 2.5 against 2"
    moved = said("error", verdict("location", 1.2, 0.4), ERRORS, rise=1.0)
    assert moved == f"{larger} (shift 1.2 over 0.4 standard deviations)"
    far = said("error", verdict("out_of_range", 0.2, 0.05), ERRORS, rise=1.0)
    assert far == f"{larger} (20.0% of error lie far outside the reference's range)"
    wider = said("error", verdict("spread", 0.693147, 0.262364), ERRORS)
    assert wider.startswith("the model's error varies more: ")


def test_what_is_over_is_back() -> None:
    """And nobody says so of what is still strange."""
    back = "is back within what the reference's own windows vary"
    quiet = replace(verdict("location", 0.1, 0.4), p_value=0.3)
    assert said("temp", quiet, phase="resolved") == f"temp {back}"
    of_series = said(None, replace(quiet, p_value=None), phase="resolved")
    assert of_series == f"the number of feature events of m {back}"
    nearly = said("temp", replace(quiet, p_value=1e-4), phase="resolved")
    assert nearly == "temp is most of the way back to what is usual"


@pytest.mark.parametrize("name", ["location", "spread", "shape", "psi"])
def test_a_threshold_that_nothing_reaches_can_be_said(name: str) -> None:
    assert "inf" in said("temp", replace(verdict(name, 0.1, float("inf")), alarm=False))


@pytest.mark.parametrize(
    ("rise", "expected"), [(900.0, "went up: mean 60 or more"), (-900.0, "went down: mean -36 or less")]
)  # fmt: skip
def test_a_mean_that_is_clipped_at_the_grid_is_said_to_be_no_more_than_a_bound(
    rise: float, expected: str
) -> None:
    text = said("temp", verdict("location", rise / 100, 0.4), rise=rise)
    assert text.startswith(f"temp {expected} against 12; ")


def test_of_values_beyond_both_ends_of_the_grid_no_mean_is_said() -> None:
    rows = [row | {"temp": 900.0 * (-1) ** i} for i, row in enumerate(ROWS)]
    window = summary_of(REFERENCE, rows)
    text = sentence(REFERENCE, "temp", "started", verdict("location", 1.2, 0.4), window, MOVED)
    assert text.startswith(f"temp is distributed otherwise: {MOVED}")
