"""The one door to Apache DataSketches, which comes with the extra `sketches`."""

from typing import Any

__all__ = ["read_sketch", "sketches"]


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
