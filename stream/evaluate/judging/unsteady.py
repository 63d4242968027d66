"""Says in words that a reference is not homogeneous, and what to do about it."""

from detectors.alarms.homogeneity import Unsteady
from sinks.event import rfc3339

__all__ = ["told_step"]


def told_step(step: Unsteady) -> str:
    """Tell of a step in a column's history.

    >>> told_step(Unsteady("location", -0.81, 1_358_208_000_000, False, 8.1))
    'its reference is not homogeneous: a step of -0.81 sd on 2013-01-15'
    >>> told_step(Unsteady("spread", 1.2, 1_358_208_000_000, True, 12.0))
    'its reference is not homogeneous: a step of 1.2 in spread on 2013-01-15; build it from a quieter time'
    """
    unit = "sd" if step.test == "location" else f"in {step.test}"
    todo = "; build it from a quieter time" if step.refused else ""
    day = rfc3339(step.start_ms)[:10]
    return f"its reference is not homogeneous: a step of {step.size:.2g} {unit} on {day}{todo}"
