"""A chain that has no reference yet: it collects raw values, pane by pane, until there are enough."""

from stream.evaluate.judging.standing import Standing
from stream.reference.learn import LearnRules, freeze
from stream.reference.reference import Reference
from stream.state.versions import dump, load, making_sense
from stream.summaries.raw_values import Raw
from stream.words import Kind, Series

__all__ = ["Learner"]


class Learner:
    """Raw values of one kind of one series. Frozen at the first pane, in pane order, where enough events are in.

    Memory: the packed raw values of at most `learn_events` events and one pane.
    """

    def __init__(self, series: Series, kind: Kind, rules: LearnRules) -> None:
        self.series = series
        self.kind = kind
        self.rules = rules
        self.panes: dict[int, bytes] = {}
        self.events = 0

    def take(self, number: int, raw: Raw) -> bytes:
        """Take in a pane and give its packed form, to be kept."""
        blob = dump("learn", raw.payload())
        self.panes[number] = blob
        self.events += raw.n
        return blob

    def restore(self, number: int, blob: bytes) -> None:
        """Take in a pane that was kept."""
        self.panes[number] = blob
        self.events += _raw(blob).n

    def standing(self) -> Standing:
        """Tell how far the learning is; which columns there will be is not known yet."""
        return Standing(None, "learning", f"{self.events:,} of {self.rules.learn_events:,} events")

    @property
    def ready(self) -> bool:
        """Whether there are enough events to freeze a reference."""
        return self.events >= self.rules.learn_events

    def freeze(
        self, origin: str, from_pane: int | None = None, bounds: tuple[int, int] | None = None
    ) -> Reference:
        """Make the reference; by default it holds from the pane after the last, over the time of its panes."""
        last = max(self.panes)
        pane_ms = self.rules.pane_ms
        within = bounds or (min(self.panes) * pane_ms, (last + 1) * pane_ms)
        raws = {number: _raw(blob) for number, blob in sorted(self.panes.items())}
        start = last + 1 if from_pane is None else from_pane
        return freeze(self.series, self.kind, raws, self.rules, origin, start, within)


@making_sense("learn")
def _raw(blob: bytes) -> Raw:
    return Raw.from_payload(load(blob, "learn"))
