"""At which rates a log was read, out of an export of the state: to read it again by them."""

from pathlib import Path

from stream.errors import FileError
from stream.ingest.raw import Source
from stream.ingest.schedule import STEPS_KEPT, Schedule
from stream.run.copies.export import read_export
from stream.state.fields import STATE
from stream.state.versions import load, making_sense
from stream.words import Kind

__all__ = ["recorded_rates"]


@making_sense("partition")
def recorded_rates(path: Path) -> dict[Source, Schedule]:
    """Read from which offset on which rate of the ladder held, for every partition of the features.

    Raises:
        FileError: the file is missing or no export, or a partition's oldest steps are no longer in it.
    """
    export = read_export(path)
    found = {}
    for kept in export.hashes:
        of, topic, number = kept.what
        if of != "partition" or export.kinds[topic] is not Kind.FEATURES:
            continue
        *_, (steps, _) = load(kept.fields[STATE], "partition")
        if len(steps) == STEPS_KEPT:
            told = f"the first steps of {topic}/{number} are not known any more"
            raise FileError(told, str(path), "read the log without its rates")
        found[Source(Kind.FEATURES, topic, number)] = Schedule(steps)
    return found
