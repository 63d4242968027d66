"""Whose events are: their versions and segments, each distinct one numbered."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.ingest.envelope import NAME_BYTES_MAX, SEGMENT_NAMES_MAX
from stream.summaries.rows import Party
from stream.words import Segment

__all__ = ["OUT_OF_BOUNDS", "Parties", "are_names", "fits", "segment_of"]

NONE, OUT_OF_BOUNDS = -1, -2
"""The places of events that have no party."""
PARTIES_MAX = 50_000
"""Parties that are remembered."""
SHORT = NAME_BYTES_MAX // 4
"""Characters that no more than `NAME_BYTES_MAX` bytes are written with, whichever they are."""

_Items = tuple[tuple[str, str], ...]
_VERSION, _SEGMENT = attrgetter("version"), attrgetter("segment")


class Parties:
    """Numbers for versions and segments, which stay the same from batch to batch while `list` is the same object.

    Most events are of a party that was met before, so it costs one look-up each, and is held to the bounds once.
    Cost: about 0.3 us an event with a segment, less without one.
    """

    def __init__(self) -> None:
        self.list: list[Party] = []
        self._known: dict[str, dict[_Items, int]] = {}

    def make_room(self) -> None:
        """Forget all parties if there are too many; between batches, as places in the list are of the whole batch."""
        if len(self.list) > PARTIES_MAX:
            self.__init__()  # type: ignore[misc]

    def code(self, events: Sequence[Any]) -> tuple[list[Party], NDArray[np.int64]]:
        """Tell the parties that are known by now, and for each event the place of its own among them.

        Args:
            events: typed, Envelope, or None for one that could not be read. This one has the place NONE, and one whose
                names are too long, empty or too many has OUT_OF_BOUNDS.
        """
        try:
            versions = set(map(_VERSION, events))
            segments = list(map(_SEGMENT, events)) if hasattr(events[0], "segment") else []
            if len(versions) == 1:
                (version,) = versions
                if not any(segments):
                    return self.list, np.full(len(events), self._place(version, ()), dtype=np.int64)
                items = list(map(tuple, map(dict.items, [segment or {} for segment in segments])))
                return self.list, self._places(version, items)
        except (AttributeError, IndexError, TypeError):  # not all of them typed, or one not read
            pass
        places = (NONE if e is None else self._place(e.version, _items(e)) for e in events)
        return self.list, np.fromiter(places, np.int64, len(events))

    def _places(self, version: str, keys: Sequence[_Items]) -> NDArray[np.int64]:
        known = self._known.setdefault(version, {})
        try:
            return np.fromiter(map(known.__getitem__, keys), np.int64, len(keys))
        except KeyError:
            return np.fromiter((self._place(version, key) for key in keys), np.int64, len(keys))

    def _place(self, version: str, items: _Items) -> int:
        known = self._known.setdefault(version, {})
        place = known.get(items)
        if place is None:
            party = (version, tuple(sorted(items)))
            if not fits(party):
                return OUT_OF_BOUNDS
            place = known.get(party[1])
            if place is None:
                place = known[party[1]] = len(self.list)
                self.list.append(party)
            known[items] = place
        return place


def _items(event: Any) -> _Items:
    segment = getattr(event, "segment", None) or ()
    return segment if isinstance(segment, tuple) else tuple(segment.items())


def segment_of(event: Any) -> Segment:
    """Tell the segment of an event, typed or not; labels have none."""
    return tuple(sorted(_items(event)))


def fits(party: Party) -> bool:
    """Tell whether a party keeps to the bounds of names and segments."""
    version, segment = party
    return len(segment) <= SEGMENT_NAMES_MAX and are_names(
        [version, *(text for pair in segment for text in pair if text)]
    )


def are_names(texts: Sequence[str]) -> bool:
    """Tell whether all of these texts are neither empty nor too long for a name."""
    lengths = list(map(len, texts))
    if min(lengths, default=1) == 0:
        return False
    return max(lengths, default=0) <= SHORT or all(map(_is_name, texts))


def _is_name(text: str) -> bool:
    return 0 < len(text) <= NAME_BYTES_MAX and (
        text.isascii() or len(text.encode()) <= NAME_BYTES_MAX
    )
