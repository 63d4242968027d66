"""Slow drift of one column: Page-Hinkley and ADWIN over the windows' location, each relative to the reference."""

from math import log, sqrt
from typing import Any

from detectors import ADWIN, PageHinkley, Verdict

__all__ = ["SlowDrift"]

EFFECT_MIN = 0.1
"""The smallest shift worth telling, in standard deviations of the reference."""


class SlowDrift:
    """Watches the sequence of a column's standardised locations (`Location.z`), in control near 0 with unit steps.

    Page-Hinkley knows the in-control level (0) and does not restart, so it stays above its threshold as long as the
    drift lasts. ADWIN finds a change by itself; it alarms while the level it believes in, after a cut, stays further
    from the reference than chance would put it.
    """

    def __init__(self, allowance: float, threshold: float, delta: float) -> None:
        self.page_hinkley = PageHinkley(
            min_instances=1,
            delta=allowance,
            threshold=threshold,
            alpha=1.0,
            mean=0.0,
            restart=False,
        )
        self.adwin = ADWIN(delta=delta, clock=1)
        self.threshold = threshold
        self.delta = delta
        self.cut = False
        self.quiet_until_ms = 0

    def update(
        self, z: float, location: float, window_end_ms: int, n: int, m: int, off: frozenset[str]
    ) -> list[Verdict]:
        """Take in a window and give the verdicts of both detectors."""
        self.page_hinkley.update(z)
        self.adwin.update(z)
        if max(self.page_hinkley.rise, self.page_hinkley.fall) < self.threshold / 2:
            self.quiet_until_ms = window_end_ms
        verdicts = [self._of_page_hinkley(location, n, m), self._of_adwin(location, n, m)]
        return [verdict for verdict in verdicts if verdict.detector not in off]

    def _of_page_hinkley(self, location: float, n: int, m: int) -> Verdict:
        reached = max(self.page_hinkley.rise, self.page_hinkley.fall)
        alarm = reached > self.threshold and abs(location) >= EFFECT_MIN
        return Verdict(
            "page_hinkley", reached, self.threshold, None, abs(location), alarm, n, m, None
        )

    def _of_adwin(self, location: float, n: int, m: int) -> Verdict:
        level = abs(self.adwin.estimation)
        bound = sqrt(2 * log(4 / self.delta) / max(1, self.adwin.width))
        self.cut = level > bound and (self.cut or self.adwin.drift_detected)
        alarm = self.cut and abs(location) >= EFFECT_MIN
        return Verdict("adwin", level, bound, None, abs(location), alarm, n, m, None)

    def payload(self) -> list[object]:
        """Give the state as plain values and arrays."""
        return [
            self.page_hinkley.state(),
            self.adwin.state(),
            self.threshold,
            self.delta,
            self.cut,
            self.quiet_until_ms,
        ]

    @classmethod
    def restore(cls, payload: Any) -> "SlowDrift":
        """Make one of what `payload` gave."""
        slow = cls.__new__(cls)
        slow.page_hinkley = PageHinkley.from_state(payload[0])
        slow.adwin = ADWIN.from_state(payload[1])
        slow.threshold, slow.delta, slow.cut, slow.quiet_until_ms = payload[2:]
        return slow
