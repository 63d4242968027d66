"""When the demo is over, when it is stuck, and how fast it goes."""

from typing import Any

from stream.run.demo.feed import AHEAD_MAX, DAY_MS, PORTION, Pace, Told
from stream.run.demo.view import Scene
from stream.run.demo.watch import STALLED_S, Watch
from tests.demo.alerts import T0, alert

END = T0 + 3 * DAY_MS


def _status(consumed: int = 300, judged_ms: int = END, outbox: int = 0, alerts: int = 1) -> Any:
    topics = {n: {"consumed": consumed // 3, "watermark": END + 5} for n in ("f", "p", "l")}
    series = [{"kind": "features", "window": {"start": 0, "end": judged_ms, "columns": {}}}]
    return {
        "topics": topics,
        "models": {"m": {"alerts": alerts, "outbox": outbox, "series": series}},
    }


def _over(told: Told, **changes: int) -> bool:
    scene = Scene(T0, END, alerts=[alert(1, "temp")])
    watch, status = Watch(scene, 0.0, paced=False), _status(**changes)
    watch.note(status, told, 1.0)
    return watch.is_over(status, told)


def test_it_is_over_when_all_is_produced_consumed_judged_told_and_read_back() -> None:
    """Each of the five is waited for."""
    done = Told("", 300, END, done=True)
    assert _over(done)
    assert not _over(Told("", 300, END, done=False))
    assert not _over(done, consumed=297)
    assert not _over(done, judged_ms=END - DAY_MS)
    assert not _over(done, outbox=1)
    assert not _over(done, alerts=2)


def test_the_scene_tells_rate_and_lag() -> None:
    """The rate is that of the last seconds, the lag that behind the producer."""
    scene = Scene(T0, END)
    watch = Watch(scene, 0.0, paced=False)
    for second in range(10):
        watch.note(_status(consumed=3000 * second), Told("", 30_000, END + DAY_MS), float(second))
    assert scene.rate == 3000.0
    assert (scene.lag, scene.lag_ms) == (3000, DAY_MS - 5)


def test_stillness_is_an_error_unless_it_was_asked_for() -> None:
    """At a slow speed the nights are long."""
    for paced in (False, True):
        watch, told = Watch(Scene(T0, END), 0.0, paced=paced), Told("", 600)
        watch.note(_status(), told, 1.0)
        assert not watch.is_stalled(told, 1.0)
        assert watch.is_stalled(told, 2.0 + STALLED_S) is not paced


def test_the_producer_never_gets_further_ahead_than_the_broker_can_hold() -> None:
    """It waits until the worker has come near, and goes on then."""
    consumed, furthest = 0, 0

    def wait(_seconds: float) -> None:
        nonlocal consumed
        consumed += 3 * PORTION
        pace.consumed = consumed

    pace = Pace(0.0, wait)
    for produced in range(2 * AHEAD_MAX):
        pace.before(produced, T0)
        furthest = max(furthest, produced + 1 - consumed)
    assert AHEAD_MAX - PORTION <= furthest <= AHEAD_MAX


def test_a_pace_in_days_a_second_is_kept_from_the_first_word_of_the_worker_on() -> None:
    """Event time over wall time is what was asked for."""
    now = 100.0

    def wait(seconds: float) -> None:
        nonlocal now
        now += seconds
        if now > 105.0:
            pace.consumed = 0

    pace = Pace(2.0, wait, lambda: now)
    for hour in range(24 * 4):
        pace.before(hour, T0 + hour * DAY_MS // 24)
    assert 105.0 + 95 / 48 <= now <= 105.1 + 95 / 48
