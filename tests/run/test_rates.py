"""A log is read again at the rates at which it was read, out of an export of the state."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from stream.config import Adaptive, Config, Sampling
from stream.errors import FileError
from stream.ingest.ingest import Ingest
from stream.ingest.raw import RawBatch, Source
from stream.ingest.schedule import STEPS_KEPT, Schedule
from stream.reference.fleet import Fleet
from stream.run.copies.diff import differences
from stream.run.copies.export import Export, canonical, write_export
from stream.run.copies.plainly import plainly
from stream.run.copies.rates import recorded_rates
from stream.run.fleet.census import take_cut
from stream.run.fleet.rules import fold_rules
from stream.state.memory import MemoryStore
from stream.words import Kind
from tests.events import T0, feature

SOURCES = [Source(Kind.FEATURES, "features", p) for p in range(2)]
CONFIG = Config(sample=Sampling(adaptive=Adaptive()))
STEPS = {100: 2, 250: 5, 300: 4, 420: 0}
EVENTS = 500


def exported(recorded: dict[Source, Schedule] | None, steps: dict[int, int]) -> Export:
    """Read a log in portions, stepping where told, and give the state."""
    store = MemoryStore()
    ingest = Ingest(store, CONFIG.app, fold_rules(CONFIG), Fleet(store, CONFIG.app), recorded)
    edges = sorted({0, EVENTS, *steps} if steps else {0, 7, 333, EVENTS})
    for source in SOURCES:
        ingest.take_over(source)
        for first, end in pairwise(edges):
            if first in steps:
                ingest.partitions[source].retune(steps[first] if source.partition else 6)
            values = [feature(T0 + i, x=i / 7) for i in range(first, end)]
            offsets = np.arange(first, end, dtype=np.int64)
            ingest.fold(RawBatch(source, values, offsets, None))
            ingest.commit(source)
    return canonical(take_cut(CONFIG, store), {"features": Kind.FEATURES})


def test_a_log_that_is_read_again_at_the_recorded_rates_gives_the_same_state(
    tmp_path: Path,
) -> None:
    """Byte for byte, in other portions; at the load's mercy it would not."""
    first = exported(None, STEPS)
    write_export(tmp_path / "state", first)
    again = exported(recorded_rates(tmp_path / "state"), {})
    assert again == first
    assert list(differences(plainly(exported(None, {}).hashes), plainly(first.hashes)))


def test_who_reads_at_recorded_rates_is_not_retuned(tmp_path: Path) -> None:
    first = exported(None, STEPS)
    write_export(tmp_path / "state", first)
    assert exported(recorded_rates(tmp_path / "state"), {60: 6}) == first


def test_rates_whose_beginning_was_forgotten_are_refused(tmp_path: Path) -> None:
    """They would be told of offsets at which nobody knows them."""
    many = {offset: offset % 2 + 1 for offset in range(STEPS_KEPT + 10)}
    write_export(tmp_path / "state", exported(None, many))
    with pytest.raises(FileError, match="first steps of features/1 are not known"):
        recorded_rates(tmp_path / "state")


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    (tmp_path / "state").write_bytes(b"nothing")
    with pytest.raises(FileError, match="no export"):
        recorded_rates(tmp_path / "state")
