"""The words of driftbus: kinds of events, series, panes. Plain values that every room shares."""

from enum import StrEnum
from typing import NamedTuple

__all__ = ["INPUTS", "SEVERAL", "Kind", "Segment", "Series", "pane_of"]

Segment = tuple[tuple[str, str], ...]
"""Name and value pairs, sorted by name; the empty tuple is the whole."""

SEVERAL = ""
"""Stands for several models where one's name, or version, does. No model is called so: it would be refused."""


class Kind(StrEnum):
    """What a chain of panes is made of. The first three are topics; errors come from the join."""

    FEATURES = "features"
    PREDICTIONS = "predictions"
    LABELS = "labels"
    ERRORS = "errors"

    @property
    def one(self) -> str:
        """Name one of them: its value is the plural."""
        return self.value.removesuffix("s")


INPUTS = (Kind.FEATURES, Kind.PREDICTIONS, Kind.LABELS)
"""The kinds that are read from topics, in the order in which everything lists them."""


class Series(NamedTuple):
    """What is watched together: one model, one version, one segment.

    >>> str(Series("fraud", "12", (("country", "DE"),)))
    'fraud/12/country=DE'
    """

    model: str
    version: str
    segment: Segment = ()

    def __str__(self) -> str:
        return "/".join([self.model, self.version, *("=".join(pair) for pair in self.segment)])


def pane_of(ts_ms: int, pane_ms: int) -> int:
    """Tell the number of the pane that holds a time; panes are aligned to the epoch."""
    return ts_ms // pane_ms
