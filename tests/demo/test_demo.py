"""The demonstration itself: processes, a broker, a worker, and what is left of them."""

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.resources import as_file
from itertools import takewhile
from pathlib import Path

import pytest
from rich.console import Console

from sinks.event import order, parse
from stream.config import load
from stream.errors import FileError
from stream.files import read_events
from stream.run.demo.demo import JANUARY, demonstrate, learn_january
from stream.run.demo.feed import DAY_MS
from stream.run.demo.processes import ChildEnded, WorkerChild
from stream.run.offline.produce import FLIGHTS, FLIGHTS_CONFIG
from stream.run.offline.replay import Replay
from tests.run.process import processes_of

END_MS = JANUARY[0] + 41 * DAY_MS
"""The evening of February 10, after a storm that few flights left in."""
CODE = f"""
import sys
from pathlib import Path
from rich.console import Console
from stream.run.demo.demo import demonstrate
alerts = Path(sys.argv[1]) if sys.argv[1:] else None
sys.exit(demonstrate(alerts, 0.0, Console(), {END_MS}))
"""


def _start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", CODE, *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"TMPDIR": str(folder)},
    )  # fmt: skip


def _wait_until(come_true: Callable[[], object], seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not come_true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def _replayed() -> list[str]:
    with as_file(FLIGHTS) as path, as_file(FLIGHTS_CONFIG) as settings:
        config = load(settings)
        dead: list[object] = []
        replay = Replay(config, learn_january(config, lambda _taken: None), dead.extend)
        events = takewhile(lambda event: event.ts < END_MS, read_events([path], config.files))
        for _ in replay.feed(events):
            pass
    return [event.id for event in sorted(replay.finish(flush=False), key=order)]


def test_the_demo_ends_by_itself_with_the_alerts_of_a_replay_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    """Exit code 0, the same ids in the fixed order, plain text, no process, no file."""
    folder, out = tmp_path / "temporary", tmp_path / "alerts.jsonl"
    folder.mkdir()
    with _start(folder, str(out)) as demo:
        expected = _replayed()
        told, errors = demo.communicate(timeout=600)
    assert (demo.returncode, errors) == (0, "")
    alerts = [parse(line) for line in out.read_bytes().splitlines()]
    assert [alert.id for alert in alerts] == expected
    assert len(expected) >= 3
    assert all(str(alert.data["summary"]) in told for alert in alerts)
    assert "What drifted" in told
    assert f"{len(alerts)} alerts of" in told
    assert "\x1b" not in told
    assert processes_of(folder) == {}
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(
    ("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)]
)
def test_however_the_demo_is_ended_nothing_is_left_behind(
    tmp_path: Path, sent: signal.Signals, code: int
) -> None:
    """Neither the children nor their folder, and no traceback."""
    with _start(tmp_path) as demo:
        _wait_until(lambda: processes_of(tmp_path))
        demo.send_signal(sent)
        _, errors = demo.communicate(timeout=120)
    assert (demo.returncode, errors) == (code, "")
    _wait_until(lambda: not processes_of(tmp_path))
    _wait_until(lambda: not list(tmp_path.iterdir()))


def test_a_worker_that_ends_is_told_with_the_end_of_its_log(tmp_path: Path) -> None:
    """What it said last is why."""
    worker = WorkerChild(tmp_path / "missing.yaml", tmp_path / "january.ref", 1, tmp_path)
    try:
        assert worker.status() is None
        worker.process.wait(120)
        with pytest.raises(ChildEnded, match=r"(?s)exit code 2.*missing\.yaml"):
            worker.check()
    finally:
        worker.kill()


def test_a_tethered_process_ends_when_its_starter_lets_go() -> None:
    """Whatever it is doing."""
    code = "from stream.run.tether import hold; hold(); import time; time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE) as child:
        time.sleep(0.3)
        assert child.poll() is None
        assert child.stdin is not None
        child.stdin.close()
        assert child.wait(120) == 1


def test_a_place_for_alerts_that_cannot_be_is_told_before_anything_starts(tmp_path: Path) -> None:
    """Not after half a minute."""
    for path in (tmp_path, tmp_path / "no folder" / "alerts.jsonl"):
        with pytest.raises(FileError):
            demonstrate(path, 0.0, Console(file=io.StringIO()), END_MS)
