"""Couriers: nothing lost, order kept, nobody else delayed."""

from collections.abc import Sequence
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks import Courier, DriftEvent, MemorySink, SinkError
from sinks.courier import BATCH_MAX, LOOKS_MAX

from .events import series

offers = st.tuples(st.just("offer"), st.integers(0, 8), st.just(0))
fails = st.tuples(st.just("fail"), st.integers(0, 3), st.integers(0, 4))
waits = st.tuples(st.just("wait"), st.integers(0, 40), st.just(0))
Step = tuple[str, int, int]


def ids(events: Sequence[DriftEvent]) -> list[str]:
    return [event.id for event in events]


class Run:
    """A courier whose events come from an outbox that offers everything not yet delivered."""

    def __init__(self, queue_max: int) -> None:
        self.sink = MemorySink()
        self.courier = Courier(self.sink, queue_max=queue_max)
        self.outbox: list[DriftEvent] = []
        self.delivered: list[str] = []
        self.now = 0.0

    def step(self, step: Step, *, faults: bool) -> None:
        action, amount, keep = step
        if action == "offer":
            start = len(self.outbox) + len(self.delivered)
            self.outbox += series(start + amount)[start:]
        elif action == "fail" and faults:
            self.sink.fail_next(amount, keep)
        elif action == "wait":
            self.now += amount
        before = self.courier.waiting
        added = self.courier.offer(self.outbox)
        assert self.courier.waiting == before + added <= self.courier._queue_max
        taken = self.courier.deliver(self.now)
        self.delivered += taken
        self.outbox = [event for event in self.outbox if event.id not in taken]

    def finish(self) -> None:
        self.sink.fail_next(0)
        while self.outbox:
            self.step(("wait", 60, 0), faults=False)


@given(st.lists(offers | fails | waits, max_size=25), st.integers(1, 12))
@settings(max_examples=150, deadline=None, derandomize=True, database=None)
def test_random_failures_lose_nothing_keep_the_order_and_touch_no_other(
    steps: list[Step], queue_max: int
) -> None:
    """One courier's sink fails at random; another gets the same events and no faults."""
    shaky, sound = Run(queue_max), Run(queue_max)
    for step in steps:
        shaky.step(step, faults=True)
        sound.step(step, faults=False)
        assert len(sound.outbox) == 0 or sound.courier.waiting == 0  # only its size holds it up
    shaky.finish()
    sound.finish()
    every = ids(series(sum(step[1] for step in steps if step[0] == "offer")))
    assert shaky.delivered == every  # each id is acknowledged once, in order
    assert list(dict.fromkeys(ids(shaky.sink.events))) == every  # repeats aside, so it arrived
    assert ids(sound.sink.events) == every  # and without faults nothing is repeated


def wait_after(courier: Courier, now: float) -> float:
    """Fail once and find, to a millisecond, how long the courier then waits."""
    courier.deliver(now)
    low, high = 0.0, 1_000.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (low, middle) if courier.due(now + middle) else (middle, high)
    return high


def schedule(name: str, failures: int, retry_after: float | None = None) -> list[float]:
    sink = MemorySink(name)
    sink.fail_next(failures, retry_after=retry_after)
    courier = Courier(sink)
    courier.offer(series(1))
    waits, now = [], 100.0
    for _ in range(failures):
        waits.append(wait_after(courier, now))
        now += waits[-1]
    assert courier.failures == failures
    return waits


def test_waits_double_from_one_second_to_sixty_with_up_to_half_off() -> None:
    """The jitter only shortens, so the bounds are what they say."""
    for number, wait in enumerate(schedule("kafka", 12)):
        full = min(60.0, 2.0**number)
        assert 0.5 * full <= wait <= full + 1e-3


def test_jitter_is_the_same_for_the_same_sink_and_spreads_different_ones() -> None:
    """No dice: a run can be repeated to the second."""
    assert schedule("kafka", 6) == schedule("kafka", 6)
    firsts = {round(schedule(f"sink-{n}", 1)[0], 2) for n in range(10)}
    assert len(firsts) >= 8


def test_a_sink_that_was_down_for_months_is_still_tried_every_minute() -> None:
    """No count of failures overflows the wait."""
    sink = MemorySink()
    sink.fail_next(3_000)
    courier = Courier(sink)
    courier.offer(series(1))
    for minute in range(2_000):
        courier.deliver(minute * 60.0)
    assert courier.failures == 2_000


@pytest.mark.parametrize(
    ("asked", "least", "most"), [(20.0, 20.0, 20.0), (1e9, 60.0, 60.0), (0.0, 0.5, 1.0)]
)
def test_a_sink_that_asks_for_time_gets_it_up_to_the_longest_wait(
    asked: float, least: float, most: float
) -> None:
    """An odd wish cannot silence alerts for longer than any other failure."""
    [wait] = schedule("slack", 1, retry_after=asked)
    assert least - 1e-3 <= wait <= most + 1e-3


def test_a_try_that_is_not_due_touches_nothing() -> None:
    """Within the wait the sink is left alone; after it everything is sent."""
    sink = MemorySink()
    sink.fail_next(1)
    courier = Courier(sink)
    courier.offer(series(2))
    assert courier.deliver(0.0) == []
    assert not courier.due(0.25)
    assert courier.deliver(0.25) == []
    assert (courier.failures, sink.events) == (1, [])
    assert courier.deliver(1.0) == ids(series(2))
    assert courier.waiting == 0


def test_success_forgets_the_failures() -> None:
    """The next trouble starts with the first wait again."""
    sink = MemorySink("memory")
    courier = Courier(sink)
    courier.offer(series(1))
    sink.fail_next(3)
    for now in (0.0, 60.0, 120.0):
        courier.deliver(now)
    assert courier.failures == 3
    assert courier.last_error == "memory: told to fail"
    courier.deliver(180.0)
    assert [courier.failures, courier.last_error] == [0, None]
    courier.offer(series(2)[1:])
    sink.fail_next(1)
    assert wait_after(courier, 200.0) <= 1.0 + 1e-3


def test_ids_that_wait_are_not_queued_twice() -> None:
    """Offering the whole outbox again is what a caller may do at any time."""
    courier = Courier(MemorySink())
    assert courier.offer(series(3)) == 3
    assert courier.offer(series(4)) == 1
    assert courier.deliver(0.0) == ids(series(4))


def test_a_full_courier_takes_the_first_ones_only() -> None:
    """None may overtake another, so after the first that finds no room none is taken."""
    courier = Courier(MemorySink(), queue_max=3)
    events = series(6)
    assert courier.offer(events[:2]) == 2
    assert courier.offer(events) == 1
    assert courier.waiting == 3
    assert courier.deliver(0.0) == ids(events[:3])
    assert courier.offer(events[3:]) == 3


def test_finished_batches_of_a_long_queue_stay_finished() -> None:
    """A failure half way costs the rest only."""

    class FailsSecond(MemorySink):
        sends = 0

        def send(self, events: Sequence[DriftEvent]) -> None:
            self.sends += 1
            if self.sends == 2:
                raise SinkError("the second send fails, the third would not")
            super().send(events)

    courier = Courier(FailsSecond())
    events = series(2 * BATCH_MAX + 10)
    courier.offer(events)
    assert courier.deliver(0.0) == ids(events[:BATCH_MAX])
    assert (courier.waiting, courier.failures) == (BATCH_MAX + 10, 1)
    assert courier.deliver(1.0) == ids(events[BATCH_MAX:])


def test_a_faulty_sink_is_treated_as_a_failing_one() -> None:
    """An error that no sink should raise is told and retried; the events stay."""

    class Faulty(MemorySink):
        def send(self, events: Sequence[DriftEvent]) -> None:
            raise KeyError(len(events))

    courier = Courier(Faulty())
    courier.offer(series(1))
    assert courier.deliver(0.0) == []
    assert (courier.waiting, courier.last_error) == (1, "KeyError: 1")


def test_an_offer_never_waits_for_a_delivery() -> None:
    """While the sink is at work another thread may offer; what it offers goes next time."""
    events = series(3)

    class Busy(MemorySink):
        def send(self, batch: Sequence[DriftEvent]) -> None:
            offering = Thread(target=courier.offer, args=(events,), daemon=True)
            offering.start()
            offering.join(60.0)
            if offering.is_alive():
                raise SinkError("the offer had to wait")
            super().send(batch)

    courier = Courier(Busy())
    courier.offer(events[:1])
    assert courier.deliver(0.0) == ids(events[:1])
    assert courier.deliver(0.0) == ids(events[1:])


def test_nothing_to_deliver_is_never_due() -> None:
    """An idle courier does not call its sink."""
    courier = Courier(MemorySink())
    assert not courier.due(1e9)
    assert courier.deliver(1e9) == []


@pytest.mark.parametrize(("first", "longest"), [(0.0, 60.0), (61.0, 60.0), (1.0, float("nan"))])
def test_impossible_waits_are_refused(first: float, longest: float) -> None:
    """A courier that never waits would hammer its sink."""
    with pytest.raises(ValueError, match="first_wait <= longest_wait"):
        Courier(MemorySink(), first, longest)


def test_a_courier_without_room_is_refused() -> None:
    """It could deliver nothing."""
    with pytest.raises(ValueError, match="queue_max"):
        Courier(MemorySink(), queue_max=0)


class Forgetful(MemorySink):
    """A sink whose destination cannot be looked at while `blind`; counts how often it was tried."""

    blind = False
    looks = 0

    def find(self, events: Sequence[DriftEvent]) -> set[str]:
        self.looks += 1
        if self.blind:
            raise SinkError("told to be blind")
        return super().find(events)


def test_what_somebody_else_had_sent_of_a_model_in_doubt_is_taken_as_delivered() -> None:
    """All ids are told as taken, and only the new events are sent."""
    sink, events = Forgetful(), series(6)
    sink.send(events[:4])
    courier = Courier(sink)
    courier.doubt("flights")
    courier.offer(events)
    assert courier.deliver(0.0) == ids(events)
    assert sink.events == events
    assert courier.recognised == 4


def test_a_doubt_lasts_until_the_newest_event_asked_for_is_not_there() -> None:
    """A state that went far back makes its alerts again in many portions; afterwards nobody looks."""
    sink, events = Forgetful(), series(9)
    sink.send(events[:5])
    courier = Courier(sink)
    courier.doubt("flights", "others")
    for first in range(0, 9, 2):
        courier.offer(events[first : first + 2])
        courier.deliver(0.0)
    assert sink.events == events
    assert sink.looks == 3


def test_models_without_a_doubt_are_not_looked_for() -> None:
    """A look costs a read of the destination."""
    sink = Forgetful()
    courier = Courier(sink)
    courier.doubt("others")
    courier.offer(series(3))
    courier.deliver(0.0)
    assert (sink.looks, sink.events) == (0, series(3))


def test_of_a_send_that_failed_half_way_only_the_other_half_is_repeated() -> None:
    """A lost acknowledgement is no reason to say a thing twice."""
    sink, events = Forgetful(), series(5)
    sink.fail_next(1, keep=3)
    courier = Courier(sink)
    courier.offer(events)
    assert courier.deliver(0.0) == []
    assert courier.deliver(60.0) == ids(events)
    assert sink.events == events


def test_a_destination_that_cannot_be_looked_at_is_sent_everything_again_after_some_tries() -> None:
    """Twice with the same id is better than never; the failed looks are counted and told."""
    sink, events = Forgetful(), series(3)
    sink.send(events[:2])
    sink.blind = True
    courier = Courier(sink)
    courier.doubt("flights")
    courier.offer(events)
    told = [(courier.deliver(100.0 * n), courier.last_error) for n in range(LOOKS_MAX)]
    assert told == [([], "told to be blind")] * (LOOKS_MAX - 1) + [(ids(events), None)]
    assert sink.events == events[:2] + events
    assert (courier.looks_failed, courier.recognised) == (LOOKS_MAX, 0)


def test_a_doubt_raised_while_the_sink_is_looked_at_is_not_ended_by_that_look() -> None:
    """What is loaded anew meanwhile is asked for again."""
    sink, events = Forgetful(), series(4)
    courier = Courier(sink)

    class Slow(Forgetful):
        def find(self, events: Sequence[DriftEvent]) -> set[str]:
            courier.doubt("flights")
            return super().find(events)

    courier.sink = slow = Slow()
    courier.doubt("flights")
    courier.offer(events[:2])
    courier.deliver(0.0)
    slow.send(events[2:3])
    courier.offer(events[2:])
    courier.deliver(0.0)
    assert slow.events == events
