"""What of a chain's state is stored apart from its head: what is written once, or seldom.

The head is the small moving part, written with every pane: how far the windows are, the one that is being filled, the
incidents. It names its parts; they are

- fit: what the alarm layer of one size of windows learned, written when it was fitted anew;
- track: a block of its history, written while it is filled;
- grown: the windows that the scores took into their history, ten at most;
- hop: a stretch of a sliding window, written when it is full.

In a head that an older release wrote, and in `Chain.payload`, all of them stand in their places instead.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from stream.evaluate.judging.track import blocks_of

__all__ = ["Part", "parts_of", "whole"]


class Part(NamedTuple):
    """A part: what it is, of which size of windows, and which of several."""

    of: str
    which: int
    number: int = 0


def parts_of(head: Any) -> Iterator[Part]:
    """Name the parts that a head has apart."""
    _, rings, _, grown, _, alarms, *_ = head
    for which, (*_, hops) in enumerate(rings):
        yield from (Part("hop", which, hop) for hop in hops if isinstance(hop, int))
    for which, windows in enumerate(grown):
        if isinstance(windows, int):
            yield Part("grown", which)
    for which, saved in enumerate(alarms):
        if saved is not None and saved[2] is None:
            yield Part("fit", which)
            yield from (Part("track", which, place) for place in range(blocks_of(saved[1])))


def whole(head: Any, find: Callable[[Part], Any]) -> list[Any]:
    """Put the parts into a head, which becomes the whole state; `find` gives the payload of one."""
    digest, rings, carried, grown, extra, alarms, *rest = head
    rings = [
        [*ring, [find(Part("hop", which, hop)) if isinstance(hop, int) else hop for hop in hops]]
        for which, (*ring, hops) in enumerate(rings)
    ]
    grown = [
        find(Part("grown", which)) if isinstance(windows, int) else windows
        for which, windows in enumerate(grown)
    ]
    made = []
    for which, saved in enumerate(alarms):
        if saved is not None and saved[2] is None:
            blocks = [find(Part("track", which, at)) for at in range(blocks_of(saved[1]))]
            made.append([*saved[:2], [find(Part("fit", which)), blocks]])
        else:
            made.append(saved)
    return [digest, rings, carried, grown, extra, made, *rest]
