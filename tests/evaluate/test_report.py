"""A drift event explains itself: its numbers can be had again from the window and the reference it names."""

from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest

from detectors import Verdict, psi
from detectors.comparisons.counting import cells
from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from sinks.event import DriftEvent, parse, rfc3339, structured
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.finding import Finding
from stream.evaluate.judging.findings import Findings
from stream.evaluate.judging.standing import Standing
from stream.evaluate.panes.windows import Closed
from stream.evaluate.stories.incidents import Change, Incident, Phase
from stream.evaluate.telling.explain import BINS_TOLD, told_bins
from stream.evaluate.telling.report import Context, Told, drift_events, window_result
from stream.ingest.sample import SampleRules
from stream.reference.binning import bin_raw
from stream.reference.reference import Reference
from stream.run.fleet.rules import model_rules
from stream.summaries.raw_values import Raw
from stream.words import Kind
from tests.events import HOUR, PLAN, T0, configuration, reference_of

CONTEXT = Context(b"\x01" * 16, SampleRules(0.5), 2.0)
TOLD = Told(T0 + 2 * HOUR, 7)
RULES = model_rules(configuration()).judging
ROWS = [{"x": i * 1.5, "kind": "ab"[i % 2]} for i in range(100)]


def summary_of(reference: Reference, rows: list[dict[str, object]]) -> Summary:
    raw = Raw()
    for row in rows:
        raw.add(row, rows_max=10**6)
    return bin_raw(reference, raw)


MOVED: list[dict[str, object]] = [
    {"x": 140.0 + i if i % 5 else None, "kind": "c" if i % 2 else 7} for i in range(80)
]


def judged_of(
    chain: Chain,
    rows: list[dict[str, object]] | None,
    column: str | None = "x",
    detector: str = "psi",
    lag: int = 0,
) -> Judged:
    verdict = Verdict(detector, 1.5, float("inf"), 1e-9, 1.5, True, 80, 100, None, "", lag)
    incident = Incident("abc", T0 + HOUR, "warning", "data_drift", detector)
    summary = None if rows is None else summary_of(chain.reference, rows)
    closed = Closed(
        T0, T0 + HOUR, summary, {("features", 1): (3, 9), ("features", 0): (1, 2)}, True
    )
    window = chain.reference.windows[0]
    changes = ((column, Change("started", incident, verdict)),)
    return Judged(window, closed, closed, Findings(chain.places), changes, PLAN)


def chain_of(kind: Kind = Kind.FEATURES) -> Chain:
    reference = reference_of(ROWS, kind)
    return Chain(reference.series, kind, reference, RULES, lambda _: PLAN)


def event(
    context: Context = CONTEXT, told: Told = TOLD, column: str | None = "x", detector: str = "psi"
) -> DriftEvent:
    chain = chain_of()
    rows = MOVED if column is not None else None
    (made,) = drift_events(chain, judged_of(chain, rows, column, detector), context, told)
    return made


def explained(made: DriftEvent) -> dict[str, Any]:
    explain = made.data["explain"]
    assert isinstance(explain, dict)
    return explain


def test_the_id_depends_on_nothing_of_where_or_when_it_runs() -> None:
    """The same finding has the same id with another watermark, other late counts, budgets told, and evidence."""
    chain = chain_of()
    judged = judged_of(chain, MOVED)
    moved = replace(judged, closed=replace(judged.closed, evidence={("other", 9): (0, 1)}))
    elsewhere = drift_events(chain, moved, CONTEXT, Told(0, 0))[0]
    assert elsewhere.id == event().id == event().id
    assert len(event().id) == 32


def test_the_id_tells_apart_whatever_is_another_finding() -> None:
    ids = [
        event().id,
        event(column="kind").id,
        event(column=None).id,
        event(detector="missing").id,
        event(replace(CONTEXT, detection_hash=b"\x02" * 16)).id,
    ]
    chain = chain_of(Kind.PREDICTIONS)
    ids.append(drift_events(chain, judged_of(chain, MOVED), CONTEXT, TOLD)[0].id)
    resolved = judged_of(chain_of(), MOVED)
    (column, change), *_ = resolved.changes
    resolved = replace(resolved, changes=((column, replace(change, phase="resolved")),))
    ids.append(drift_events(chain_of(), resolved, CONTEXT, TOLD)[0].id)
    assert len(set(ids)) == len(ids)


def test_the_contributions_told_are_those_of_the_psi_of_the_named_window() -> None:
    """All bins and the missing, largest part first, with their shares, counts, bounds and parts."""
    reference = reference_of(ROWS)
    i = [c.name for c in reference.columns].index("x")
    known = cells(reference.layout, [i], [reference.total]).with_missing[0, 0]
    now = cells(reference.layout, [i], [summary_of(reference, MOVED)]).with_missing[0, 0]
    _, parts = psi(now, known)
    told = explained(event())["bins"]
    order = np.argsort(-parts, kind="stable")
    assert [bin_["contribution"] for bin_ in told] == pytest.approx(parts[order], rel=1e-5)
    assert [bin_["cur"] for bin_ in told] == pytest.approx((now / now.sum())[order], rel=1e-5)
    assert [bin_["ref"] for bin_ in told] == pytest.approx((known / known.sum())[order], rel=1e-5)
    assert [bin_["cur_n"] for bin_ in told] == now[order].tolist()
    assert [bin_["ref_n"] for bin_ in told] == known[order].tolist()
    edges = (None, *reference.columns[i].edges, None)
    for b, bin_ in zip(order.tolist(), told, strict=True):
        if b < reference.columns[i].bins:
            assert (bin_["lo"], bin_["hi"]) == (edges[b], edges[b + 1])
        else:
            assert bin_["bin"] == "missing"


def test_of_more_bins_than_64_those_are_told_that_contribute_most_and_the_missing() -> None:
    """And how many are left out."""
    rows: list[dict[str, object]] = [{"x": i / 7} for i in range(2000)]
    reference = reference_of(rows, bins=200)
    width = reference.columns[0].bins
    assert width > BINS_TOLD
    summary = summary_of(reference, [*rows[:900], {"x": None}])
    told = told_bins(reference, "x", summary)
    assert len(told) == BINS_TOLD + 1
    assert "missing" in {bin_["bin"] for bin_ in told}
    chain = Chain(reference.series, Kind.FEATURES, reference, RULES, lambda _: PLAN)
    (made,) = drift_events(chain, judged_of(chain, rows[:900]), CONTEXT, TOLD)
    assert explained(made)["bins_left_out"] == width - BINS_TOLD


def test_rates_and_means_are_told_beside_those_of_the_reference() -> None:
    explain = explained(event())
    assert explain["null_rate"] == {"ref": 0.0, "cur": 0.2}
    held = [row["x"] for row in MOVED if isinstance(row["x"], float)]
    assert explain["mean"]["cur"] == pytest.approx(np.mean(held), rel=1e-2)
    assert explained(event(column="kind"))["invalid_rate"] == {"ref": 0.0, "cur": 0.5}
    assert explained(event(column=None)) == {
        "events": 80, "coaffected": [], "cause_hint": "volume",
    }  # fmt: skip


def test_what_its_test_would_have_found_is_told_as_of_the_window_and_else_null() -> None:
    chain = chain_of()
    told = (("kind", 0.7), ("x", 0.3))
    stood = tuple(Standing(name, "watching", "", {"location": least}) for name, least in told)
    chain.standings[0] = (Standing("x", "watching", "", {"location": 0.9}),)  # of a later window
    for detector, least in (("location", 0.3), ("psi", None)):
        judged = replace(judged_of(chain, MOVED, "x", detector), standings=stood)
        (made,) = drift_events(chain, judged, CONTEXT, TOLD)
        score: Any = made.data["score"]
        assert score["detectable"] == least


def test_a_mean_that_is_clipped_at_the_grid_is_marked_so() -> None:
    """Any value beyond the grid makes it no mean but a bound of it."""
    chain = chain_of()
    for largest, told in ((150.0, {}), (1e5, {"clipped": True})):
        rows: list[dict[str, object]] = [*ROWS, {"x": largest}]
        (made,) = drift_events(chain, judged_of(chain, rows), CONTEXT, TOLD)
        mean = explained(made)["mean"]
        assert {k: v for k, v in mean.items() if k not in ("ref", "cur")} == told


def test_new_categories_are_named_where_their_share_alarms_or_is_what_is_told() -> None:
    """The commonest first, ten at most, beside how many there are; the sentence says three."""
    names = [f"n{i % 12}" if i % 12 < 6 else "n11" for i in range(60)]
    rows: list[dict[str, object]] = [{"kind": name} for name in [*names, "a"]]
    chain = chain_of()
    judged = judged_of(chain, rows, "kind", "unseen")
    (made,) = drift_events(chain, judged, CONTEXT, TOLD)
    assert explained(made)["new_categories"] == ["n11", *(f"n{i}" for i in range(6))]
    assert explained(made)["new_categories_distinct"] == 7
    assert str(made.data["summary"]).endswith("does not know: n11, n0, n1 and 4 more")
    alarm = Finding("kind", replace(judged.changes[0][1].verdict, alarm=True))
    beside = replace(
        judged_of(chain, rows, "kind", "chi_square"), findings=Findings(chain.places, plain=[alarm])
    )
    (other,) = drift_events(chain, beside, CONTEXT, TOLD)
    assert explained(other)["new_categories"] == explained(made)["new_categories"]
    still = replace(alarm, verdict=replace(alarm.verdict, alarm=False))
    quiet = replace(beside, findings=Findings(chain.places, plain=[still]))
    (silent,) = drift_events(chain, quiet, CONTEXT, TOLD)
    assert "new_categories" not in explained(silent)


def test_of_many_new_categories_ten_are_named_and_their_number_is_an_estimate() -> None:
    rows: list[dict[str, object]] = [{"kind": f"n{i:03}"} for i in range(400)]
    chain = chain_of()
    (made,) = drift_events(chain, judged_of(chain, rows, "kind", "unseen"), CONTEXT, TOLD)
    assert len(explained(made)["new_categories"]) == 10
    assert 200 < explained(made)["new_categories_distinct"] < 800


def test_an_unseen_alert_of_a_window_that_has_none_names_none() -> None:
    chain = chain_of()
    (made,) = drift_events(
        chain, judged_of(chain, [{"kind": "a"}], "kind", "unseen"), CONTEXT, TOLD
    )
    assert explained(made)["new_categories"] == []
    assert explained(made)["new_categories_distinct"] == 0
    assert str(made.data["summary"]).endswith("the reference does not know")


FIELDS = {
    "": {"schema", "episode_id", "phase", "kind", "severity", "model", "version", "column", "segment", "detector",
         "baseline", "window", "sample", "score", "false_alarm", "onset", "explain", "replay", "summary",
         "since"},
    "detector": {"name", "params_hash", "config_version"},
    "baseline": {"id", "kind", "n"},
    "window": {"kind", "start", "end", "watermark", "late_dropped"},
    "sample": {"n_seen", "n_used", "rate"},
    "score": {"value", "threshold", "p_value"},
    "false_alarm": {"budget", "plan", "covered"},
    "onset": {"estimate", "interval"},
    "explain": {"bins", "null_rate"},
}  # fmt: skip


def test_another_plan_makes_another_id_and_the_data_tell_its_version() -> None:
    """Its version alone does; all else that is told is the same."""
    chain = chain_of()
    judged = judged_of(chain, MOVED)
    newer = replace(judged, plan=replace(PLAN, version=3))
    (one,) = drift_events(chain, judged, CONTEXT, TOLD)
    (other,) = drift_events(chain, newer, CONTEXT, TOLD)
    assert one.id != other.id
    data: Any = orjson.loads(orjson.dumps([one.data, other.data]))
    assert [told["false_alarm"].pop("plan") for told in data] == [0, 3]
    hashes = {told["detector"].pop("params_hash") for told in data}
    assert len(hashes) == 2
    assert data[0] == data[1]


def test_the_data_has_the_fields_of_the_schema_and_travels_as_json() -> None:
    """What JSON cannot say (an infinite threshold) is null, and the event read back is the event."""
    made = event()
    data = orjson.loads(orjson.dumps(made.data))
    for part, fields in FIELDS.items():
        inside = data if part == "" else data[part]
        assert fields <= inside.keys(), part
    assert data["schema"] == "driftbus.alert/1"
    assert data["score"]["threshold"] is None
    assert data["replay"] == [
        {"topic": "features", "partition": 0, "from_offset": 1, "to_offset": 2},
        {"topic": "features", "partition": 1, "from_offset": 3, "to_offset": 9},
    ]
    assert structured(parse(structured(made))) == structured(made)
    assert (data["window"]["start"], data["window"]["end"]) == (
        "2026-01-01T00:00:00Z",
        "2026-01-01T01:00:00Z",
    )
    assert made.time_ms == T0 + HOUR


def sampled(kind: Kind, rates: list[float], rows: list[dict[str, object]] | None = MOVED) -> object:
    """Give what an alert tells of its sample, of events that were chosen at some rates."""
    chain = chain_of(kind)
    judged = judged_of(chain, rows, "x" if rows is not None else None)
    if judged.closed.summary is not None:
        judged.closed.summary.thinned = Thinned.of(np.array(rates))
    (told,) = drift_events(chain, judged, CONTEXT, TOLD)
    return told.data["sample"]


def test_an_alert_tells_what_its_events_stand_for() -> None:
    """Where the rate changed within the window, too; predictions and labels are counted whole."""
    half = sampled(Kind.FEATURES, [0.5] * 80)
    mixed = sampled(Kind.FEATURES, [1.0] * 40 + [0.25] * 40)
    assert half == {"n_seen": 160, "n_used": 80, "rate": 0.5}
    assert mixed == {"n_seen": 200, "n_used": 80, "rate": 0.4}
    assert sampled(Kind.FEATURES, []) == {"n_seen": 80, "n_used": 80, "rate": 1.0}
    assert sampled(Kind.PREDICTIONS, []) == {"n_seen": 80, "n_used": 80, "rate": 1.0}


def test_of_errors_the_rate_is_that_at_which_ids_are_joined() -> None:
    assert sampled(Kind.ERRORS, []) == {"n_seen": 160, "n_used": 80, "rate": 0.5}


def test_of_an_empty_window_nothing_is_seen() -> None:
    assert sampled(Kind.FEATURES, [], None) == {"n_seen": 0, "n_used": 0, "rate": 0.5}


@pytest.mark.parametrize(
    ("lag", "estimate", "interval"),
    [
        (0, "2026-01-01T00", ("2026-01-01T00", "2026-01-01T01")),
        (1, "2025-12-31T23", ("2025-12-31T22", "2026-01-01T00")),
        (8, "2025-12-31T16", ("2025-12-31T08", "2025-12-31T20")),
        (96, "2025-12-28T00", ("2025-12-28T00", "2025-12-30T00")),
    ],
)
def test_the_onset_lies_as_many_windows_back_as_the_step_does(
    lag: int, estimate: str, interval: tuple[str, str]
) -> None:
    """Its interval reaches to the neighbours of the lag that were tried; without a lag it is the window."""
    chain = chain_of()
    (made,) = drift_events(chain, judged_of(chain, MOVED, "x", "location", lag), CONTEXT, TOLD)
    first, last = (f"{hour}:00:00Z" for hour in interval)
    assert made.data["onset"] == {"estimate": f"{estimate}:00:00Z", "interval": [first, last]}


def test_the_summary_says_it_in_one_sentence() -> None:
    text = event().data["summary"]
    assert isinstance(text, str)
    assert text.startswith("x went up: mean ")
    assert "(PSI 1.5 over inf)" in text
    silent = event(column=None, detector="silence").data["summary"]
    assert isinstance(silent, str)
    assert "0 feature events in the window" in silent


@pytest.mark.parametrize("phase", ["started", "ongoing", "resolved"])
def test_the_summary_says_of_which_segment_it_speaks(phase: Phase) -> None:
    """Or the sentences of the whole and of its segments could not be told apart."""
    chain = chain_of()
    judged = judged_of(chain, MOVED)
    (column, change), *_ = judged.changes
    judged = replace(judged, changes=((column, replace(change, phase=phase)),))
    of_whole = str(drift_events(chain, judged, CONTEXT, TOLD)[0].data["summary"])
    chain.series = chain.series._replace(segment=(("country", "DE"), ("shop", "web")))
    of_segment = drift_events(chain, judged, CONTEXT, TOLD)[0].data["summary"]
    assert of_segment == f"in country=DE, shop=web: {of_whole}"


@pytest.mark.parametrize("phase", ["ongoing", "resolved"])
def test_who_missed_the_beginning_is_told_when_it_was(phase: Phase) -> None:
    """The window is later by a day than the one that began it."""
    chain = chain_of()
    judged = judged_of(chain, MOVED)
    (column, change), *_ = judged.changes
    begun = replace(change.incident, started_ms=T0 + HOUR - 24 * HOUR)
    later = replace(change, phase=phase, incident=begun)
    (made,) = drift_events(chain, replace(judged, changes=((column, later),)), CONTEXT, TOLD)
    assert made.data["since"] == "2025-12-31T01:00:00Z"
    assert "since 2025-12-31T01:00Z" in str(made.data["summary"])
    assert event().data["since"] == rfc3339(event().time_ms)


def test_the_result_of_a_window_is_kept_for_looking_back() -> None:
    chain = chain_of()
    told = window_result(judged_of(chain, MOVED))
    assert told == {"start": T0, "end": T0 + HOUR, "n": 80, "columns": {}}
    assert window_result(judged_of(chain, None))["n"] == 0
