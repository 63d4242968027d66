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

    Raw parts are merged first: which rows a bounded sample keeps is settled over all partitions.
    """
    summary, raw = Summary.empty(reference.layout), Raw()
    for part in parts:
        if isinstance(part, Raw):
            raw.merge(part)
        elif part.digest == reference.digest:
            summary.merge(part.summary)
        else:
            raise RuntimeError(
                f"{reference.series}: a pane is binned by another reference than {reference.name}"
            )
    summary.merge(bin_raw(reference, raw))
    return summary
