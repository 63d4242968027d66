"""The one door to Apache DataSketches, which comes with the extra `sketches`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["read_sketch", "reading", "sketches"]


def sketches() -> Any:
    """Give the package, loaded when first asked for.

    Raises:
        ImportError: it is not installed, with what to do.
    """
    try:
        import datasketches  # noqa: PLC0415 - an extra, and nothing else here needs it
    except ImportError as error:
        raise ImportError(
            "this sketch is Apache DataSketches': pip install 'driftbus[sketches]'"
        ) from error
    return datasketches


def read_sketch(kind: type[Any], data: bytes) -> Any:
    """Read the bytes of a sketch; ValueError, whatever the library makes of them."""
    try:
        return kind.deserialize(data)
    except (IndexError, RuntimeError, TypeError, ValueError) as error:
        raise ValueError(f"these are not the bytes of a {kind.__name__}: {error}") from error


@contextmanager
def reading(kind: str) -> Iterator[None]:
    """Turn whatever the fields of a state can do to the code that reads them into a ValueError.

    >>> with reading("quantiles"):
    ...     {}["k"]
    Traceback (most recent call last):
    ValueError: this is no state of a quantiles: KeyError('k')
    """
    try:
        yield
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"this is no state of a {kind}: {error!r}") from error
