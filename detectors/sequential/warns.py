"""What the sequential detectors of errors share: they warn before they alarm."""

from typing import ClassVar

from detectors.sequential.sequential import Sequential

__all__ = ["WARNED", "Warns"]

WARNED = 1
"""Where the state holds whether there is a warning, apart from the status: in river's answers a
warning may stand beside a drift."""


class Warns(Sequential):
    """A detector of errors with a second, lower threshold; its state begins (status, warned)."""

    BINARY: ClassVar[bool] = True

    @property
    def warning_detected(self) -> bool:
        """Whether the last update found a warning, or left one standing."""
        return bool(getattr(self, self.ARRAYS[0])[WARNED])
