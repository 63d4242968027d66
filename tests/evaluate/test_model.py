"""A model's evaluation is one story, however it is cut into steps, restarts and partitions."""

import random
from datetime import datetime
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from msgspec.structs import replace

from sinks.event import rfc3339
from stream.config import Alarms, Limits, ReferenceConfig
from stream.errors import StoreUnavailable
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.learner import Learner
from stream.evaluate.model_state import RESULTS_KEPT
from stream.evaluate.panes.merging import merge_parts
from stream.evaluate.stories.incidents import Incident
from stream.ingest.fold import NEVER
from stream.ingest.partition import read_marks
from stream.reference.reference import Reference
from stream.state.fields import result_field, result_slot
from stream.state.store import Answer, Commit
from stream.state.versions import load
from stream.summaries.raw_values import Raw
from stream.words import INPUTS, Kind, Series
from tests.evaluate import streams
from tests.evaluate.streams import DRIFT, END, WINDOW, Event, Pipeline, stream
from tests.events import APP, PLAN, T0, feature, learning

ALARMS = Alarms(budget_per_week=1.0, monitors=20, ongoing_every_ms=4 * WINDOW, cooldown_ms=WINDOW)
CONFIG = replace(streams.CONFIG, alarms=ALARMS)


@cache
def events() -> tuple[Event, ...]:
    return tuple(stream(END, DRIFT))


@cache
def at_once() -> Pipeline:
    """The run to which all others are held: everything folded, then evaluated in one step."""
    pipeline = Pipeline(CONFIG)
    pipeline.fold(events())
    pipeline.step()
    pipeline.step(flush=True)
    return pipeline


def cut(places: list[int]) -> list[int]:
    return [0, *sorted({place * len(events()) // 1000 for place in places}), len(events())]


@pytest.mark.parametrize("seed", [1, 2])
def test_evaluation_in_any_steps_with_any_restarts_tells_the_same(seed: int) -> None:
    """Each portion is evaluated as far as its marks allow, now and then by another owner: the same alerts."""
    rng = random.Random(seed)  # noqa: S311 - a test wants the same numbers again
    stepped = Pipeline(CONFIG)
    for start, end in pairwise(cut(rng.sample(range(1000), 12))):
        stepped.fold(events()[start:end])
        stepped.step()
        if rng.random() < 0.5:
            stepped.restart()
    stepped.step(flush=True)
    assert stepped.told() == at_once().told()
    learned = [[r.digest for r in p.fleet.book.all()] for p in (stepped, at_once())]
    assert learned[0] == learned[1]


def test_with_a_daily_refit_any_steps_with_any_restarts_tell_the_same() -> None:
    """When to learn anew is a matter of event time, so of no portion and of no owner; and it is no other config's."""
    often = replace(CONFIG, alarms=replace(CONFIG.alarms, refit_ms=24 * 3_600_000))
    whole, stepped = Pipeline(often), Pipeline(often)
    whole.fold(events())
    whole.step(flush=True)
    for start, end in pairwise(cut([150, 400, 401, 640, 900])):
        stepped.fold(events()[start:end])
        stepped.step()
        stepped.restart()
    stepped.step(flush=True)
    assert stepped.told() == whole.told() != at_once().told()


def test_restarts_leave_no_trace_in_the_committed_fields() -> None:
    """Payload and restore are exact: a run with a restart after each step commits the same bytes as one without."""
    runs = []
    for restarting in (False, True):
        run = Pipeline(CONFIG)
        bounds = cut([300, 600, 640, 700, 845, 870, 900, 950])  # learning, learned, drifting
        for start, end in pairwise(bounds):
            run.fold(events()[start:end])
            run.step()
            if restarting:
                run.restart()
        run.step(flush=True)
        runs.append((run.state(), run.alerts))
    assert runs[0] == runs[1]


def test_four_partitions_tell_what_one_tells() -> None:
    """Same references learned, same alerts but for the evidence, raw values having come in another order."""
    four = Pipeline(CONFIG, partitions=4)
    four.fold(events())
    four.step()
    four.step(flush=True)
    assert four.told() == at_once().told()
    assert [r.packed for r in four.fleet.book.all()] == [
        r.packed for r in at_once().fleet.book.all()
    ]


def test_panes_folded_raw_after_the_freeze_count_as_binned_ones_do() -> None:
    """With the references given from the start ingest bins; the run that learned had folded everything raw."""
    given_from_start = Pipeline(CONFIG, at_once().fleet.book.all())
    given_from_start.fold(events())
    given_from_start.step()
    given_from_start.step(flush=True)
    ours = {alert["id"]: alert for alert in given_from_start.told()}
    theirs = {alert["id"]: alert for alert in at_once().told()}
    assert ours.keys() & theirs.keys() == theirs.keys()
    assert all(ours[i]["data"] == theirs[i]["data"] for i in theirs)


def test_a_reference_freezes_at_the_first_pane_that_makes_the_events_enough() -> None:
    learner = Learner(Series("m", "1"), Kind.FEATURES, learning(events=100))
    for number in range(5, 9):
        raw = Raw()
        for i in range(30):
            raw.add({"x": i * 0.5}, rows_max=1000)
        assert not learner.ready
        learner.take(number, raw)
    assert learner.ready
    reference = learner.freeze("learned")
    assert (reference.from_pane, reference.total.n) == (9, 120)
    assert (reference.start_ms, reference.end_ms) == (5 * 10_000, 9 * 10_000)
    assert learner.freeze("learned", 3, (0, 10)).from_pane == 3


def test_more_raw_values_than_are_kept_give_the_same_reference_however_they_were_dealt_out() -> (
    None
):
    """Panes of a window with 40 events of which 15 are kept; each partition keeps as many for itself."""
    config = replace(
        CONFIG,
        reference=ReferenceConfig(learn_events=300, bins=10),
        limits=Limits(raw_rows_max=15),
        pane_ms=WINDOW,
    )
    learned = []
    for partitions in (1, 3):
        pipeline = Pipeline(config, partitions=partitions)
        pipeline.fold(events())
        pipeline.step()
        held = [r for r in pipeline.fleet.book.all() if r.kind is not Kind.ERRORS]
        assert [r.total.n for r in held if r.kind is Kind.FEATURES] == [300]
        learned.append([r.packed for r in held])
    assert learned[0] == learned[1]


def test_raw_parts_of_a_pane_are_one_bounded_sample_however_they_were_dealt_out() -> None:
    """Of 40 rows the same 15 are binned, whether they came by one partition or by three."""
    learner = Learner(Series("m", "1"), Kind.FEATURES, learning(events=30))
    parts = [Raw() for _ in range(4)]
    for i in range(40):
        for raw in (parts[0], parts[1 + i % 3]):
            raw.add({"x": i * 0.5}, 15, (i,))
    learner.take(5, parts[0])
    learner.take(6, parts[0])
    reference = learner.freeze("learned")
    whole, dealt = merge_parts(reference, parts[:1]), merge_parts(reference, parts[1:])
    assert whole.n == 15
    assert dealt.to_bytes() == whole.to_bytes()


def test_drift_is_found_in_what_drifts_and_nowhere_else() -> None:
    told = [a for a in at_once().told() if "members" not in a["data"]]
    started = {
        (a["data"]["column"], a["data"]["kind"]) for a in told if a["data"]["phase"] == "started"
    }
    columns = {column for column, _ in started}
    assert {"amount", "channel", "age", "error"} <= columns
    assert columns <= {"amount", "channel", "age", "error", "prediction"}
    assert ("error", "concept_drift") in started
    drift = T0 + DRIFT * WINDOW
    assert all(a["data"]["window"]["end"] > rfc3339(drift) for a in told)


def test_drift_that_lasts_is_told_again_at_the_interval_of_the_configuration() -> None:
    """At the first window that ends 16 hours or more after the start, and not again within 112 hours."""
    story = [a for a in at_once().told() if a["data"]["column"] == "amount"]
    told = [a for a in story if a["data"]["phase"] in ("started", "ongoing")]
    start, again = (datetime.fromisoformat(alert["time"]).timestamp() * 1000 for alert in told)
    assert [a["data"]["phase"] for a in told] == ["started", "ongoing"]
    assert len({a["data"]["episode_id"] for a in story}) == 1
    assert again - start == 4 * WINDOW
    assert told[1]["data"]["summary"].startswith(f"since {told[0]['time'][:16]}Z: amount went up")


def test_the_severity_of_an_episode_never_falls_and_each_level_is_escalated_to_once() -> None:
    """In event time, until it is resolved; reminders know what the drift has led to."""
    episodes: dict[str, list[dict[str, Any]]] = {}
    for alert in sorted(at_once().told(), key=lambda a: (a["time"], a["severitynumber"])):
        if alert["data"]["phase"] != "resolved":
            episodes.setdefault(alert["data"]["episode_id"], []).append(alert)
    assert any(a["data"]["phase"] == "ongoing" for told in episodes.values() for a in told)
    for told in episodes.values():
        levels = [a["severitynumber"] for a in told]
        raised = [a["severitynumber"] for a in told if a["data"]["phase"] == "escalated"]
        assert levels == sorted(levels)
        assert len(set(raised)) == len(raised)


@pytest.mark.parametrize("order", [(*INPUTS[i:], *INPUTS[:i]) for i in range(len(INPUTS))])
def test_what_drift_leads_to_is_told_alike_whichever_topic_comes_first(
    order: tuple[Kind, ...],
) -> None:
    """Topics that come one wholly after the other, any two in either order, with a restart between: the same alerts.

    After a window of all three: errors do not wait for a topic of predictions, nor predictions for one of labels, that
    nothing was ever on.
    """
    run = Pipeline(CONFIG, at_once().fleet.book.all())
    run.fold(events()[:120])
    run.step()
    for kind in order:
        run.fold([event for event in events()[120:] if event[0] is kind])
        run.step()
        run.restart()
    run.step(flush=True)
    told = {alert["id"]: alert for alert in run.told()}
    expected = {alert["id"]: alert for alert in given_at_once().told()}
    assert told == expected
    assert sum("consequence" in alert["data"] for alert in told.values()) >= 6


@cache
def given_at_once() -> Pipeline:
    run = Pipeline(CONFIG, at_once().fleet.book.all())
    run.fold(events())
    run.step()
    run.step(flush=True)
    return run


def test_a_feature_that_drifts_with_predictions_is_an_error_and_with_worse_errors_critical() -> (
    None
):
    """In the same episode and with its own scores, and the recommendation follows; `age`, missing, is no retraining."""
    told = [a["data"] for a in at_once().told()]
    for column, action in (("amount", "retrain"), ("channel", "retrain"), ("age", "fix upstream")):
        story = {
            d["severity"]: d
            for d in told
            if d["column"] == column and d["phase"] in ("started", "escalated")
        }
        assert set(story) == {"warning", "error", "critical"}
        assert len({d["episode_id"] for d in story.values()}) == 1
        assert story["critical"]["recommendation"]["action"] == action
        assert story["critical"]["consequence"]["column"] == "error"
        assert story["error"]["consequence"]["column"] == "prediction"
        assert story["critical"]["score"] == story["warning"]["score"]
        assert story["warning"]["recommendation"]["action"] != "retrain"


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_whose_answer_was_lost_is_finished_first(
    done: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = Pipeline(CONFIG)
    half = len(events()) // 2
    pipeline.fold(events()[:half])
    commit = pipeline.store.commit

    def lossy(step: Commit) -> Answer:
        if done:
            commit(step)
        monkeypatch.undo()
        raise StoreUnavailable("the answer is lost")

    monkeypatch.setattr(pipeline.store, "commit", lossy)
    with pytest.raises(StoreUnavailable):
        pipeline.step()
    pipeline.fold(events()[half:])
    pipeline.step()
    pipeline.step(flush=True)
    assert pipeline.told() == at_once().told()


def test_an_owner_that_was_taken_over_from_commits_nothing() -> None:
    pipeline = Pipeline(CONFIG)
    pipeline.fold(events()[:500])
    old = pipeline.evaluator
    pipeline.restart()
    assert old.step(read_marks(pipeline.store, APP, pipeline.sources)) is Answer.FENCED
    assert old.outbox == {}


def test_alerts_stay_in_the_outbox_until_they_are_acknowledged() -> None:
    pipeline = Pipeline(CONFIG)
    pipeline.fold(events())
    pipeline.evaluator.step(read_marks(pipeline.store, APP, pipeline.sources))
    waiting = list(pipeline.evaluator.outbox.items())
    assert waiting
    pipeline.restart()
    assert list(pipeline.evaluator.outbox.items()) == waiting
    pipeline.evaluator.acknowledge([field for field, _ in waiting[:2]])
    pipeline.restart()
    assert list(pipeline.evaluator.outbox.items()) == waiting[2:]


def test_every_window_leaves_its_result_and_the_number_of_results_is_bounded() -> None:
    fields = at_once().state()
    results = [load(value, "result") for field, value in fields.items() if field.startswith(b"h:")]
    assert {"start", "end", "n", "scores"} == set(results[0])
    assert at_once().evaluator.model.windows >= len(results) > 50
    told = [name for _, names, _, _ in results[0]["scores"] for name in names]
    assert {"missing", "location", "psi"} <= {*told}
    for places, names, statistics, alarms in results[0]["scores"]:
        assert statistics.shape == alarms.shape == (len(names), len(places))
    assert RESULTS_KEPT < 1000


def test_results_that_a_former_release_kept_beyond_the_bound_are_deleted() -> None:
    """With the next commit, and none that is kept today."""
    pipeline = Pipeline(CONFIG)
    _, middle, end = cut([900])
    pipeline.fold(events()[:middle])
    pipeline.step()
    there = pipeline.state()
    kept = next(field for field in sorted(there) if field.startswith(b"h:"))
    old = result_field(Series("m", "1"), Kind.FEATURES, 0, RESULTS_KEPT)
    assert result_slot(old) == RESULTS_KEPT
    pipeline.store._hashes[pipeline.evaluator.key][old] = there[kept]
    pipeline.restart()
    pipeline.fold(events()[middle:end])
    pipeline.step()
    assert old not in pipeline.state()
    assert kept in pipeline.state()


def test_without_any_label_predictions_are_kept_no_longer_than_they_would_wait() -> None:
    """Else a topic of predictions alone would fill the store."""
    pipeline = Pipeline(CONFIG)
    told = [event for event in events() if event[0] is Kind.PREDICTIONS]
    pipeline.fold(told)
    pipeline.step()
    assert pipeline.evaluator.evaluated(Kind.PREDICTIONS) == NEVER, "labels may only not be read"
    pipeline.find_empty(Kind.LABELS)
    pipeline.fold([])
    pipeline.step()
    base = pipeline.evaluator.model.bases[Kind.PREDICTIONS]
    waits = CONFIG.labels.wait_ms // CONFIG.pane_ms
    assert pipeline.evaluator.evaluated(Kind.PREDICTIONS) == base - waits
    assert pipeline.evaluator.evaluated(Kind.FEATURES) == NEVER


def test_predictions_that_are_read_after_their_labels_meet_them_all_the_same() -> None:
    """At the start nothing is known of a topic until it is read; empty is only what was read to its end."""
    pipeline = Pipeline(CONFIG)
    pipeline.fold([event for event in events() if event[0] is Kind.LABELS])
    pipeline.step()
    assert pipeline.evaluator.model.bases[Kind.ERRORS] == NEVER
    pipeline.fold([event for event in events() if event[0] is not Kind.LABELS])
    pipeline.step()
    assert pipeline.evaluator.model.join.counters == at_once().evaluator.model.join.counters


def test_deletions_that_were_lost_are_made_up_for_after_the_next_commit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A commit that lets raw values go, whose deletion nobody answered, and a new owner."""
    pipeline = Pipeline(CONFIG)
    early = len(events()) // 20
    pipeline.fold(events()[:early])
    pipeline.step()
    pipeline.fold(events()[early:])
    with monkeypatch.context() as patch:
        patch.setattr(pipeline.store, "remove", unanswered)
        with pytest.raises(StoreUnavailable):
            pipeline.evaluator.step(read_marks(pipeline.store, APP, pipeline.sources))
    assert any(field.startswith(b"l:") for field in pipeline.state())
    pipeline.restart()
    pipeline.fold([(Kind.FEATURES, feature(T0 + (END + 10) * WINDOW, x=1.0))])
    pipeline.step()
    assert pipeline.evaluator.model.learners() == []
    assert not any(field.startswith(b"l:") for field in pipeline.state())


def unanswered(*_: object) -> Answer:
    """Do nothing and say nothing."""
    raise StoreUnavailable("told to be down", "store")


def test_a_topic_that_lags_holds_up_only_what_needs_it() -> None:
    pipeline = Pipeline(CONFIG)
    pipeline.fold([e for e in events() if e[0] is not Kind.LABELS])
    pipeline.fold([e for e in events() if e[0] is Kind.LABELS][:60])
    pipeline.step()
    bases = pipeline.evaluator.model.bases
    assert (
        bases[Kind.FEATURES] == bases[Kind.PREDICTIONS] > bases[Kind.LABELS] == bases[Kind.ERRORS]
    )


def test_silence_of_a_whole_series_is_told() -> None:
    pipeline = Pipeline(CONFIG)
    features = [e for e in events() if e[0] is Kind.FEATURES][: (DRIFT - 1) * 40]
    pipeline.fold(features)
    pipeline.step()
    assert pipeline.alerts == []
    (source,) = (s for s in pipeline.sources if s.kind is Kind.FEATURES)
    pipeline.ingest.partitions[source].tick(T0 + (DRIFT + 4) * WINDOW)
    pipeline.fold([])
    pipeline.step()
    (alert,) = (a for a in pipeline.told() if a["data"]["phase"] == "started")
    data = alert["data"]
    assert (data["column"], data["kind"], data["detector"]["name"]) == (
        None,
        "freshness",
        "silence",
    )
    assert data["explain"] == {"events": 0, "coaffected": [], "cause_hint": "volume"}


def test_the_state_of_a_chain_does_not_tell_in_which_order_its_incidents_came() -> None:
    """Not even where a column has no name, beside the whole series, which has none either."""
    chain = next(c for c in at_once().evaluator.model.chains.values() if isinstance(c, Chain))
    columns: tuple[str | None, ...] = ("", None, "b", "a")
    payloads = []
    for names in (columns, columns[::-1]):
        other = Chain(chain.series, chain.kind, chain.reference, chain.rules, lambda _: PLAN)
        other.incidents = {name: Incident(f"e{name}", 0, "info", "volume", "psi") for name in names}
        other.cooling = dict(other.incidents)
        payloads.append(other.payload()[-2:])
    assert payloads[0] == payloads[1]


def test_references_are_those_of_the_chains() -> None:
    chains = at_once().evaluator.model.chains
    known = {(r.series, r.kind): r for r in at_once().fleet.book.all()}
    assert all(
        isinstance(c, Chain) and isinstance(known[key], Reference) for key, c in chains.items()
    )
    assert {key[1] for key in chains} == set(Kind)
