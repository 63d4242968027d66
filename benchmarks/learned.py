"""The references of a workload: apart from it, as who only makes its events needs nothing of what learns."""

from dataclasses import replace

from benchmarks.workload import Workload
from stream.config import Config
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.run.references.build import build_references
from stream.words import Series

__all__ = ["build_reference"]

HISTORY_MAX = 2_000
"""Windows of a size that all references keep together; each keeps at least HISTORY_MIN of its newest."""
HISTORY_MIN = 4


def build_reference(config: Config, workload: Workload) -> list[Reference]:
    """Learn the reference of a workload.

    Where there are many owners, all get the same one, and so do the wholes of the models; of its own windows each
    keeps fewer, as so many would not fit in memory.
    """
    plain = replace(workload, models=1, series=1, drift_ms=0)
    (learned,) = build_references(
        config, plain.reference_events(), None, None, _no_dead_letters, lambda _: None
    )
    if len(workload.owners) == 1:
        return [learned]
    newest = max(HISTORY_MIN, HISTORY_MAX // len(workload.owners))
    shared = tuple(History(h.starts[-newest:], h.summaries[-newest:]) for h in learned.histories)
    wholes = {Series(owner.model, owner.version): None for owner in workload.owners}
    names = list(dict.fromkeys([*wholes, *workload.owners]))
    return [replace(learned, series=name, histories=shared) for name in names]


def _no_dead_letters(dead: object) -> None:
    raise AssertionError(f"the workload has events that cannot be read: {dead}")
