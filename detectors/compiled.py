"""The one door to numba, so that hot loops keep their types and no machine code outlives what it was made of."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cache
from hashlib import sha256
from types import CodeType, FunctionType, ModuleType
from typing import TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import FunctionCache
from numba.core.dispatcher import Dispatcher

__all__ = ["compiled"]

F = TypeVar("F", bound=Callable[..., object])


def compiled(function: F) -> F:
    """Compile a free function over numbers and arrays to machine code, at its first call.

    The code is cached on disk, so only the first process pays (about a second a function). It is made anew when
    the function's file changes, or elsewhere a function that it reaches, or a value that it names; what a class of
    another file holds is not looked at. Where
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
    made = njit(function)
    with suppress(RuntimeError):  # numba finds no place for its cache
        made._cache = _Cache(function)  # type: ignore[no-untyped-call]
    return cast(F, made)


class _Cache(FunctionCache):
    """Where numba keeps a function's machine code by signature, processor and byte code; here by all that is in it."""

    def _index_key(self, signature: object, codegen: object) -> tuple[object, ...]:
        key = super()._index_key(signature, codegen)  # type: ignore[no-untyped-call]
        return (*key, np.__version__, _made_of(self._py_func))


def _made_of(function: FunctionType) -> str:
    """Digest what is in a function's machine code: the functions that it reaches, and the values that they name.

    Asked at the first call only, as a function may name what stands behind it. Cost: 0.1 ms.
    """
    reached, digest = [function], sha256()
    for one in reached:
        said, called = _said(one)
        digest.update(said)
        reached += [other for other in called if other not in reached]
    return digest.hexdigest()


@cache
def _said(function: FunctionType) -> tuple[bytes, list[FunctionType]]:
    """Tell what a function says itself, with the values that become constants, and which compiled ones it names."""
    parts = list(_parts(function.__code__))
    said: list[object] = [function.__defaults__]
    for part in parts:
        constants = tuple(one for one in part.co_consts if not isinstance(one, CodeType))
        said += [part.co_code, part.co_names, constants]
    named = list(_named(function.__globals__, [name for part in parts for name in part.co_names]))
    called = [value.py_func for value in named if isinstance(value, Dispatcher)]
    return "\n".join(map(_told, [*said, *named])).encode(), called


def _told(value: object) -> str:
    """Write a constant; of all else, such as a library's function, which numba knows by itself, the name."""
    if isinstance(value, tuple):
        return f"({', '.join(map(_told, value))})"
    if isinstance(value, frozenset):
        return f"{{{', '.join(sorted(map(_told, value)))}}}"
    if isinstance(value, np.ndarray):
        return f"{value.dtype!r} {value.shape} {value.tobytes().hex()}"
    if value is None or isinstance(value, int | float | complex | str | bytes | np.generic):
        return f"{type(value)} {value!r}"
    return f"{getattr(value, '__module__', None)} {getattr(value, '__name__', type(value))}"


def _parts(code: CodeType) -> Iterator[CodeType]:
    """Give a function's code, and that of functions within it, such as comprehensions."""
    yield code
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _parts(one)


def _named(known: Mapping[str, object], names: Sequence[str]) -> Iterator[object]:
    """Give what names stand for, by themselves or in a module that one of them stands for."""
    scopes, modules = [known], list[ModuleType]()
    for scope in scopes:
        for name in names:
            if name not in scope:
                continue
            value = scope[name]
            if not isinstance(value, ModuleType):
                yield value
            elif value not in modules:
                modules.append(value)
                scopes.append(vars(value))
