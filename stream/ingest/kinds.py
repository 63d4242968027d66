"""Which of the models' types the events of a batch are of."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from stream.summaries.coded import compact

__all__ = ["Kinds", "kinds_of"]


class Kinds(NamedTuple):
    """The types of some events: each distinct one, and for each event the place of its own; None if there is one."""

    types: Sequence[type[Any]] = ()
    which: NDArray[np.int64] | None = None


def kinds_of(types: Sequence[type[Any]], of: NDArray[np.int64]) -> Kinds:
    """Tell the types that events have, event i types[of[i]]. Cost: 5 ns an event, where they are of several types."""
    if not len(of):
        return Kinds()
    if (of == of[0]).all():
        return Kinds([types[of[0]]])
    used, which = compact(of, len(types))
    return Kinds([types[i] for i in used.tolist()], which)
