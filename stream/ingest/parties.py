"""Whose events are: their versions and segments, each distinct one numbered."""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.ingest.envelope import NAME_BYTES_MAX, SEGMENT_NAMES_MAX
from stream.ingest.texts import Texts
from stream.summaries.rows import Party
from stream.words import Segment

__all__ = ["OUT_OF_BOUNDS", "UNREADABLE", "Parties", "are_names", "fits", "segment_of"]

NONE, OUT_OF_BOUNDS, UNREADABLE = -1, -2, -3
"""The places of events that have no party."""
UNMET = -4
PARTIES_MAX = 50_000
"""Parties that are remembered, texts of segments, and orders of names other than the alphabet's."""
TEXTS_BYTES_MAX = 16_000_000
"""Bytes of all texts of segments that are remembered."""
VERSIONS_MAX = 16
"""Versions of which the place of each text is remembered."""
SHORT = NAME_BYTES_MAX // 4
"""Characters that no more than `NAME_BYTES_MAX` bytes are written with, whichever they are."""

_Items = tuple[tuple[str, str], ...]
_VERSION, _SEGMENT = attrgetter("version"), attrgetter("segment")
_decode = msgspec.json.Decoder(dict[str, str] | None).decode


class Parties:
    """Numbers for versions and segments, which stay the same from batch to batch while `list` is the same object.

    Most events are of a party that was met before. A typed event has its segment as it is written, and each text is
    read, and held to the bounds, once. Cost: about 0.15 us an event with a segment, less without one.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Know no party."""
        self.list: list[Party] = []
        self._known: dict[str, dict[_Items, int]] = {}
        self._orders = 0
        self._texts = Texts()
        self._of_texts: dict[str, NDArray[np.int64]] = {}

    def make_room(self) -> None:
        """Forget all parties if there are too many; between batches, as places in the list are of the whole batch."""
        held = max(len(self.list), self._orders, len(self._texts))
        if held > PARTIES_MAX or self._texts.size > TEXTS_BYTES_MAX:
            self._begin()

    def code(self, events: Sequence[Any]) -> tuple[list[Party], NDArray[np.int64]]:
        """Tell the parties that are known by now, and for each event the place of its own among them.

        Args:
            events: typed, Envelope, or None for one that could not be read. This one has the place NONE, one whose
                names are too long, empty or too many has OUT_OF_BOUNDS, and a typed one whose segment is no map of text
                to text has UNREADABLE.
        """
        try:
            met = list(dict.fromkeys(map(_VERSION, events)))
            segments = list(map(_SEGMENT, events)) if hasattr(events[0], "segment") else []
            texts = self._texts.number(segments) if any(segments) else None
        except (AttributeError, IndexError, TypeError):  # not all of them typed, or one not read
            return self.list, self._one_by_one(events)
        if len(met) > VERSIONS_MAX:
            return self.list, self._one_by_one(events)
        if len(met) == 1:
            return self.list, self._places(met[0], texts, len(events))
        number = {version: i for i, version in enumerate(met)}
        which = np.fromiter(map(number.__getitem__, map(_VERSION, events)), np.int64, len(events))
        places = np.empty(len(events), dtype=np.int64)
        for version, i in number.items():
            own = np.flatnonzero(which == i)
            places[own] = self._places(version, texts if texts is None else texts[own], len(own))
        return self.list, places

    def _one_by_one(self, events: Sequence[Any]) -> NDArray[np.int64]:
        places = (NONE if e is None else self._place(e.version, _items(e)) for e in events)
        return np.fromiter(places, np.int64, len(events))

    def _places(self, version: str, texts: NDArray[np.int64] | None, n: int) -> NDArray[np.int64]:
        """Tell the places of n events of a version, by the numbers of their segments' texts; None: they have none."""
        if texts is None:
            return np.full(n, self._place(version, ()), dtype=np.int64)
        known = self._of_texts.get(version, np.zeros(0, dtype=np.int64))
        if len(known) < len(self._texts):
            if len(self._of_texts) >= VERSIONS_MAX:
                self._of_texts.clear()
            more = 2 * len(self._texts) - len(known)
            known = np.concatenate([known, np.full(more, UNMET, dtype=np.int64)])
            self._of_texts[version] = known
        places: NDArray[np.int64] = known[texts]
        unmet = np.unique(texts[places == UNMET])
        if len(unmet):
            told = (_items_of(self._texts[i]) for i in unmet.tolist())
            known[unmet] = [self._place(version, items) for items in told]
            places = known[texts]
        return places

    def _place(self, version: str, items: _Items | None) -> int:
        if items is None:
            return UNREADABLE
        known = self._known.get(version, {})
        place = known.get(items)
        if place is None:
            party = (version, tuple(sorted(items)))
            if not fits(party):
                return OUT_OF_BOUNDS
            known = self._known.setdefault(version, known)
            place = known.get(party[1])
            if place is None:
                place = known[party[1]] = len(self.list)
                self.list.append(party)
            if items != party[1]:
                known[items] = place
                self._orders += 1
        return place


def _items(event: Any) -> _Items | None:
    segment = getattr(event, "segment", ())
    return segment if isinstance(segment, tuple) else _items_of(segment)


def _items_of(text: bytes | msgspec.Raw) -> _Items | None:
    """Read a segment as it is written; None where it is no map of text to text."""
    if not text:
        return ()
    try:
        return tuple((_decode(text) or {}).items())
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def segment_of(event: Any) -> Segment:
    """Tell the segment of an event, typed or not, that can be read; labels have none."""
    return tuple(sorted(_items(event) or ()))


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
