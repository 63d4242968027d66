"""What the partitions have of a series in a pane, as one."""

from collections.abc import Sequence

from detectors.summaries.summary import Summary
from stream.ingest.pane import Binned
from stream.reference.binning import bin_raw
from stream.reference.reference import Reference
from stream.summaries.raw_values import Raw

__all__ = ["events_of", "merge_parts"]


def events_of(part: Binned | Raw) -> int:
    """Tell how many events of a part were kept."""
    return part.n + part.dropped if isinstance(part, Raw) else part.summary.n


def merge_parts(reference: Reference, parts: Sequence[Binned | Raw]) -> Summary:
    """Merge the parts of a pane; raw ones, folded before the reference was known, are binned now.

    No part is changed, and of one alone its own summary is given. Raw ones are merged first: which rows a bounded
    sample keeps is settled over all partitions.
    """
    summary: Summary | None = None
    raw: list[Raw] = []
    for part in parts:
        if isinstance(part, Raw):
            raw.append(part)
        elif part.digest != reference.digest:
            raise RuntimeError(
                f"{reference.series}: a pane is binned by another reference than {reference.name}"
            )
        elif summary is None:
            summary = part.summary if len(parts) == 1 else part.summary.copy()
        else:
            summary.merge(part.summary)
    if raw or summary is None:
        binned = bin_raw(reference, _as_one(raw))
        if summary is None:
            return binned
        summary.merge(binned)
    return summary


def _as_one(parts: Sequence[Raw]) -> Raw:
    whole = Raw()
    for part in parts:
        whole.merge(part)
    return whole
