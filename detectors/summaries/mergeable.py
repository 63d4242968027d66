"""What every summary and sketch can do: be put together with its like, and be written down."""

from typing import Protocol, Self, runtime_checkable

__all__ = ["Mergeable"]


@runtime_checkable
class Mergeable(Protocol):
    """A summary of values that is as good in parts as in one piece.

    Values are summarised where they arise, on as many machines as there are, and the parts are
    merged where they are judged. So the order of parts and the way they are grouped must not show:
    `merge` is associative and commutative. Whether that holds to the byte or within a stated error
    is part of each class's promise (`SUMMARIES` has it as `exact`). Cost: merging and writing take
    time by the size of a summary, which is bounded, and not by how much it has taken in.

    >>> from detectors.summaries import UnseenValues
    >>> isinstance(UnseenValues(), Mergeable)
    True
    """

    @property
    def bytes_max(self) -> int:
        """The most bytes that `to_bytes` can give, however much is taken in."""
        ...

    def merge(self, other: Self) -> None:
        """Take in another summary of the same kind and size, in place; the other stays as it is.

        Raises:
            ValueError: the two are of different sizes.
        """
        ...

    def to_bytes(self) -> bytes:
        """Give the state as bytes: versioned and checked, no pickle.

        Where merging is exact, equal contents give equal bytes.
        """
        ...

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` gave.

        Raises:
            ValueError: these bytes are damaged, cut short, of another kind or of a newer version.
        """
        ...
