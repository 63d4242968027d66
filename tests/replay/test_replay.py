"""A replay finds what drifted, says nothing of what did not, and says it in the same bytes whatever the batches."""

import random
from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import orjson
import pytest

from sinks.event import DriftEvent, order, rfc3339, structured
from stream.config import Config
from stream.files.source import FileEvent
from stream.ingest.raw import DeadLetter
from stream.reference.reference import Reference
from stream.run.offline.replay import Replay
from stream.words import Kind
from tests.evaluate.streams import CONFIG, DRIFT, END, WINDOW, stream
from tests.events import T0

BROKEN = b'{"model":'


def read(events: list[tuple[Kind, bytes]]) -> list[FileEvent]:
    return [FileEvent(kind, orjson.loads(value)["ts"], value) for kind, value in events]


@cache
def drifting() -> tuple[FileEvent, ...]:
    """A stream with segments, and with late and broken lines among the good ones, some just before a window closes."""
    events = read(stream(END, DRIFT, segments=True))
    rng = random.Random(5)  # noqa: S311 - a test wants the same numbers again
    good = len(events)
    for _ in range(60):
        first, last = sorted(rng.sample(range(good), 2))
        events.insert(last, events[first])  # much too late
    for _ in range(60):
        place = rng.randrange(good)
        events.insert(place, FileEvent(Kind.FEATURES, events[place].ts, BROKEN))
    for place in reversed(closing(events)):
        events.insert(place, FileEvent(Kind.FEATURES, events[place].ts, BROKEN))
    return tuple(events)


def closing(events: Sequence[FileEvent]) -> list[int]:
    """Tell the places of the events of features that are the first to close another window."""
    reached, places = T0, []
    for place, event in enumerate(events):
        closed = (event.ts - CONFIG.lateness_ms) // WINDOW
        if event.kind is Kind.FEATURES and event.value is not BROKEN and closed > reached // WINDOW:
            reached = closed * WINDOW
            places.append(place)
    return places


class Run:
    """A replay from its first event to its last."""

    def __init__(
        self, events: tuple[FileEvent, ...], batch: int, references: list[Reference] | None = None,
        config: Config = CONFIG, flush: bool = True,
    ) -> None:  # fmt: skip
        self.dead: list[DeadLetter] = []
        self.replay = Replay(config, references or [], self.dead.extend)
        self.taken = sum(self.replay.feed(iter(events), batch))
        self.alerts: list[DriftEvent] = list(self.replay.finish(flush=flush))
        self.bytes = [structured(alert) for alert in self.alerts]


@cache
def thousand() -> Run:
    return Run(drifting(), 1000)


@pytest.mark.parametrize("batch", [1, 10**9])
def test_alerts_are_the_same_bytes_at_any_batch_size(batch: int) -> None:
    """Watermarks and late counts included; and so are the dead letters and the counts."""
    other = Run(drifting(), batch)
    assert other.bytes == thousand().bytes
    assert other.dead == thousand().dead
    assert other.replay.counters() == thousand().replay.counters()
    assert other.taken == thousand().taken == len(drifting())
    assert any(late for _, _, late in other.replay.counters().values())
    assert thousand().bytes


def test_a_broken_line_where_a_window_closes_moves_no_watermark() -> None:
    """Of features alone, as events of another kind would end the portion just behind it."""
    events = tuple(event for event in drifting() if event.kind is Kind.FEATURES)
    alone, many = Run(events, 1), Run(events, 1000)
    assert alone.bytes == many.bytes
    assert alone.bytes


def test_the_same_alerts_come_from_references_given_beforehand() -> None:
    """What a first run learned serves a second one: from the pane of its freeze on, it tells the same."""
    learned = [r for model in thousand().replay.learned() for r in model.book.all()]
    again = Run(drifting(), 1000, learned)
    assert again.bytes == thousand().bytes


def test_a_number_a_category_missing_values_and_a_worse_model_are_found_and_explained() -> None:
    told = {
        alert.column: alert
        for alert in reversed(thousand().alerts)
        if alert.phase == "started" and not alert.segment
    }
    assert {"amount", "channel", "age", "error"} <= told.keys()
    assert "calm" not in told
    assert (told["amount"].kind, told["error"].kind) == ("data_drift", "concept_drift")
    assert told["error"].severity in ("error", "critical")
    assert "is larger" in str(told["error"].data["summary"])
    assert "went up" in str(told["amount"].data["summary"])
    age = told["age"].data["explain"]
    assert isinstance(age, dict)
    assert age["null_rate"]["ref"] == 0
    assert age["null_rate"]["cur"] > 0.5
    assert all(alert.time_ms > T0 + DRIFT * WINDOW for alert in thousand().alerts)
    channel = told["channel"]
    assert channel.detector == "unseen"
    assert isinstance(channel.data["explain"], dict)
    assert channel.data["explain"]["new_categories"] == ["new"]
    assert channel.data["explain"]["new_categories_distinct"] == 1
    assert str(channel.data["summary"]).endswith("the reference does not know: new")


def test_evidence_leads_back_to_the_events_of_the_window() -> None:
    features = [e for e in drifting() if e.kind is Kind.FEATURES]
    alert = next(a for a in thousand().alerts if a.column == "amount" and not a.segment)
    data = orjson.loads(orjson.dumps(alert.data))
    (place,) = data["replay"]
    inside = features[place["from_offset"] : place["to_offset"] + 1]
    window = [
        e for e in features if data["window"]["start"] <= rfc3339(e.ts) < data["window"]["end"]
    ]
    assert (inside[0].ts, inside[-1].ts) == (window[0].ts, window[-1].ts)
    assert (place["topic"], place["partition"]) == ("features", 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_stream_in_control_raises_nothing(seed: int) -> None:
    assert Run(tuple(read(stream(80, 10**9, seed))), 1000).alerts == []


def test_without_flushing_the_windows_that_are_open_stay_open() -> None:
    """All that a replay without flushing tells is told with flushing, too, and first."""
    kept = Run(drifting(), 1000, flush=False)
    assert kept.bytes == thousand().bytes[: len(kept.bytes)]
    assert kept.replay.finish() == thousand().alerts


def test_ids_are_unique_and_incidents_are_whole() -> None:
    alerts = thousand().alerts
    assert len({alert.id for alert in alerts}) == len(alerts)
    episodes: dict[object, list[DriftEvent]] = {}
    for alert in alerts:
        episodes.setdefault(alert.data["episode_id"], []).append(alert)
    for episode in episodes.values():
        assert episode[0].phase == "started"
        assert all(earlier.time_ms <= later.time_ms for earlier, later in pairwise(episode))
        assert len({(a.column, a.version, str(a.segment)) for a in episode}) == 1
    assert len({order(alert) for alert in alerts}) == len(alerts)


def test_broken_lines_are_dead_letters_and_nothing_else() -> None:
    broken = sum(event.value is BROKEN for event in drifting())
    assert len(thousand().dead) == broken > 60
    assert {letter.value for letter in thousand().dead} == {BROKEN}
    assert thousand().replay.counters()[Kind.FEATURES][1] == broken


def test_nothing_at_all_and_nothing_readable_raise_nothing() -> None:
    assert Run((), 5).alerts == []
    broken = Run((FileEvent(Kind.FEATURES, T0, b"?"),), 5)
    assert (broken.alerts, len(broken.dead)) == ([], 1)
