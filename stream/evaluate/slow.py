"""Slow drift of one column: Page-Hinkley and ADWIN over the windows' location, each relative to the reference."""

from collections.abc import Mapping, Sequence
from math import log, sqrt
from typing import Any

from detectors import ADWIN, PageHinkley, Verdict
from stream.evaluate.extra import ExtraRule, Seen, extras

__all__ = ["EFFECT_MIN", "SlowDrift"]

EFFECT_MIN = 0.1
"""The smallest shift worth telling, in standard deviations of the reference, where no floor is set."""


class SlowDrift:
    """Watches the sequence of a column's standardised locations (`Location.z`), in control near 0 with unit steps.

    Page-Hinkley knows the in-control level (0) and does not restart, so it stays above its threshold as long as the
    drift lasts. ADWIN finds a change by itself; it alarms while the level it believes in, after a cut, stays further
    from the reference than chance would put it. Beside them run the detectors that the configuration asks for.
    """

    def __init__(
        self,
        allowance: float,
        threshold: float,
        delta: float,
        floors: Mapping[str, float],
        asked: Sequence[ExtraRule] = (),
    ) -> None:
        self.page_hinkley = PageHinkley(
            min_instances=1,
            delta=allowance,
            threshold=threshold,
            alpha=1.0,
            mean=0.0,
            restart=False,
        )
        self.adwin = ADWIN(delta=delta, clock=1, restart=False)
        self.retune(threshold, delta)
        self.floors = floors
        self.extras = extras(asked, floors, EFFECT_MIN)
        self.cut = False
        self.quiet_until_ms = 0

    def retune(self, threshold: float, delta: float) -> None:
        """Hold what was added up against another share of the budget from the next window on.

        Where Page-Hinkley's sums end and when ADWIN cuts stays as it was made: a threshold is a logarithm of the
        share, and the sums end at twice the first one.
        """
        self.threshold = min(threshold, 2 * self.page_hinkley.threshold)
        self.delta = delta

    def update(self, seen: Seen, off: frozenset[str]) -> list[Verdict]:
        """Take in a window and give the verdicts of all detectors."""
        self.page_hinkley.update(seen.z)
        self.adwin.update(seen.z)
        if max(self.page_hinkley.rise, self.page_hinkley.fall) < self.threshold / 2:
            self.quiet_until_ms = seen.end_ms
        calibrated = [self._of_page_hinkley(seen), self._of_adwin(seen)]
        others = [extra.update(seen) for extra in self.extras]
        return [
            *(verdict for verdict in calibrated if verdict.detector not in off),
            *(verdict for verdict in others if verdict is not None),
        ]

    def _of_page_hinkley(self, seen: Seen) -> Verdict:
        reached = max(self.page_hinkley.rise, self.page_hinkley.fall)
        found = reached > self.threshold
        return self._verdict("page_hinkley", reached, self.threshold, found, seen)

    def _of_adwin(self, seen: Seen) -> Verdict:
        level = abs(self.adwin.estimation)
        bound = sqrt(2 * log(4 / self.delta) / max(1, self.adwin.width))
        self.cut = level > bound and (self.cut or self.adwin.drift_detected)
        return self._verdict("adwin", level, bound, self.cut, seen)

    def _verdict(
        self, name: str, statistic: float, threshold: float, found: bool, seen: Seen
    ) -> Verdict:
        effect = abs(seen.location)
        alarm = found and effect >= self.floors.get(name, EFFECT_MIN)
        return Verdict(name, statistic, threshold, None, effect, alarm, seen.n, seen.m, None)

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        return [
            self.page_hinkley.to_bytes(),
            self.adwin.to_bytes(),
            self.cut,
            self.quiet_until_ms,
            [extra.payload() for extra in self.extras],
        ]

    @classmethod
    def restore(
        cls, payload: Any, floors: Mapping[str, float], asked: Sequence[ExtraRule]
    ) -> "SlowDrift":
        """Make one of what `payload` gave, with the detectors asked for now; then `retune` if the share changed."""
        slow = cls.__new__(cls)
        page_hinkley, adwin, slow.cut, slow.quiet_until_ms, saved = payload
        slow.page_hinkley = PageHinkley.from_bytes(page_hinkley)
        slow.adwin = ADWIN.from_bytes(adwin)
        slow.retune(slow.page_hinkley.threshold, slow.adwin.delta)
        slow.floors = floors
        slow.extras = extras(asked, floors, EFFECT_MIN, saved)
        return slow
