"""Event files as one stream: each in its own order, all of them merged by time."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from heapq import merge
from operator import attrgetter
from pathlib import Path

from stream.config import FilesConfig
from stream.errors import FileError
from stream.files.csv_rows import CsvRows
from stream.files.jsonl import JsonLines
from stream.files.parquet import ParquetRows
from stream.files.source import FileEvent, Report, stem_of

__all__ = ["FileEvent", "Progress", "read_events"]

Progress = Callable[[int, int], None]
"""Takes the bytes read by now and those of all files together, as they lie on the disk."""

Source = JsonLines | CsvRows | ParquetRows


def read_events(
    paths: Sequence[Path], mapping: FilesConfig, on_progress: Progress | None = None
) -> Iterator[FileEvent]:
    """Read event files as one stream, merged by time.

    Files are told by their endings: .jsonl, .csv or .parquet, plain or with .gz. Each is streamed
    in its own order, in constant memory; between files the earlier time goes first, then the file
    named first.

    Args:
        paths: the files.
        mapping: what the columns of tables are.
        on_progress: called with (bytes read, bytes in all) now and then, and at the end.

    Raises:
        FileError: at once, before the first event, for a file that is missing, unreadable or of no
            known form, or a table whose columns do not do; while reading, for one that is damaged
            or ends too early.
    """
    sources = [_source(path, mapping) for path in paths]
    _check_ids(paths, sources)
    progress = _Progress(paths, on_progress or (lambda _read, _total: None))
    streams = [
        progress.counted(place, source.events(progress.of(place)))
        for place, source in enumerate(sources)
    ]
    return streams[0] if len(streams) == 1 else merge(*streams, key=attrgetter("ts"))


def _source(path: Path, mapping: FilesConfig) -> Source:
    match Path(path.name.lower().removesuffix(".gz")).suffix:
        case ".jsonl":
            return JsonLines(path)
        case ".csv":
            return CsvRows(path, mapping)
        case ".parquet":
            return ParquetRows(path, mapping)
    todo = "its name must end in .jsonl, .csv or .parquet, or in one of these and .gz"
    raise FileError("is of no form that can be told", str(path), todo)


def _check_ids(paths: Sequence[Path], sources: Sequence[Source]) -> None:
    """Refuse tables whose rows would get the same ids and so be joined with one another."""
    numbered = Counter(
        stem_of(path)
        for path, source in zip(paths, sources, strict=True)
        if not isinstance(source, JsonLines) and source.columns.id is None
    )
    for stem, times in numbered.items():
        if times > 1:
            what = f"{times} tables of this name have no ids, so theirs would be the same"
            raise FileError(what, stem, "name the column of the ids as `files.id`, or rename one")


class _Progress:
    """Adds up how far each file is read."""

    def __init__(self, paths: Sequence[Path], tell: Progress) -> None:
        self._tell = tell
        self._sizes = [path.stat().st_size for path in paths]
        self._read = [0] * len(paths)

    def of(self, place: int) -> Report:
        """Tell the hook of one file."""

        def report(read: int) -> None:
            self._read[place] = min(read, self._sizes[place])
            self._tell(sum(self._read), sum(self._sizes))

        return report

    def counted(self, place: int, events: Iterator[FileEvent]) -> Iterator[FileEvent]:
        """Pass the events of a file on, and count it as read at its end."""
        yield from events
        self.of(place)(self._sizes[place])
