"""What one run of a case has cost."""

from dataclasses import dataclass

from benchmarks.throughput.case import Case

__all__ = ["Measured"]


@dataclass(frozen=True)
class Measured:
    """What the events of a case cost all its workers together; fewer than asked for, if time was up.

    Memory in MB, of the largest worker: the most, after a fifth of the events, and at the end. `more` are figures that
    only some feeds can tell, by names that end in their unit.
    """

    case: Case
    events: int
    wall_s: float
    cpu_s: float
    rss_mb: float
    rss_mb_early: float
    rss_mb_end: float
    store: str | None
    more: dict[str, float]

    @property
    def cpu_us_per_event(self) -> float:
        """Processor time of all threads, user and system, in microseconds."""
        return self.cpu_s / self.events * 1e6

    @property
    def events_per_second(self) -> float:
        """As measured on this machine, with the broker and the producer beside the worker."""
        return self.events / self.wall_s
