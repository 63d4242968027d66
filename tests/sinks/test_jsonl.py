"""Files of alerts: whole lines, fixed order, all or nothing."""

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sinks import DriftEvent, JsonlSink, SinkError, order, parse, structured, write_sorted

from .events import drift_event, drift_events, series


def lines_of(events: list[DriftEvent]) -> bytes:
    return b"".join(structured(event) + b"\n" for event in events)


def test_two_sinks_one_after_the_other_make_one_file(tmp_path: Path) -> None:
    """A restart appends; nothing of the run before is lost."""
    path = tmp_path / "alerts.jsonl"
    JsonlSink(path).send(series(3)[:2])
    JsonlSink(str(path)).send(series(3)[2:])
    assert path.read_bytes() == lines_of(series(3))


@pytest.mark.parametrize("tail", [1, 60, 200_000])
def test_a_line_that_a_crash_cut_off_is_removed_before_the_next(tail: int, tmp_path: Path) -> None:
    """Half a line was never acknowledged; its event comes again."""
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(lines_of(series(2)) + b"x" * tail)
    JsonlSink(path).send(series(4)[2:])
    assert path.read_bytes() == lines_of(series(4))


def test_a_file_that_is_only_half_a_line_starts_anew(tmp_path: Path) -> None:
    """The crash hit the very first event."""
    path = tmp_path / "alerts.jsonl"
    path.write_bytes(structured(series(1)[0])[:40])
    JsonlSink(path).send(series(1))
    assert path.read_bytes() == lines_of(series(1))


def test_a_disk_that_fills_up_leaves_no_part_of_the_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error names file and reason, and the file ends where it ended before."""
    path = tmp_path / "alerts.jsonl"
    sink = JsonlSink(path)
    sink.send(series(1))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(SinkError, match=r"alerts\.jsonl: No space left"):
            sink.send(series(3)[1:])
    assert path.read_bytes() == lines_of(series(1))


@pytest.mark.parametrize("fsync", [True, False])
def test_fsync_is_asked_of_the_disk_when_wanted(
    fsync: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a send, before it returns."""
    asked: list[int] = []
    monkeypatch.setattr(os, "fsync", asked.append)
    JsonlSink(tmp_path / "alerts.jsonl", fsync=fsync).send(series(2))
    assert len(asked) == fsync


def test_a_file_moved_away_is_begun_again(tmp_path: Path) -> None:
    """Log rotation needs no signal."""
    path = tmp_path / "alerts.jsonl"
    sink = JsonlSink(path)
    sink.send(series(1))
    path.rename(tmp_path / "old.jsonl")
    sink.send(series(2)[1:])
    assert path.read_bytes() == lines_of(series(2)[1:])


def test_a_folder_that_is_not_there_fails_the_send_and_not_the_making(tmp_path: Path) -> None:
    """A disk that is mounted late is a failed send like any other."""
    sink = JsonlSink(tmp_path / "late" / "alerts.jsonl")
    with pytest.raises(SinkError, match=r"late/alerts\.jsonl: No such file"):
        sink.send(series(1))
    (tmp_path / "late").mkdir()
    sink.send(series(1))
    assert (tmp_path / "late" / "alerts.jsonl").read_bytes() == lines_of(series(1))


def test_a_dash_is_refused() -> None:
    """A file that is called - is never what was meant."""
    with pytest.raises(ValueError, match="console sink"):
        JsonlSink("-")


@given(st.lists(drift_events, max_size=8, unique_by=lambda event: event.id))
@settings(max_examples=40, deadline=None, derandomize=True, database=None)
def test_a_sorted_file_does_not_depend_on_the_order_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, events: list[DriftEvent]
) -> None:
    """Any permutation gives the same bytes, in the documented order."""
    one, two = (tmp_path_factory.mktemp("sorted") / "alerts.jsonl" for _ in range(2))
    write_sorted(one, events)
    write_sorted(two, reversed(events))
    found = [parse(line) for line in one.read_bytes().splitlines()]
    assert one.read_bytes() == two.read_bytes()
    assert found == sorted(events, key=order)


def test_a_sorted_file_replaces_what_bore_its_name(tmp_path: Path) -> None:
    """And leaves nothing else in the folder; no events make an empty file."""
    path = tmp_path / "alerts.jsonl"
    path.write_text("yesterday")
    write_sorted(str(path), series(2))
    assert path.read_bytes() == lines_of(series(2))
    write_sorted(path, iter([]))
    assert path.read_bytes() == b""
    assert list(tmp_path.iterdir()) == [path]


def test_a_sorted_file_that_cannot_be_finished_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing half-written counts as done, and no rubbish stays behind."""
    path = tmp_path / "alerts.jsonl"
    write_sorted(path, series(1))

    def full(_: int) -> None:
        assert path.read_bytes() == lines_of(series(1))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SinkError, match=r"alerts\.jsonl: No space left"):
        write_sorted(path, series(3))
    assert path.read_bytes() == lines_of(series(1))
    assert list(tmp_path.iterdir()) == [path]


def test_a_link_keeps_pointing_where_it_did(tmp_path: Path) -> None:
    """The file behind it is the one replaced."""
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "alerts.jsonl", tmp_path / "latest.jsonl"
    real.write_bytes(b"")
    link.symlink_to(real)
    write_sorted(link, series(1))
    assert link.is_symlink()
    assert real.read_bytes() == lines_of(series(1))


def test_a_device_is_written_to_and_stays_a_device(tmp_path: Path) -> None:
    """A rename would put a plain file in its place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    write_sorted(pipe, series(2))
    assert os.read(reader, 65_536) == lines_of(series(2))
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    os.close(reader)


@pytest.mark.parametrize("name", ["", "missing/alerts.jsonl"])
def test_a_name_that_cannot_be_written_is_a_sink_error(name: str, tmp_path: Path) -> None:
    """A folder, or a file in a folder that is not there."""
    with pytest.raises(SinkError, match=r"cannot write .*directory"):
        write_sorted(tmp_path / name, [drift_event(1)])
