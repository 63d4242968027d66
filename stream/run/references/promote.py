"""`driftbus reference promote`: enters a reference, from a pane on that nobody has begun."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sinks.event import rfc3339
from stream.config import Config
from stream.errors import UsageError
from stream.ingest.fold import NEVER
from stream.ingest.partition import read_marks
from stream.ingest.raw import Source
from stream.reference.book import Book
from stream.reference.fleet import Fleet
from stream.reference.reference import ALWAYS, Reference
from stream.run.fleet.rules import window_sizes
from stream.state.store import Store

__all__ = ["Promoted", "promote", "read_until_ms", "told_of"]


class Promoted(NamedTuple):
    """A reference in the fleet; `new` unless it had been entered before."""

    reference: Reference
    new: bool


def read_until_ms(store: Store, config: Config, sources: list[Source]) -> int | None:
    """Tell the time up to which partitions have read, lateness added; None when none has."""
    marks = read_marks(store, config.app, sources).values()
    latest = max((m.watermark for m in marks if m is not None), default=NEVER)
    return None if latest <= 0 else latest + config.lateness_ms


def promote(
    config: Config,
    references: Sequence[Reference],
    from_ms: int | None,
    store: Store,
    sources: list[Source],
) -> list[Promoted]:
    """Enter references into the fleet, each with the next number of its series.

    They hold from `from_ms` on, rounded up to a pane; by default from the first boundary of the
    largest window that lies after every partition's watermark and the lateness, or from the
    beginning when nothing was read yet. Promoting the same again changes nothing while that pane
    lies ahead.

    Raises:
        ReferenceMismatch: one was built with other panes or windows.
        UsageError: the pane has begun already, or another reference holds from it on.
    """
    for reference in references:
        reference.check(config.pane_ms, window_sizes(config))
    pane = _from_pane(config, from_ms, read_until_ms(store, config, sources))
    fleet = Fleet(store, config.app)
    fleet.refresh()
    before = [_held(fleet.book, reference, pane) for reference in references]
    lacking = [r for r, held in zip(references, before, strict=True) if held is None]
    entered = iter(_enter(fleet, lacking, pane))
    return [
        Promoted(next(entered), new=True) if held is None else Promoted(held, new=False)
        for held in before
    ]


def _from_pane(config: Config, from_ms: int | None, read_ms: int | None) -> int:
    pane_ms = config.pane_ms
    if from_ms is None:
        if read_ms is None:
            return ALWAYS
        every = config.windows[-1].every_ms
        return (read_ms // every + 1) * every // pane_ms
    pane = -(-from_ms // pane_ms)
    if read_ms is not None and pane * pane_ms <= read_ms:
        told = f"the pane of {rfc3339(from_ms)} has begun: workers have read to {rfc3339(read_ms)}"
        raise UsageError(told, "--from", "give a later time, or none")
    return pane


def _held(book: Book, reference: Reference, pane: int) -> Reference | None:
    """Find what was entered for the same series from the same pane on; UsageError when it is another."""
    line = book.line(reference.series, reference.kind)
    held = next((r for r in line if r.from_pane == pane), None)
    if held is not None and not held.is_like(reference):
        told = f"{held.name} holds from that pane on already"
        raise UsageError(told, f"{reference.series} {reference.kind}", "give a later --from")
    return held


def _enter(fleet: Fleet, references: Sequence[Reference], pane: int) -> list[Reference]:
    wanted = [_placed(r, _next(fleet.book, r), pane) for r in references]
    entered = fleet.publish_all(wanted, renumber=True)
    for one, reference in zip(entered, wanted, strict=True):
        if one.digest != reference.digest:  # somebody has entered one since
            _held(fleet.book, reference, pane)
    return entered


def _placed(reference: Reference, number: int, pane: int) -> Reference:
    """Give a reference with its number and first pane; itself, where it has them, as only it has its digest.

    The digest is of what was learned, and of its windows less is stored. It is in the ids of alerts.
    """
    if (reference.number, reference.from_pane) == (number, pane):
        return reference
    return replace(reference, number=number, from_pane=pane)


def _next(book: Book, reference: Reference) -> int:
    return max((r.number for r in book.line(reference.series, reference.kind)), default=0) + 1


def told_of(promoted: Promoted) -> str:
    """Say in one line what was entered, and from when on it holds."""
    r = promoted.reference
    since = (
        "from the beginning"
        if r.from_pane == ALWAYS
        else f"from {rfc3339(r.from_pane * r.pane_ms)} on"
    )
    verb = "holds" if promoted.new else "was entered before; it holds"
    return f"{r.name} {r.series} {r.kind.value} {verb} {since}"
