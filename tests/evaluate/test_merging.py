"""The parts that partitions have of a series in a pane, as one."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.evaluate.panes.merging import merge_parts
from stream.ingest.pane import Binned
from stream.reference.binning import bin_raw
from stream.summaries.raw_values import Raw
from stream.summaries.unseen import dump_unseen
from tests.events import reference_of

ROWS: list[dict[str, object]] = [{"amount": i / 7, "channel": "web"} for i in range(40)]
REFERENCE = reference_of(ROWS)
PARTS = st.lists(
    st.tuples(
        st.booleans(),
        st.lists(st.tuples(st.floats(-5, 5), st.sampled_from(["web", "app", None])), max_size=6),
    ),
    max_size=5,
)


def _raw(rows: list[tuple[float, str | None]]) -> Raw:
    raw = Raw()
    for i, (amount, channel) in enumerate(rows):
        raw.add({"amount": amount, "channel": channel}, 1000, (i,), 100)
    return raw


def _part(binned: bool, raw: Raw) -> Binned | Raw:
    return Binned(REFERENCE.digest, bin_raw(REFERENCE, raw)) if binned else raw


def _told(part: Binned | Raw) -> list[Any]:
    if isinstance(part, Raw):
        return part.payload()
    return [part.summary.counts.tolist(), part.summary.extremes.tolist(), dump_unseen(part.summary)]


@given(PARTS)
def test_parts_in_any_form_and_order_are_as_all_their_events_at_once(
    parts: list[tuple[bool, list[tuple[float, str | None]]]],
) -> None:
    """And none of them is changed by it."""
    made = [_part(binned, _raw(rows)) for binned, rows in parts]
    before = [_told(part) for part in made]
    whole = bin_raw(REFERENCE, _raw([row for _, rows in parts for row in rows]))
    for order in (made, made[::-1]):
        merged = Binned(REFERENCE.digest, merge_parts(REFERENCE, order))
        assert _told(merged) == _told(Binned(REFERENCE.digest, whole))
    assert [_told(part) for part in made] == before


def test_a_part_of_another_reference_is_refused() -> None:
    with pytest.raises(RuntimeError, match="another reference"):
        merge_parts(REFERENCE, [Binned(b"other", bin_raw(REFERENCE, Raw()))])
