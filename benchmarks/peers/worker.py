"""driftbus beside its peers: the whole worker, measured by `benchmarks.throughput`, so it costs the same in both."""

from benchmarks.peers.figures import Measured, Run
from benchmarks.peers.peers import OURS
from benchmarks.peers.process import PeerError
from benchmarks.throughput.bed import Bed
from benchmarks.throughput.case import Case
from benchmarks.throughput.measure import measure
from benchmarks.workload import Workload

__all__ = ["measure_worker"]


def measure_worker(events: int, workload: Workload, measured: Measured) -> Run:
    """Measure a worker on the embedded broker, with its state in Redis where there is one.

    Raises:
        PeerError: it does not run, or consumes no more before it has all events.
    """
    case = Case(events=events, warm_up=workload.warm_up)
    try:
        of = measure(case, Bed(), lambda _done, _all: None, limit_s=float("inf"))
    except (RuntimeError, TimeoutError, AssertionError) as error:
        raise PeerError(str(error)) from None
    measured.store = of.store
    windows, peak_mb = int(of.more["windows"]), of.more["rss_peak_mb"]
    return Run(OURS, of.events, of.cpu_s, None, of.wall_s, peak_mb, windows, None)
