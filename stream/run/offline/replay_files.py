"""`driftbus replay`: the pipeline over files, its answers in files, and what to say of it."""

from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from sinks.event import DriftEvent, order, rfc3339
from sinks.jsonl import write_sorted
from sinks.sink import SinkError
from stream.config import Config
from stream.errors import FileError
from stream.files import read_events
from stream.ingest.raw import DeadLetter
from stream.reference.reference import Reference
from stream.run.copies.export import write_export
from stream.run.offline.replay import BATCH, Replay, write_dead_letters
from stream.run.terminal.progress import Progress
from stream.run.terminal.tables import Cell
from stream.words import SEVERAL, Kind, Series

__all__ = ["Summary", "dead_letter_path", "replay_files"]


class Summary(NamedTuple):
    """What a replay saw and said; `counters`: of each kind events, dead letters, late."""

    counters: dict[Kind, tuple[int, int, int]]
    alerts: list[DriftEvent]

    def kinds(self) -> list[list[Cell]]:
        """Give a row for each kind: its name, events, dead letters, late."""
        return [
            [kind.value, seen, dead, late] for kind, (seen, dead, late) in self.counters.items()
        ]

    def columns(self) -> list[list[Cell]]:
        """Give a row for each column that was spoken of, those with the most incidents first.

        It tells the column's name, alerts, incidents, and time and summary of the first alert.
        """
        alerts: Counter[str] = Counter()
        incidents: Counter[str] = Counter()
        first: dict[str, DriftEvent] = {}
        for event in sorted(self.alerts, key=order):
            segment = tuple(sorted(event.segment.items()))
            rolled_up = "members" in event.data
            whole = "(several columns)" if rolled_up else "(whole series)"
            name = f"{Series(event.model, event.version, segment)} {event.column or whole}"
            if event.model == SEVERAL:
                name = "(several models)"
            alerts[name] += 1
            incidents[name] += event.phase == "started" and not rolled_up
            first.setdefault(name, event)
        ranked = sorted(alerts, key=lambda name: (-incidents[name], -alerts[name], name))
        return [
            [
                name,
                alerts[name],
                incidents[name],
                rfc3339(first[name].time_ms)[:16] + "Z",
                _said(first[name]),
            ]
            for name in ranked
        ]


def replay_files(
    config: Config,
    references: Sequence[Reference],
    files: Sequence[Path],
    out: Path,
    progress: Progress,
    *,
    flush: bool = True,
    batch: int = BATCH,
    state: Path | None = None,
) -> Summary:
    """Run the pipeline over files; alerts go to `out`, sorted, dead letters to `out`.dlq, the state to `state`.

    The two files take their names at the end, when they are complete; on any error nothing is left
    behind. Without dead letters there is no `out`.dlq. The bytes do not depend on `batch`.

    Raises:
        FileError: a file cannot be read, or `out` cannot be written (told before the work begins).
        ReferenceMismatch: a reference was built with other panes or windows.
    """
    for written in (out, *([state] if state else [])):
        _check_writable(written)
    events = read_events(files, config.files, progress.part)
    letters = dead_letter_path(out)
    unfinished = letters.with_name(letters.name + ".partial")
    replay = Replay(
        config, references, write_dead_letters(unfinished) if _is_file(out) else _leave_out
    )
    try:
        for taken in replay.feed(events, batch):
            progress.events(taken)
        alerts = replay.finish(flush=flush)
        write_sorted(out, alerts)
        if state is not None:
            write_export(state, replay.state())
        if unfinished.exists():
            unfinished.replace(letters)
        elif _is_file(out):
            letters.unlink(missing_ok=True)
    except SinkError as error:
        raise FileError(str(error), todo="check the folder and its space") from None
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return Summary(replay.counters(), alerts)


def dead_letter_path(out: Path) -> Path:
    """Tell where the dead letters of a replay go.

    >>> dead_letter_path(Path("alerts.jsonl")).name
    'alerts.jsonl.dlq'
    """
    return out.with_name(out.name + ".dlq")


def _leave_out(_letters: Sequence[DeadLetter]) -> None:
    """Only count dead letters: beside a device or a pipe there is no place for them."""


def _is_file(out: Path) -> bool:
    return out.is_file() or not out.exists()


def check_apart(out: Path, inputs: Iterable[Path]) -> None:
    """Refuse to write over what is read.

    Raises:
        FileError: `out` is one of the inputs, by whatever name.
    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise FileError("is read and would be overwritten", str(out), "name another file")


def _check_writable(out: Path) -> None:
    """Find out before the work what would spoil it at its end."""
    if out.is_dir():
        raise FileError("is a folder", str(out), "name a file")
    if not out.parent.is_dir():
        raise FileError(
            "cannot be written: its folder does not exist", str(out), "make the folder first"
        )
    beside = out.parent / f".{out.name}.writable"
    if _is_file(out):
        try:
            beside.touch()
            beside.unlink()
        except OSError as error:
            raise FileError(
                f"cannot be written: {error.strerror or error}", str(out), "check the folder"
            ) from None


def _said(event: DriftEvent) -> str:
    return str(event.data.get("summary", event.kind))
