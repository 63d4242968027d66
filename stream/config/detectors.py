"""What may be said of which detector: its name, its settings, and whether windows can feed it."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from stream.config.detector_names import (
    BROKEN_DETECTORS,
    DETECTORS_BY_DEFAULT,
    DETECTORS_ON_REQUEST,
    LAYERED_DETECTORS,
    RIVER,
    SEQUENTIAL_DETECTORS,
)
from stream.config.schema import Config
from stream.config.values import suggestion
from stream.config.watching import DetectorConfig

if TYPE_CHECKING:
    from detectors.sequential.sequential import Sequential

__all__ = ["detector_problems", "has_settings"]

Problem = tuple[str, str, str]

WITHOUT_THRESHOLD = LAYERED_DETECTORS[:3]
OF_SINGLE_ERRORS = frozenset({"eddm", f"{RIVER}EDDM"})

TRIAL, TRIAL_MAX = 200, 2_000
"""How many values a detector is tried with, beyond the largest of its settings and at most."""


def has_settings(name: str) -> bool:
    """Tell whether a detector is sequential, so that its constructor's arguments can be set."""
    return name in SEQUENTIAL_DETECTORS or name.startswith(RIVER)


def detector_problems(config: Config) -> Iterator[Problem]:
    """Tell what is wrong with the section `detectors`; detectors with settings are made for it."""
    known = (*DETECTORS_BY_DEFAULT, *DETECTORS_ON_REQUEST)
    for name, told in config.detectors.items():
        key = f"detectors.{name}"
        if name not in known and not name.startswith(RIVER):
            yield key, "no such detector", suggestion(name, (*known, f"{RIVER}NAME"))
        elif has_settings(name):
            yield from _sequential(key, name, told)
        else:
            yield from _of_windows(key, name, told)


def _of_windows(key: str, name: str, told: DetectorConfig) -> Iterator[Problem]:
    if told.settings:
        yield f"{key}.settings", "this detector has none", "take them out"
    if name in WITHOUT_THRESHOLD and told.threshold is not None:
        what = "a column is held against its own history here, and no fixed threshold fits that"
        todo = "take it out, and set a `floor`; or set a threshold of a score, as `psi`"
        yield f"{key}.threshold", what, todo
    alarms = name in (*LAYERED_DETECTORS, *BROKEN_DETECTORS) or told.threshold is not None
    if told.floor is not None and told.enabled is not False and not alarms:
        what = "it does nothing, as a score without a threshold never alarms"
        todo = "set a `threshold` beside it, or the floor of `location`, `spread` or `shape`"
        yield f"{key}.floor", what, todo


def _sequential(key: str, name: str, told: DetectorConfig) -> Iterator[Problem]:
    if told.threshold is not None:
        todo = "take it out, and see its `settings`"
        yield f"{key}.threshold", "this detector has no threshold of a window's statistic", todo
    if told.enabled is not False and name in OF_SINGLE_ERRORS:
        what = "it measures distances between single errors, and windows only count errors"
        yield key, what, "take `ddm` or `hddm_a`"
    elif told.settings or (name.startswith(RIVER) and told.enabled is not False):
        yield from _settings(f"{key}.settings" if told.settings else key, name, told)


def _settings(key: str, name: str, told: DetectorConfig) -> Iterator[Problem]:
    # Compiled detectors and river take a second to import, and few files want them.
    from detectors.sequential import sequential, sequential_settings  # noqa: PLC0415

    try:
        known = sequential_settings(name)
        strange = [setting for setting in told.settings if setting not in known]
        for setting in strange:
            yield f"{key}.{setting}", "no such setting", suggestion(setting, known)
        if not strange:
            _try(sequential(name, told.settings), told)
    except ImportError:
        yield key, "river is not installed", "pip install 'driftbus[river]'"
    except ValueError as error:
        yield key, str(error), ""


def _try(detector: "Sequential", told: DetectorConfig) -> None:
    """Feed some values, as river finds only with a full window that its settings do not fit."""
    longest = max((x for x in told.settings.values() if type(x) is int), default=0)
    length = min(TRIAL_MAX, TRIAL + max(0, longest))
    detector.update_many([float(i % 2) for i in range(length)])
