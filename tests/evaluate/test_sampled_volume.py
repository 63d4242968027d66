"""Volume under sampling: changing rates are no drift, drift is still found, and silence told only where it is sure."""

import numpy as np
import pytest

from detectors.alarms.signals import read_volume, volume_worth
from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.volume import Arrivals, arrivals_of
from stream.words import Kind
from tests.evaluate.hours import DAY, LAYOUT, MONDAY, RULES, WEEK, reference
from tests.events import HOUR, PLAN

SHARE, EVENTS, TRIALS = 1e-4, 1_000, 12
RATES = (1.0, 1 / 4, 1 / 16, 1 / 64)


def hour(rng: np.random.Generator, rates: list[float], volume: float = 0.0) -> Summary | None:
    """Make an hour of about 1,000 events, of whose equal parts some share is kept; None where none is."""
    kept = [rng.binomial(rng.poisson(EVENTS * np.exp(volume) / len(rates)), r) for r in rates]
    if not sum(kept):
        return None
    summary = Summary.of(LAYOUT, {"x": rng.normal(size=sum(kept))})
    summary.thinned = Thinned.of(np.repeat(rates, kept))
    return summary


def whole(rng: np.random.Generator) -> Summary:
    """Make an hour of which every event is counted."""
    return hour(rng, [1.0]) or Summary.empty(LAYOUT)


def alarms_of_volume(seed: int, step: float) -> int:
    """Count the alarms of a day at rates that change by the hour, some within it, two weeks after a reference."""
    rng = np.random.default_rng(seed)
    made = Alarms(reference([whole(rng) for _ in range(2 * WEEK)]), 0, RULES)
    found = 0
    for i in range(2 * DAY):
        rates = list(rng.choice(RATES, rng.integers(1, 3)))
        window = hour(rng, rates, step if i >= DAY else 0.0)
        made.take(MONDAY + i * HOUR, window, Arrivals.of(window, made.weight))
        told = [s.verdicts for s in made.judge(SHARE) if s.verdicts.detector == "volume"]
        found += any(v.alarm.any() for v in told)
    return found


def test_rates_that_change_are_no_drift_of_the_volume_and_a_change_of_it_is_found() -> None:
    quiet = [alarms_of_volume(seed, 0.0) for seed in range(TRIALS)]
    loud = [alarms_of_volume(seed, np.log(4)) for seed in range(TRIALS)]
    assert sum(quiet) <= 1
    assert sum(n > 0 for n in loud) >= TRIALS - 2


@pytest.mark.parametrize("rates", [[1.0], [0.5], [1 / 16], [1.0, 1 / 64], [0.1, 0.3]])
def test_the_worth_of_a_volume_is_one_over_the_variance_of_its_logarithm(
    rates: list[float],
) -> None:
    """Of estimates made of 20,000 events at mixed rates: within a fifth, as 2,000 draws tell it."""
    rng = np.random.default_rng(5)
    of = 20_000
    kept = np.stack([rng.binomial(rng.poisson(of / len(rates), 2_000), r) for r in rates], axis=1)
    told = []
    for counts in kept:
        thinned = Thinned.of(np.repeat(rates, counts))
        n = int(counts.sum())
        told.append((thinned.seen(n), thinned.worth(n)))
    seen, worth = np.array(told).T
    assert abs(seen.mean() / of - 1) < 0.01
    assert 0.8 < np.log(seen).var() * worth.mean() < 1.2


def test_where_every_event_counts_a_volume_is_read_as_ever() -> None:
    n = np.array([0, 1, 7, 100_000])
    plain, told = read_volume(n), read_volume(n, n)
    assert (plain.x == told.x).all()
    assert (volume_worth(plain) == volume_worth(told)).all()


def test_of_a_window_of_which_nothing_is_kept_the_weight_before_is_taken_on() -> None:
    """At 1/64 some 100 events are often all left out: that is no hour of 0 among hours of 100."""
    rng = np.random.default_rng(3)
    told = arrivals_of([hour(rng, [1 / 64]) or Summary.empty(LAYOUT), Summary.empty(LAYOUT)])
    assert told[1] == Arrivals(0, 0, told[0].weight)
    assert abs(told[0].weight - 64) < 1


def silences(usual: int, rate: float) -> list[bool]:
    """Tell whether a chain calls hours silent of which nothing was kept, after one at a rate."""
    rng = np.random.default_rng(9)
    own = [Summary.of(LAYOUT, {"x": rng.normal(size=usual)}) for _ in range(2 * DAY)]
    made = Chain(reference(own).series, Kind.FEATURES, reference(own), RULES, lambda _: PLAN)
    kept = Summary.of(LAYOUT, {"x": rng.normal(size=max(1, round(usual * rate)))})
    kept.thinned = Thinned.of(np.full(kept.n, rate))
    made.take(MONDAY, kept, {})
    made.take(MONDAY + 3 * HOUR, kept, {})
    judged = made.close(MONDAY + 4 * HOUR)
    return [f.verdict.alarm for j in judged for f in j.findings if f.verdict.detector == "silence"]


def test_silence_is_told_where_some_event_would_surely_have_been_kept() -> None:
    """Of 100 events an hour at 1/64 none may be kept by chance; of 10,000 some are, and unsampled every one is."""
    assert sum(silences(100, 1.0)) == 2
    assert sum(silences(100, 1 / 64)) == 0
    assert sum(silences(10_000, 1 / 64)) == 2


def test_volumes_of_changing_rates_survive_being_stored() -> None:
    rng = np.random.default_rng(4)
    of = reference([whole(rng) for _ in range(2 * WEEK)])
    made = Alarms(of, 0, RULES)
    for i in range(5):
        window = hour(rng, [RATES[i % 4]])
        made.take(MONDAY + i * HOUR, window, Arrivals.of(window, made.weight))
        made.judge(SHARE)
    again = Alarms(of, 0, RULES, made.payload())
    before, after = (of.history()[1].readings for of in (made, again))
    for name in ("x", "valid", "events"):
        assert getattr(before, name).tolist() == getattr(after, name).tolist()
    assert again.weight == made.weight
