"""What all sections of the configuration are made of: closed, frozen structs, and bounded values."""

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Count", "Duration", "Name", "Rate", "Section", "Span"]

_DURATION = Meta(extra={"unit": "ms"}, extra_json_schema={"unit": "ms"})
Duration = Annotated[int, Meta(ge=0, le=10**12), _DURATION]
Span = Annotated[int, Meta(gt=0, le=10**12), _DURATION]
Count = Annotated[int, Meta(ge=1, le=10**12)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Rate = Annotated[float, Meta(gt=0, le=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the configuration: immutable, closed to unknown keys."""
