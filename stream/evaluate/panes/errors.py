"""The errors of a model in a pane, collected by series."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from stream.summaries.raw_values import Raw
from stream.summaries.rows import Party, Said
from stream.words import Series

__all__ = ["Errors", "errors_of"]


class Errors:
    """Errors as they come, each of the party whose prediction it was."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._raw: dict[Series, Raw] = {}

    def add(
        self, parties: Sequence[Party], who: NDArray[np.int64], errors: NDArray[np.float64]
    ) -> None:
        """Take in errors; error i is of parties[who[i]]."""
        order = np.argsort(who, kind="stable")
        present, first = np.unique(who[order], return_index=True)
        for i, part in zip(present.tolist(), np.split(errors[order], first[1:]), strict=False):
            version, segment = parties[i]
            for of in {(), segment}:
                raw = self._raw.setdefault(Series(self._model, version, of), Raw())
                raw.add_numbers("error", part.tolist())

    def by_series(self) -> dict[Series, Raw]:
        """Give them: each counts in the whole of its version, and in its segment."""
        return self._raw


def errors_of(predictions: Said, labels: Said) -> NDArray[np.float64]:
    """Tell |prediction - label| of two numbers, else 1 if they differ."""
    with np.errstate(over="ignore"):
        apart = np.abs(predictions.number - labels.number)
    differ = (predictions.text != labels.text).astype(np.float64)
    return np.where(np.isnan(apart), differ, apart)
