"""A sequential detector that the configuration asks for, over the windows of one column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from detectors import Verdict
from detectors.sequential import sequential, sequential_from_bytes, sequential_settings
from detectors.sequential.river import RIVER, River
from detectors.sequential.sequential import Sequential
from detectors.summaries.summary import Summary
from stream.errors import CodecError
from stream.reference.reference import Reference
from stream.words import Kind

__all__ = [
    "EFFECT_MIN",
    "FOUND_ITSELF",
    "Errors",
    "Extra",
    "ExtraRule",
    "Seen",
    "errors_of",
    "extras",
]

FOUND_ITSELF = "fixed threshold: the detector's own; no false-alarm budget covers it"
"""The note of these verdicts: statistic 1 where the detector found a drift, else 0."""

OF_RIGHT_ANSWERS = f"{RIVER}FHDDM"
"""It alarms when the share of ones falls, whatever its documentation says of ones."""
SEED = 1
"""Of detectors that draw lots: a replay must draw the same ones."""


EFFECT_MIN = 0.1
"""The smallest shift worth telling, in standard deviations of the reference, where no floor is set."""


class ExtraRule(NamedTuple):
    """A detector asked for: its name in the registry, and its settings."""

    name: str
    settings: Mapping[str, Any]


class Errors(NamedTuple):
    """How many of the answers of a window were wrong."""

    share: float
    n: int


@dataclass(frozen=True, slots=True)
class Seen:
    """What a window tells of a column.

    `location` is in standard deviations of the reference, `z` in units for cumulative sums; `n` and `m` are the
    events of the window and of the reference; `errors` is None for all but the errors of a classifier.
    """

    location: float
    z: float
    end_ms: int
    n: int
    m: int
    errors: Errors | None = None


class Extra:
    """The detector and what it makes of windows. It begins anew after a drift, so an alarm is one window long.

    Detectors for numbers take `Seen.z`; those for errors the share of errors, weighted by the answers where they
    know weights.
    """

    def __init__(self, rule: ExtraRule, floor: float) -> None:
        self.rule = rule
        self.floor = floor
        lots = {"seed": SEED} if "seed" in sequential_settings(rule.name) else {}
        self.detector = sequential(rule.name, lots | dict(rule.settings))

    def update(self, seen: Seen) -> Verdict | None:
        """Take in a window; None where it holds nothing for this detector."""
        if not _of_errors(self.detector):
            self.detector.update(seen.z)
        elif seen.errors is None:
            return None
        elif isinstance(self.detector, River):
            share = seen.errors.share
            self.detector.update(1 - share if self.rule.name == OF_RIGHT_ANSWERS else share)
        else:
            self.detector.update(*seen.errors)
        found, effect = self.detector.drift_detected, abs(seen.location)
        alarm = found and effect >= self.floor
        return Verdict(
            self.rule.name, float(found), 0.5, None, effect, alarm, seen.n, seen.m, None, FOUND_ITSELF
        )  # fmt: skip

    def payload(self) -> list[object]:
        """Give the state as plain values."""
        return [self.rule.name, dict(self.rule.settings), self.detector.to_bytes()]


def extras(
    rules: Sequence[ExtraRule], floors: Mapping[str, float], saved: Sequence[Any] = ()
) -> list[Extra]:
    """Make the detectors asked for; those that were saved under the same settings go on, the others begin."""
    made = [Extra(rule, floors.get(rule.name, EFFECT_MIN)) for rule in rules]
    for extra in made:
        for name, settings, data in saved:
            if (name, settings) == (extra.rule.name, dict(extra.rule.settings)):
                extra.detector = _read(name, data)
    return made


def _read(name: str, data: bytes) -> Sequential:
    try:
        return sequential_from_bytes(name, data)
    except ValueError as error:
        todo = "go back to the version that wrote it, or switch the detector off for a start"
        raise CodecError(str(error), f"the state of {name}", todo) from None


def errors_of(reference: Reference, i: int, summary: Summary) -> Errors | None:
    """Count the errors of a window, if column i tells of single answers by 0 (right) and 1 (wrong)."""
    if reference.kind is not Kind.ERRORS or reference.columns[i].values != (0.0, 1.0):
        return None
    right, wrong = summary.counts[reference.layout.bins_of(i)][:2].tolist()
    n = right + wrong
    return Errors(wrong / n, n) if n else None


def _of_errors(detector: Sequential) -> bool:
    return detector.binary if isinstance(detector, River) else detector.BINARY
