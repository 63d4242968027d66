"""Whose events are: their versions and segments, each distinct one numbered."""

from collections.abc import Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

from stream.ingest.envelope import NAME_BYTES_MAX, SEGMENT_NAMES_MAX
from stream.summaries.rows import Party
from stream.summaries.texts import Spans, Texts
from stream.summaries.written import party_of
from stream.words import Segment

__all__ = ["NONE", "OUT_OF_BOUNDS", "UNREADABLE", "Parties", "are_names", "fits", "segment_of"]

NONE, OUT_OF_BOUNDS, UNREADABLE = -1, -2, -3
"""The places of events that have no party."""
PARTIES_MAX = 50_000
"""Parties that are remembered, and texts of them."""
TEXTS_BYTES_MAX = 16_000_000
"""Bytes of all texts of parties that are remembered."""
SHORT = NAME_BYTES_MAX // 4
"""Characters that no more than `NAME_BYTES_MAX` bytes are written with, whichever they are."""

_decode = msgspec.json.Decoder(dict[str, str] | None).decode


class Parties:
    """Numbers for versions and segments, which stay the same from batch to batch while `list` is the same object.

    Most events are of a party that was met before, so each text of a version and a segment, as they are written, is
    read, and held to the bounds, once. Cost: about 20 ns an event, 40 ns with a segment.
    """

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        """Know no party."""
        self.list: list[Party] = []
        self._known: dict[Party, int] = {}
        self._texts = Texts()
        self._of_texts = np.zeros(0, dtype=np.int64)

    def make_room(self) -> None:
        """Forget all parties if there are too many; between batches, as places in the list are of the whole batch."""
        held = max(len(self.list), len(self._texts))
        if held > PARTIES_MAX or self._texts.size > TEXTS_BYTES_MAX:
            self._begin()

    def code(self, written: Spans) -> NDArray[np.int64]:
        """Tell the places in the list of the parties of typed events, as they are written.

        One whose names are too long, empty or too many has the place OUT_OF_BOUNDS, one whose segment is no map of text
        to text has UNREADABLE.
        """
        known = len(self._texts)
        numbers = self._texts.number(written)
        if len(self._texts) > known:
            told = [self._read(self._texts[i]) for i in range(known, len(self._texts))]
            self._of_texts = np.concatenate([self._of_texts[:known], told])
        return self._of_texts[numbers]

    def place(self, party: Party) -> int:
        """Tell the place of a party."""
        place = self._known.get(party)
        if place is None:
            if not fits(party):
                return OUT_OF_BOUNDS
            place = self._known[party] = len(self.list)
            self.list.append(party)
        return place

    def _read(self, text: bytes) -> int:
        version, written = party_of(text)
        segment = segment_of(written)
        return UNREADABLE if segment is None else self.place((version, segment))


def segment_of(text: bytes | msgspec.Raw) -> Segment | None:
    """Read a segment as it is written; None where it is no map of text to text."""
    if not text:
        return ()
    try:
        return tuple(sorted((_decode(text) or {}).items()))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


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
