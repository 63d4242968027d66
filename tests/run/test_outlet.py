"""Alerts reach every sink, and whoever fails holds up nobody else."""

import threading
import time
from collections.abc import Sequence

import pytest

from sinks import DriftEvent, MemorySink, structured
from stream.run.work import outlet as of_outlet
from stream.run.work.outlet import Outlet
from tests.sinks.events import series


class Hand:
    """An outlet whose sinks take what waits when asked, at a time set by hand."""

    def __init__(self, *sinks: MemorySink) -> None:
        self.now = 0.0
        self.outlet = Outlet(sinks, lambda: self.now)

    def deliver(self, seconds: float = 0.0) -> None:
        """Let time pass, and every sink try once."""
        self.now += seconds
        for courier in self.outlet.couriers:
            self.outlet.taken(courier.sink.name, courier.deliver(self.now))


def box(events: Sequence[DriftEvent]) -> dict[bytes, bytes]:
    """Make an outbox of events, in order."""
    return {b"o:%04d" % number: structured(event) for number, event in enumerate(events)}


def test_an_alert_is_delivered_when_every_sink_has_it() -> None:
    """It is told, and told again, until it is acknowledged."""
    good, bad = MemorySink("good"), MemorySink("bad")
    hand, events = Hand(good, bad), series(3)
    bad.fail_next(2, keep=1)
    hand.outlet.offer("m", box(events))
    hand.deliver()
    assert (good.events, hand.outlet.delivered(), hand.outlet.waiting) == (events, {}, 3)
    hand.deliver(60)
    hand.deliver(60)
    assert bad.events[-3:] == events
    assert hand.outlet.waiting == 0
    assert hand.outlet.delivered() == hand.outlet.delivered() == {"m": sorted(box(events))}
    hand.outlet.acknowledged("m", [b"o:0000"])
    assert hand.outlet.delivered() == {"m": [b"o:0001", b"o:0002"]}
    hand.outlet.acknowledged("m", [b"o:0001", b"o:0002"])
    assert (hand.outlet.delivered(), hand.outlet.has_delivered, hand.outlet.models) == (
        {},
        False,
        set(),
    )


@pytest.mark.parametrize("delivered", [False, True])
def test_a_delivery_counts_for_no_other_alert_that_has_taken_the_place(delivered: bool) -> None:
    """An outbox that was rewound with its store, and filled anew in another order: each alert is sent."""
    sink, events = MemorySink(), series(4)
    hand, before = Hand(sink), box(events[:2])
    hand.outlet.offer("m", before)
    if delivered:
        hand.deliver()
    after = box([events[0], events[2]])
    hand.outlet.revise("m", after)
    assert hand.outlet.delivered() == ({"m": [b"o:0000"]} if delivered else {})
    hand.outlet.offer("m", after)
    hand.deliver()
    assert {event.id for event in sink.events} == {event.id for event in events[:3]}
    assert hand.outlet.delivered() == {"m": [b"o:0000", b"o:0001"]}
    hand.outlet.revise("m", {})
    assert (hand.outlet.models, hand.outlet.has_delivered) == (set(), False)


def test_an_alert_may_be_offered_as_often_as_one_likes_until_it_is_acknowledged() -> None:
    """On its way, and delivered: each sink gets it once."""
    sink = MemorySink()
    hand, outbox = Hand(sink), box(series(2))
    for _ in range(3):
        hand.outlet.offer("m", outbox)
        hand.deliver()
    assert sink.events == series(2)


def test_what_is_forgotten_is_offered_again_and_nothing_of_it_is_told_as_delivered() -> None:
    """The next owner of the model offers it; when it comes back here, it counts anew."""
    sink = MemorySink()
    hand, outbox = Hand(sink), box(series(2))
    hand.outlet.offer("m", outbox)
    hand.outlet.offer("other", {b"o:0": structured(series(3)[2])})
    hand.outlet.forget("m")
    assert (hand.outlet.waiting, hand.outlet.models) == (1, {"other"})
    hand.deliver()
    assert hand.outlet.delivered() == {"other": [b"o:0"]}
    hand.outlet.offer("m", outbox)
    hand.deliver()
    assert hand.outlet.delivered()["m"] == sorted(outbox)


def test_what_does_not_fit_waits_in_the_outbox_and_is_taken_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also when the room is taken by what was forgotten and waits for a sink that fails."""
    monkeypatch.setattr(of_outlet, "ON_THE_WAY_MAX", 4)
    good, bad = MemorySink("good"), MemorySink("bad")
    hand, events = Hand(good, bad), series(10)
    bad.fail_next(1)
    hand.outlet.offer("gone", box(events[:4]))
    hand.deliver()
    hand.outlet.forget("gone")
    outbox = box(events[4:])
    for _ in range(10):
        hand.outlet.offer("m", outbox)
        assert hand.outlet.waiting <= 4
        hand.deliver(60)
        for field in hand.outlet.delivered().get("m", []):
            del outbox[field]
            hand.outlet.acknowledged("m", [field])
    assert (outbox, good.events, bad.events) == ({}, events, events)


def test_a_sink_that_hangs_holds_up_no_other_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Each has a thread of its own; failures are counted and said."""
    good, bad, hanging = MemorySink("good"), MemorySink("bad"), MemorySink("hanging")
    bad.fail_next(1)
    goes_on, went_on = threading.Event(), list[bool]()
    monkeypatch.setattr(hanging, "send", lambda _: went_on.append(goes_on.wait(60)))
    outlet = Outlet([hanging, bad, good])
    outlet.start()
    outlet.offer("m", box(series(1)))
    end = time.monotonic() + 30
    while (not good.events or "sink bad: " not in caplog.text) and time.monotonic() < end:
        time.sleep(0.01)
    outlet.close(patience_s=0.1)
    assert not went_on, "the end has waited for it"
    goes_on.set()
    assert (len(good.events), outlet.failures) == (1, {"hanging": 0, "bad": 1, "good": 0})
    assert "sink bad: bad: told to fail; it is tried again" in caplog.text


def test_a_sink_is_given_an_alert_when_it_is_offered_not_when_it_looks_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One that is idle is woken; nobody looks meanwhile."""
    for wait in ("IDLE_S", "RETRY_S"):
        monkeypatch.setattr(of_outlet, wait, 60.0, raising=False)
    given = threading.Semaphore(0)
    sink = MemorySink("sink")
    monkeypatch.setattr(sink, "send", lambda _: given.release())
    outlet = Outlet([sink])
    outlet.start()
    for event in series(10):
        outlet.offer("m", {event.id.encode(): structured(event)})
        assert given.acquire(timeout=30)
    outlet.close(patience_s=60)
    assert not any(thread.is_alive() for thread in outlet._threads)
