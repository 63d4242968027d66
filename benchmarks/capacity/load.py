"""What comes in and what takes it in, in seconds of the wall clock; and what of a run such a load is.

A run on a broker is hurried: its events come faster than their times pass. A worker knows little of that: its panes
and windows end the sooner, and its own rhythm (looks at the marks, pings, commits once a second) is the clock's.
"""

from bisect import bisect_left
from dataclasses import dataclass
from math import exp

from benchmarks.throughput.case import Case
from benchmarks.throughput.report import Figures
from stream.evaluate.model_state import RESULTS_KEPT

__all__ = ["Load", "load_of"]

BATCH = 10_000
"""Messages that a worker asks for at once; those of a partition are folded together."""
BATCH_S = 0.1
"""Seconds for which it waits for so many."""
BINS = 20
RETENTION_S = 3_600
"""Seconds for which panes are kept once they are evaluated; longer than any run."""


@dataclass(frozen=True)
class Panes:
    """The panes of a run, which are not alike.

    Where a run is short beside the lateness, those that close are from the warm-up, and have few events.

    Args:
        closes: panes that close in a second.
        events: the events of one of these.
        open, kept: the events of each pane that is open in the end, and that is in the store.
    """

    closes: float
    events: float
    open: tuple[float, ...]
    kept: tuple[float, ...]


@dataclass(frozen=True)
class Load:
    """What comes in, and how many workers share it; all times are of the wall clock.

    Args:
        rate: events a second.
        owners: series, the wholes of models with segments among them.
        panes: of a run, the panes that were met; by default all are alike, and kept for RETENTION_S.
        ends: windows of a series that end in a second.
        results: windows of a series whose results are kept in the store.
        judged: whether windows of each series have ended yet; from then on its history is held.
        open_panes: panes that are open at a time, as the lateness has it.
        watched: how much longer the workers were looked at than events came; they rest then.
    """

    rate: float
    features: int
    owners: int
    models: int
    partitions: int
    pane_s: float
    sample: float = 1.0
    ends: float = 25 / 86_400
    results: float = 2.0 * RESULTS_KEPT
    judged: bool = True
    open_panes: float = 5.0
    commit_s: float = 1.0
    watched: float = 1.0
    workers: int = 1
    panes: "Panes | None" = None

    @property
    def columns(self) -> int:
        """Columns of a series, the category with them."""
        return self.features + 1

    @property
    def monitors(self) -> int:
        """Columns of all series."""
        return self.owners * self.columns

    @property
    def evaluated(self) -> float:
        """Columns of the models that one worker owns, if they are spread evenly; no model is spread."""
        return self.monitors / min(self.workers, self.models)

    @property
    def commits(self) -> float:
        """Commits of all partitions in a second: one every `commit_s`, or whenever a pane closes if that is sooner."""
        return self.partitions / min(self.pane_s, self.commit_s)

    @property
    def written(self) -> float:
        """Columns that are written at one commit of a partition."""
        return self.met(self.rate * self.sample / self.commits)

    @property
    def bins_written(self) -> float:
        """Bins with counts in these columns, in the middle of a pane."""
        return self.written * self._bins(self.rate * self.pane_s / 2)

    @property
    def open(self) -> float:
        """Columns of all open panes in all their parts, one a partition."""
        if self.panes is not None:
            return sum(map(self._parts, self.panes.open))
        return self.open_panes * self._parts(self.rate * self.pane_s)

    @property
    def kept(self) -> float:
        """Columns of all panes that are in the store, in all their parts."""
        if self.panes is not None:
            return sum(map(self._parts, self.panes.kept))
        return self.open + RETENTION_S / self.pane_s * self._parts(self.rate * self.pane_s)

    @property
    def closed(self) -> float:
        """Panes that close in a second."""
        return 1 / self.pane_s if self.panes is None else self.panes.closes

    @property
    def parts(self) -> float:
        """Columns of a pane that closes in all its parts."""
        return self._parts(self._events)

    @property
    def bins_of_parts(self) -> float:
        """Bins with counts in these columns."""
        return self.parts * self._bins(self._events)

    @property
    def merged(self) -> float:
        """Columns of a pane that closes."""
        return self.met(self._events * self.sample)

    @property
    def _events(self) -> float:
        return self.rate * self.pane_s if self.panes is None else self.panes.events

    def _parts(self, events: float) -> float:
        return self.partitions * self.met(events * self.sample / self.partitions)

    @property
    def grouped(self) -> float:
        """Models that a worker finds among the events of a batch, an event: each has columns made for it."""
        of_worker = min(BATCH, BATCH_S * self.rate / self.workers)
        of_batch = of_worker * self.workers / self.partitions
        return _distinct(self.models, of_batch * self.sample) / of_batch

    def _bins(self, events: float) -> float:
        """Tell the bins that have counts in a column of a part, when a pane has so many events."""
        return _distinct(BINS, events * self.sample / self.partitions / self.owners)

    def met(self, events: float) -> float:
        """Tell the columns that so many events touch."""
        return _distinct(self.owners, events) * self.columns


def load_of(figures: Figures) -> Load:
    """Tell what came in in a run. From memory the clock is event time's."""
    case = figures.case
    config, time_ms = case.config(), case.workload.time_ms
    clocked = case.feed != "memory"
    wall_s, events = figures["wall_s"], int(figures["events"])
    hurry = (
        wall_s * case.rate / events if clocked else 1.0
    )  # seconds in which one of event time passes
    seconds = events / case.rate * hurry
    span = time_ms(0), time_ms(case.warm_up), time_ms(case.warm_up + events - 1)
    windows = [w.size_ms for w in config.windows]
    passed = [(span[2] - span[0]) // size for size in windows]
    return Load(
        rate=events / seconds,
        features=case.features,
        owners=case.models * case.series + (case.models if case.series > 1 else 0),
        models=case.models,
        partitions=case.partitions,
        pane_s=config.pane_ms / 1000 * hurry,
        sample=case.sample,
        ends=sum(len(_ended(*span[1:], w, config.lateness_ms)) for w in windows) / seconds,
        results=float(sum(min(RESULTS_KEPT, n) for n in passed)),
        judged=any(passed),
        open_panes=config.lateness_ms / config.pane_ms + 2,
        commit_s=config.commit_interval_ms / 1000,
        watched=figures.values.get("marks_s", wall_s) / wall_s if clocked else 1.0,
        panes=_panes(case, span, config.pane_ms, config.lateness_ms, seconds),
    )


def _panes(
    case: Case, span: tuple[int, int, int], pane_ms: int, late_ms: int, seconds: float
) -> Panes:
    """Tell of the panes between the warm-up's first event, the first that counts, and the last."""
    first, begin, end = span
    numbers = range(first // pane_ms, end // pane_ms + 1)
    places = range(case.warm_up + case.events)
    bounds = [
        bisect_left(places, n * pane_ms, key=case.workload.time_ms)
        for n in (*numbers, numbers.stop)
    ]
    of = {n: float(b - a) for n, a, b in zip(numbers, bounds, bounds[1:], strict=False)}
    closing = _ended(begin, end, pane_ms, late_ms)
    events = sum(of.get(n, 0.0) for n in closing) / max(1, len(closing))
    still = tuple(of[n] for n in numbers if n >= closing.stop)
    return Panes(len(closing) / seconds, events, still, tuple(of.values()))


def _ended(begin: int, end: int, size_ms: int, lateness_ms: int) -> range:
    """Number the stretches of a size that end while the watermark goes from one time to another."""
    return range((begin - lateness_ms) // size_ms, (end - lateness_ms) // size_ms)


def _distinct(kinds: float, drawn: float) -> float:
    """Tell how many different ones are among so many drawn of so many kinds, each as likely."""
    return kinds * (1 - exp(-drawn / kinds))
