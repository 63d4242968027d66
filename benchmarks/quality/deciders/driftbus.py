"""driftbus itself: the chain that judges in production, fed with the same counts.

Each series gets a reference of its history and a chain of `stream.evaluate`; every window of it is taken and closed as
in a replay. Whatever verdict alarms is an alarm of its monitor. Each series has one more monitor, for its volume.
"""

import gc
import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from time import process_time
from typing import ClassVar

import numpy as np

from benchmarks.quality.metrics import begins
from benchmarks.quality.windows import Windows
from detectors.arrays import Counts, Flags, Floats
from detectors.summaries.layout import Layout
from detectors.summaries.summary import Summary
from stream.evaluate.chains.chain import Chain
from stream.evaluate.judging.rules import Rules
from stream.evaluate.stories.incidents import strongest
from stream.reference.history import History
from stream.reference.plan import Plan, PlanRules
from stream.reference.reference import ALWAYS, Reference, WindowSize
from stream.state.fields import chain_field, part_field
from stream.state.versions import dump
from stream.words import Kind, Series

__all__ = ["Driftbus"]


SCORES = frozenset({"psi", "kolmogorov_smirnov", "chi_square"})
"""What is only told and cannot alarm is left out, to save its time."""


class Driftbus:
    """A decider (see `Decider`); `budget` is a week's, over all monitors that it is shown.

    After `alarms`, `by_detector` counts the incidents by the verdict that told them, and `learning` the monitors for
    which some verdict said that it still learns.
    """

    FEW: ClassVar[bool] = False
    RAW: ClassVar[bool] = False

    def __init__(self, budget: float) -> None:
        self.name = "driftbus"
        self.budget = budget
        self.by_detector: Counter[str] = Counter()
        self.learning = 0

    def fit(self, history: Windows) -> None:
        """Make the references and the chains."""
        rules = Rules(
            events_min=30, windows_min=28, floors={}, fixed={}, off=SCORES,
        )  # fmt: skip
        references = [_reference(history, members) for members in _members(history)]
        expected = PlanRules(self.budget, len(history.columns), {})
        plan = Plan(expected, 1, ALWAYS, ALWAYS, tuple(references))
        self._chains = [
            Chain(r.series, Kind.FEATURES, r, rules, lambda _: plan) for r in references
        ]

    def alarms(self, windows: Windows, setting: float | None = None) -> Flags:  # noqa: ARG002 - every one is called alike
        """[M + series, T] see `Decider`; the last rows are the volumes."""
        M, T = windows.valid.shape
        alarms = np.zeros((M + len(self._chains), T), dtype=np.bool_)
        told: dict[tuple[int, int], str] = {}
        learning: set[int] = set()
        for s, (chain, members) in enumerate(zip(self._chains, _members(windows), strict=True)):
            row = {windows.columns[m].name: int(m) for m in members} | {None: M + s}
            for w, summary in enumerate(_summaries(windows, members, chain.reference.layout)):
                start = windows.first_ms + w * windows.window_ms
                if summary.n:
                    chain.take(start, summary, {})
                for judged in chain.close(start + windows.window_ms):
                    standing = chain.standings[0]
                    learning |= {row[of.column] for of in standing if of.state == "learning"}
                    for column in judged.findings.loud():
                        m, alarming = (
                            row[column],
                            [v for v in judged.findings.of(column) if v.alarm],
                        )
                        alarms[m, w] = True
                        told[m, w] = strongest(alarming).detector
        self.by_detector = Counter(told[int(m), int(w)] for m, w in np.argwhere(begins(alarms)))
        self.learning = len(learning)
        return alarms

    def settings(self, windows: Windows) -> Sequence[float]:  # noqa: ARG002 - every one is called alike
        """Nothing is set: the budget decides."""
        return ()

    def timed(self, history: Windows, windows: Windows) -> Floats:
        """[T] the processor time of taking each window of one series, from its summary to its incidents.

        The first one is slow: it learns the history, whose reference is in hand.
        """
        self.fit(history)
        (chain,) = self._chains
        (members,) = _members(windows)
        times = np.empty(len(windows))
        for w, summary in enumerate(_summaries(windows, members, chain.reference.layout)):
            start = windows.first_ms + w * windows.window_ms
            began = process_time()
            chain.take(start, summary, {})
            chain.close(start + windows.window_ms)
            times[w] = process_time() - began
        return times

    def weighed(self, history: Windows, windows: Windows) -> tuple[float, float]:
        """Give the bytes a monitor of one series' chain in the store, and those in memory beside the reference.

        In the store: the names and values of the fields that a model writes, the head and all parts that it names.
        """
        self.fit(history)
        (chain,) = self._chains
        (members,) = _members(windows)
        summaries = list(_summaries(windows, members, chain.reference.layout))
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        for w, summary in enumerate(summaries):
            start = windows.first_ms + w * windows.window_ms
            chain.take(start, summary, {})
            chain.close(start + windows.window_ms)
        gc.collect()
        resident = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        return _stored_bytes(chain) / len(members), resident / len(members)


def _stored_bytes(chain: Chain) -> int:
    """Tell the bytes of all fields of a chain, as `Model` would write them for one that was never stored."""
    series, kind = chain.series, chain.kind
    body = [series.version, series.segment, kind.value, chain.head()]
    fields = {chain_field(series, kind): dump("chain", body)}
    chain.unsettle()
    for part, payload in chain.changed().items():
        fields[part_field(series, kind, *part)] = dump(part.of, payload)
    return sum(len(name) + len(blob) for name, blob in fields.items())


def _members(windows: Windows) -> list[Counts]:
    """Give the positions of the monitors of each series."""
    return [np.flatnonzero(windows.series == s) for s in np.unique(windows.series)]


def _reference(history: Windows, members: Counts) -> Reference:
    columns = tuple(history.columns[m] for m in members)
    summaries = tuple(_summaries(history, members, Layout(columns)))
    total = Summary.empty(Layout(columns))
    for summary in summaries:
        total.merge(summary)
    starts = history.first_ms + history.window_ms * np.arange(len(history), dtype=np.int64)
    series = Series("benchmark", str(history.series[members[0]]))
    size = WindowSize(history.window_ms, history.window_ms)
    return Reference(
        series=series, kind=Kind.FEATURES, number=1, origin="history", from_pane=ALWAYS,
        pane_ms=history.window_ms, windows=(size,), start_ms=history.first_ms,
        end_ms=history.first_ms + len(history) * history.window_ms, columns=columns, total=total,
        histories=(History(starts, summaries),),
    )  # fmt: skip


def _summaries(windows: Windows, members: Counts, layout: Layout) -> Iterator[Summary]:
    """Write the counts of each window into the slots that the layout gives them."""
    T = len(windows)
    counts = np.zeros((T, layout.size), dtype=np.int64)
    for i, m in enumerate(members):
        tail = layout.tail_of(i)
        counts[:, layout.bins_of(i)] = windows.bins[m, :, : layout.columns[i].bins]
        counts[:, tail] = windows.missing[m]
        counts[:, tail + 2] = windows.sums[m]
        counts[:, tail + 3] = windows.squares[m]
    counts[:, -1] = windows.n[members[0]]
    numbers = [members[i] for i, _ in layout.numbers]
    extremes = np.stack([windows.lo[numbers].T, windows.hi[numbers].T], axis=2)
    for w in range(T):
        yield Summary(counts[w].copy(), extremes[w].copy())
