"""Reference files that the command line names: read, and held against the configuration."""

from collections.abc import Sequence
from pathlib import Path

from stream.config import Config
from stream.errors import UsageError
from stream.reference.file import read_references
from stream.reference.reference import Reference
from stream.run.fleet.rules import window_sizes
from stream.words import Kind, Series

__all__ = ["read_checked"]


def read_checked(config: Config, paths: Sequence[Path]) -> list[Reference]:
    """Read reference files; no two of them may speak of the same.

    Raises:
        FileError: a file is missing, damaged, or no reference file.
        ReferenceMismatch: one was built with other panes or windows than the configuration has.
        UsageError: two different references would hold for the same series from the same pane on.
    """
    taken: dict[tuple[Series, Kind, int], tuple[bytes, Path]] = {}
    references: list[Reference] = []
    for path in paths:
        for reference in read_references(path):
            reference.check(config.pane_ms, window_sizes(config))
            place = (reference.series, reference.kind, reference.from_pane)
            digest, of = taken.setdefault(place, (reference.digest, path))
            if digest != reference.digest:
                told = (
                    f"{of} and {path} both have a reference for {reference.series} {reference.kind}"
                )
                raise UsageError(told, "--reference", "give one of them")
            references.append(reference)
    return references
