"""Which reference judges a series in a pane."""

from collections.abc import Callable, Hashable, Iterable, Sequence
from threading import Lock

from detectors.summaries.layouts import Layouts
from stream.reference.reference import Reference
from stream.summaries.schema import Schema
from stream.words import Kind, Series

__all__ = ["Book"]


class Book:
    """All references that are known, by (series, kind), each from a named pane on.

    `revision` goes up with every change, so that what was derived from the book can be made anew. Any thread may add
    while others look, but `layouts` are for the one that folds.
    """

    def __init__(self, references: Iterable[Reference] = ()) -> None:
        self.revision = 0
        self._lock = Lock()
        self._by_series: dict[tuple[Series, Kind], Sequence[Reference]] = {}
        self._by_digest: dict[bytes, Reference] = {}
        self._layouts: dict[tuple[Kind, Hashable], Layouts] = {}
        for reference in references:
            self.add(reference)

    def __len__(self) -> int:
        return len(self._by_digest)

    def add(self, reference: Reference) -> None:
        """Enter a reference; one that is known already changes nothing."""
        with self._lock:
            if reference.digest in self._by_digest:
                return
            self._by_digest[reference.digest] = reference
            of = (reference.series, reference.kind)
            # A line of its own: one that is sorted in its place looks empty to others meanwhile.
            line = sorted([*self.line(*of), reference], key=lambda r: (r.from_pane, r.number))
            self._by_series[of] = line
            self.revision += 1

    def find(self, series: Series, kind: Kind, pane: int) -> Reference | None:
        """Tell the reference in force in a pane: the last one that starts at or before it."""
        held = None
        for reference in self.line(series, kind):
            if reference.from_pane <= pane:
                held = reference
        return held

    def line(self, series: Series, kind: Kind) -> Sequence[Reference]:
        """List the references of a series, by the pane from which on they hold, then by number."""
        return self._by_series.get((series, kind), ())

    def in_force(self, begun: Callable[[Reference], bool]) -> list[Reference]:
        """Give of every kind of every series the last reference that has begun, if any has; ordered as by `all`."""
        held = ([r for r in line if begun(r)] for _, line in sorted(self._by_series.items()))
        return [line[-1] for line in held if line]

    def by_digest(self, digest: bytes) -> Reference:
        """Give the reference of a digest; KeyError when it is not known (yet)."""
        return self._by_digest[digest]

    def knows(self, digest: bytes) -> bool:
        """Whether a reference of this digest is entered."""
        return digest in self._by_digest

    def all(self) -> list[Reference]:
        """List every reference, ordered by series, kind and number."""
        return [r for _, line in sorted(self._by_series.items()) for r in line]

    def layouts(self, kind: Kind, of: Hashable) -> Layouts:
        """Give the layouts that panes use of a model, or of models with the same columns; who uses more adds them."""
        return self._layouts.setdefault((kind, of), Layouts())

    def schemas(self, kind: Kind) -> list[Schema]:
        """Give one schema a model for a kind: the union of the columns of its references."""
        columns: dict[str, list[Reference]] = {}
        for (series, of), line in sorted(self._by_series.items()):
            if of is kind:
                columns.setdefault(series.model, []).extend(line)
        return [
            Schema(kind, model, [c for r in line for c in r.columns])
            for model, line in columns.items()
        ]
