"""The versioned baseline of one kind of one series: frozen columns, their counts, and its own windows in time order."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from detectors.summaries.column import Column
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from detectors.summaries.thinned import Thinned
from stream.config import Window
from stream.config.durations import duration_text
from stream.errors import ReferenceMismatch
from stream.reference.history import History
from stream.reference.totals import Totals
from stream.state.versions import digest_of_reference as digest_of
from stream.state.versions import dump, load, making_sense
from stream.summaries.schema import Schema
from stream.words import Kind, Series

__all__ = ["ALWAYS", "Reference", "WindowSize"]

ALWAYS = -(2**62)
"""The pane from which a reference holds when it holds from the beginning."""


class WindowSize(NamedTuple):
    """A window: how long, and how often it ends (tumbling when the two are equal)."""

    size_ms: int
    every_ms: int


@dataclass(frozen=True)
class Reference:
    """A baseline. `number` counts the versions of it, `from_pane` says from which pane on it judges.

    `start_ms` and `end_ms` bound the time it was learned from; windows that begin before the end are not judged with
    it. `histories` has one entry a window size, in the order of `windows`.
    """

    series: Series
    kind: Kind
    number: int
    origin: str
    from_pane: int
    pane_ms: int
    windows: tuple[WindowSize, ...]
    start_ms: int
    end_ms: int
    columns: tuple[Column, ...]
    total: Summary
    histories: tuple[History, ...]

    @property
    def name(self) -> str:
        """The name that alerts use: `fraud-12@3`."""
        return f"{self.series.model}-{self.series.version}@{self.number}"

    @cached_property
    def layout(self) -> Layout:
        """Where the columns have their slots."""
        return Layout(self.columns)

    @cached_property
    def totals(self) -> Totals:
        """Its totals as comparisons read them."""
        return Totals(self.layout, self.total)

    @cached_property
    def schema(self) -> Schema:
        """How events are read for this reference alone."""
        return Schema(self.kind, self.series.model, self.columns)

    @property
    def packed(self) -> bytes:
        """The reference as bytes, its windows as they are held. Cost: that of a copy, and of the digest."""
        payload = self._payload([h.payload() for h in self.histories])
        held = any(map(len, self.histories))  # windows are packed densely already
        return dump("reference", [*payload, self.digest], compress=not held)

    @cached_property
    def digest(self) -> bytes:
        """Sixteen bytes that stand for the whole contents, and for the same in every release; see `digest_of`.

        Stored with the reference. Cost of a new one: some milliseconds a megabyte.
        """
        return digest_of(self._payload([h.former_payload() for h in self.histories]))

    def is_like(self, other: "Reference") -> bool:
        """Whether two differ at most in their number and in the pane that they hold from."""
        one = replace(self, number=other.number, from_pane=other.from_pane)
        mine, theirs = (
            dump("reference", r._payload([h.payload() for h in r.histories])) for r in (one, other)
        )
        return mine == theirs

    def _payload(self, histories: list[list[object]]) -> list[object]:
        s = self.series
        total = [self.total.counts, self.total.extremes, *_told(self.total.thinned)]
        columns = [[c.name, c.type, c.edges, c.values, c.mid, c.step] for c in self.columns]
        return [
            s.model, s.version, s.segment, self.kind.value, self.number, self.origin, self.from_pane, self.pane_ms,
            self.windows, self.start_ms, self.end_ms, columns, total, histories,
        ]  # fmt: skip

    @classmethod
    @making_sense("reference")
    def unpack(cls, blob: bytes) -> "Reference":
        """Read a reference from bytes; CodecError when they are none."""
        model, version, segment, kind, number, origin, from_pane, pane_ms, *rest, digest = load(
            blob, "reference"
        )
        windows, start, end, columns, total, histories = rest
        made = tuple(
            Column(n, t, tuple(e), tuple(v), mid, step) for n, t, e, v, mid, step in columns
        )
        layout = Layout(made)
        numbers = len(layout.numbers)
        reference = cls(
            Series(model, version, tuple((k, v) for k, v in segment)), Kind(kind), number, origin, from_pane, pane_ms,
            tuple(WindowSize(*w) for w in windows), start, end, made, _summary(numbers, *total),
            tuple(History.restore(of_size, layout.size, numbers) for of_size in histories),
        )  # fmt: skip
        vars(reference)["digest"] = b"%b" % digest
        return reference

    def check(self, pane_ms: int, windows: Sequence[WindowSize]) -> None:
        """Refuse to judge with other panes or windows than those that the reference was built with.

        Raises:
            ReferenceMismatch: saying both and what to do.
        """
        if self.pane_ms != pane_ms or tuple(self.windows) != tuple(windows):
            raise ReferenceMismatch(
                f"reference {self.name} was built with panes of {duration_text(self.pane_ms)} and windows of "
                f"{_say(self.windows)}, the configuration has {duration_text(pane_ms)} and {_say(windows)}",
                f"{self.series} {self.kind}",
                "build it again with this configuration, or set `pane` and `windows` as it has them",
            )


def _say(windows: Sequence[WindowSize]) -> str:
    return ", ".join(str(Window(w.size_ms, w.every_ms)) for w in windows)


def _told(thinned: Thinned) -> list[object]:
    """Give what was left out beside a summary as one more item; none where every event counted."""
    return [[list(thinned)]] if any(thinned) else []


def _summary(numbers: int, counts: Any, extremes: Any, thinned: Any = ((),)) -> Summary:
    return Summary(
        np.array(counts, dtype=np.int64),
        np.array(extremes, dtype=np.float64).reshape(numbers, 2),
        thinned=Thinned(*thinned[0]),
    )
