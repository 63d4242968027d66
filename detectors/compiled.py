"""The one door to numba, so that hot loops keep their types."""

from collections.abc import Callable
from typing import TypeVar, cast

from numba import njit

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a free function over numbers and arrays to machine code, at its first call.

    The code is cached on disk, so only the first process pays (about a second a function). That is
    made anew when the function's own file changes, not when another one does whose compiled functions
    it calls: who changes these, or updates a checkout in place, removes `__pycache__`. Where
    no directory can be written, as in a container with a read-only root and no home, every process
    compiles for itself. There are no bounds checks: the caller sees to it that indices are right.
    An array that is put into a row or a slice takes seconds to compile, for the words that would say
    that the shapes differ; a loop takes none.

    >>> @compiled
    ... def double(x: float) -> float:
    ...     return 2 * x
    >>> double.__name__
    'double'
    """
    try:
        return cast(F, njit(cache=True)(function))
    except RuntimeError:  # numba found no place for its cache
        return cast(F, njit(function))
