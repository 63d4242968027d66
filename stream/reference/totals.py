"""What a reference has counted in all, as comparisons read it."""

from collections.abc import Callable, Sequence

from detectors import Cells
from detectors.alarms.signals import Scheme
from detectors.arrays import Counts
from detectors.comparisons.counting import CellsOf
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary

__all__ = ["Totals"]


class Totals:
    """Views of a reference's columns, and its totals in them: each is made once, for all who hold windows against it.

    Cost: 60 bytes a bin of the columns asked for; what asks for the same columns of these shares them.
    """

    def __init__(self, layout: Layout, total: Summary) -> None:
        self._layout = layout
        self._total = total
        self._views: dict[tuple[int, ...], CellsOf] = {}
        self._cells: dict[tuple[int, ...], Cells] = {}
        self._schemes: dict[tuple[int, ...], Scheme] = {}

    def view(self, columns: Sequence[int]) -> CellsOf:
        """Give what views some columns of any window."""
        key = tuple(columns)
        if key not in self._views:
            self._views[key] = CellsOf(self._layout, columns)
        return self._views[key]

    def cells(self, columns: Sequence[int], which: Counts | None = None) -> Cells:
        """View the totals of some columns; of a part of these, in as many bins as all have."""
        all_of = self._kept(tuple(columns), lambda: self.view(columns)([self._total]))
        if which is None or len(which) == len(columns):
            return all_of
        chosen = (*columns, -1, *which.tolist())
        return self._kept(chosen, lambda: all_of.columns(which))

    def sharing(self, columns: Sequence[int], scheme: Scheme) -> Scheme:
        """Give a scheme of some columns that shares what it can with the one made first, of another size of windows."""
        scheme.share(self._schemes.setdefault(tuple(columns), scheme))
        return scheme

    def _kept(self, key: tuple[int, ...], make: Callable[[], Cells]) -> Cells:
        if key not in self._cells:
            self._cells[key] = make()
        return self._cells[key]
