"""Hours of few events are left alone: they are not made up of other hours, and what nobody has seen is not judged."""

import numpy as np
import pytest

from detectors.summaries.summary import Summary
from tests.evaluate.hours import DAY, LAYOUT, MONDAY, WEEK, alarms, chain, feed, reference
from tests.events import HOUR


def busy(hour: int) -> bool:
    return 8 <= hour % DAY < 18


def stream(hours: int, seed: int) -> list[Summary]:
    """Make hours whose level has a wave of the day; by day they have 60 events, and 10 by night."""
    rng = np.random.default_rng(seed)
    levels = np.sin(2 * np.pi * np.arange(hours) / DAY)
    counts = [rng.poisson(60 if busy(hour) else 10) for hour in range(hours)]
    return [
        Summary.of(LAYOUT, {"x": rng.normal(level, 1, n).tolist()})
        for level, n in zip(levels, counts, strict=True)
    ]


OWN = reference(stream(4 * WEEK, 1))


@pytest.mark.parametrize("seed", [2, 3])
def test_nights_of_few_events_raise_no_alarm(seed: int) -> None:
    """Held over to one another they have events enough, but of a mixture of hours that the history does not know."""
    of = chain(OWN)
    assert alarms(feed(of, stream(WEEK, seed))) == []
    (layer,) = of._alarms
    assert layer is not None
    columns, _, starts = layer.history()
    since = slice(len(OWN.histories[0]), None)
    told = set(starts[since][columns.readings.events[0, since] > 0] // HOUR % DAY)
    assert {MONDAY // HOUR % DAY + hour for hour in range(8, 18)} >= told


def test_a_night_that_is_suddenly_busy_is_not_judged_by_a_guess() -> None:
    """The values are as always at that hour, but the history has never seen so many of them to say so."""
    rng = np.random.default_rng(4)
    of = chain(OWN)
    feed(of, stream(DAY, 5))
    night = Summary.of(LAYOUT, {"x": rng.normal(-0.5, 1, 500).tolist()})
    *_, judged = feed(of, [night], MONDAY + (DAY + 2) * HOUR)
    (told,) = (v for v in judged.findings.of("x") if v.detector == "location")
    assert not told.alarm
    assert told.note.startswith("too few events")
