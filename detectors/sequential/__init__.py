"""Detectors that take one number after the other, and how to make one by its name."""

from collections.abc import Mapping
from inspect import signature
from typing import Any

from detectors.sequential.adwin import ADWIN
from detectors.sequential.cusum import CUSUM
from detectors.sequential.ddm import DDM
from detectors.sequential.eddm import EDDM
from detectors.sequential.ewma import EWMA
from detectors.sequential.hddm_a import HDDMA
from detectors.sequential.hddm_w import HDDMW
from detectors.sequential.kswin import KSWIN
from detectors.sequential.page_hinkley import PageHinkley
from detectors.sequential.river import RIVER, River, river_class
from detectors.sequential.sequential import Sequential

__all__ = ["SEQUENTIAL", "sequential", "sequential_from_bytes", "sequential_settings"]

SEQUENTIAL: tuple[type[Sequential], ...] = (
    ADWIN,
    PageHinkley,
    CUSUM,
    EWMA,
    DDM,
    EDDM,
    HDDMA,
    HDDMW,
    KSWIN,
)
"""Every sequential detector, for whoever looks one up by its `name` or asks something of them all."""

_BY_NAME = {kind.name: kind for kind in SEQUENTIAL}
_NOTHING: Mapping[str, Any] = {}


def sequential(name: str, settings: Mapping[str, Any] = _NOTHING) -> Sequential:
    """Make a detector.

    Args:
        name: in the registry, as "kswin"; or "river." and a class of river, as "river.FHDDM".
        settings: its constructor's arguments.

    Raises:
        ValueError: there is no such detector, or it refuses a setting.
        ImportError: river is asked for and not there.

    >>> sequential("cusum", {"threshold": 5.0})
    CUSUM(min_instances=30, delta=0.005, threshold=5.0, mode='both', mean=None)
    """
    known = sequential_settings(name)
    for setting in settings:
        if setting not in known:
            raise ValueError(f"{name} has no setting {setting!r}, it has: {', '.join(known)}")
    try:
        if name.startswith(RIVER):
            return River(name.removeprefix(RIVER), settings)
        return _BY_NAME[name](**settings)
    except TypeError as error:
        raise ValueError(f"{name} cannot be made with {dict(settings)}: {error}") from None


def sequential_from_bytes(name: str, data: bytes) -> Sequential:
    """Read the detector of that name from what its `to_bytes` gave; ValueError if it is another."""
    kind: type[Sequential] = River if name.startswith(RIVER) else _kind(name)
    detector = kind.from_bytes(data)
    if isinstance(detector, River) and RIVER + detector.detector != name:
        raise ValueError(f"these are the bytes of a {RIVER}{detector.detector}, not of a {name}")
    return detector


def sequential_settings(name: str) -> tuple[str, ...]:
    """Tell the settings of a detector; errors as of `sequential`.

    >>> sequential_settings("eddm")[:2]
    ('warm_start', 'alpha')
    """
    made = river_class(name.removeprefix(RIVER)) if name.startswith(RIVER) else _kind(name)
    return tuple(signature(made).parameters)


def _kind(name: str) -> type[Sequential]:
    if name not in _BY_NAME:
        raise ValueError(f"no detector {name!r}, known: {', '.join(_BY_NAME)}, {RIVER}NAME")
    return _BY_NAME[name]
