"""Who takes a model over does not say again what was said of it, however far its state had come."""

import asyncio
import copy
from collections.abc import Callable, Coroutine

from stream.state.store import model_key
from tests.run.rig import SOURCES, FaultyStore, Rig, stream

ZERO, ONE = SOURCES


async def drifting(rig: Rig) -> None:
    """Take both partitions over and fold eight hours with drift in them."""
    await rig.runtime.take_over(SOURCES)
    events = stream(8, shift_after=4)
    for source, own in ((ZERO, events[0::2]), (ONE, events[1::2])):
        await rig.fold(source, 0, own)
    await rig.pass_s(2)


def run(story: Callable[[Rig], Coroutine[None, None, None]]) -> Rig:
    """Run a story and close its rig."""
    rig = Rig()
    asyncio.run(story(rig))
    rig.runtime.close()
    return rig


def heir(of: Rig) -> Rig:
    """Make another worker on the same store, whose sinks reach the same destinations."""
    rig = Rig(of.store, of.config)
    for own, other in ((rig.sink, of.sink), (rig.other, of.other)):
        own.events = other.events
    return rig


def test_alerts_that_a_killed_worker_had_published_and_not_cleared_are_not_sent_again() -> None:
    """They leave the outbox as delivered; what one of the sinks had missed is sent to that one only."""

    async def story(rig: Rig) -> None:
        await drifting(rig)
        rig.other.fail_next(1)
        await rig.evaluate()
        told = list(rig.sink.events)
        assert told
        assert rig.other.events == []
        next_one = heir(rig)
        await next_one.runtime.take_over(SOURCES)
        await next_one.evaluate()
        await next_one.runtime.acknowledge()
        assert next_one.sink.events == next_one.other.events == told
        assert next_one.runtime.models.evaluators["m"].outbox == {}
        next_one.runtime.close()

    run(story)


def test_alerts_that_a_state_from_the_past_makes_anew_are_not_sent_again() -> None:
    """A store that went back before the alerts has no outbox to tell by; the destinations tell."""

    async def story(rig: Rig) -> None:
        await rig.runtime.take_over(SOURCES)
        events = stream(8, shift_after=4)
        hashes: dict[str, dict[bytes, bytes]] = {}
        for first in range(0, len(events), 360):
            part = events[first : first + 360]
            await rig.fold(ZERO, first // 2, part[0::2])
            await rig.fold(ONE, first // 2, part[1::2])
            await rig.pass_s(2)
            await rig.evaluate()
            await rig.runtime.acknowledge()
            if first == 1_080:
                hashes = copy.deepcopy(dict(rig.store._hashes))
        told = list(rig.sink.events)
        assert told
        store = FaultyStore()
        store._hashes.update(hashes)
        assert not any(
            field.startswith(b"o:") for field in store.peek(model_key(rig.config.app, "m"))
        )
        rig.store = store
        next_one = heir(rig)
        starts = await next_one.runtime.take_over(SOURCES)
        for at, source in enumerate(SOURCES):
            own = events[at::2]
            first = starts[source].offset
            assert 0 < first < len(own)
            await next_one.fold(source, first, own[first:])
        await next_one.pass_s(2)
        await next_one.evaluate()
        await next_one.evaluate()
        assert next_one.sink.events == told
        next_one.runtime.close()

    run(story)
