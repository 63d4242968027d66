"""What the sequential detectors of errors share: they warn before they alarm."""

from typing import Any, ClassVar

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

    def _check_state(self, own: Any, saved: Any) -> None:
        super()._check_state(own, saved)
        if saved[WARNED] not in (0.0, 1.0):
            raise ValueError(f"a {self.name} has warned or not, {saved[WARNED]} is neither")
