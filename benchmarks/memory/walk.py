"""Tells the bytes of objects by walking what they lead to."""

import gc
import sys
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType

import numpy as np
from msgspec import Raw

__all__ = ["met", "weigh"]

UNWEIGHED = (type, ModuleType, BuiltinFunctionType)


def weigh(seen: set[int], *roots: object) -> int:
    """Tell the bytes of objects and of all that they lead to; what is in `seen` counts for others."""
    total, stack = 0, list(roots)
    while stack:
        one = stack.pop()
        if one is None or id(one) in seen or isinstance(one, UNWEIGHED):
            continue
        seen.add(id(one))
        total += _own_size(one)
        if isinstance(one, np.ndarray):
            stack.append(one.base)
        elif isinstance(one, FunctionType):  # what it was made with, not the module it lives in
            stack += one.__closure__ or ()
        elif isinstance(one, MethodType):
            stack.append(one.__self__)
        else:
            stack += gc.get_referents(one)
    return total


def _own_size(one: object) -> int:
    if isinstance(one, Raw):  # tells a pointer as its size
        return Raw.__basicsize__ + len(one)
    return sys.getsizeof(one)


def met(root: object, seen: set[int]) -> set[int]:
    """Give what was seen and what an object leads to."""
    walked = set(seen)
    weigh(walked, root)
    return walked
