"""The command as a whole: how it ends, what it says of errors, and that it answers at once."""

import io
import signal
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from stream.errors import BusUnavailable, FileError
from stream.run.offline import replay_files
from stream.run.terminal.progress import LINE_EVERY_S, Progress
from tests.cli.command import driftbus, write_config

COMMAND = [sys.executable, "-m", "stream"]
HEAVY = ("numpy", "numba", "confluent_kafka", "redis", "faust", "rich", "scipy")


def test_the_version_is_that_of_the_distribution() -> None:
    """`--version` and the metadata cannot part."""
    assert driftbus("--version").stdout == f"driftbus, version {version('driftbus')}\n"


@pytest.mark.parametrize("arguments", [["--help"], ["config", "check"], ["replay", "--help"]])
def test_what_needs_nothing_heavy_imports_nothing_heavy(arguments: list[str]) -> None:
    """Help and checks answer at once, since the libraries of the pipeline stay unimported."""
    code = (
        "import sys; from stream.cli import main\n"
        f"main({arguments!r}, standalone_mode=False)\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=120
    )
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_every_verb_has_help() -> None:
    """Each verb of the design is there and says what it does."""
    shown = driftbus("--help").stdout
    for verb in ("demo", "worker", "replay", "reference", "config", "doctor", "produce"):
        assert f"\n  {verb} " in shown
        assert driftbus(verb, "--help").exit_code == 0


@pytest.mark.parametrize("arguments", [["nonsense"], ["replay"], ["replay", "--batch-size", "0"]])
def test_wrong_usage_ends_with_two(arguments: list[str]) -> None:
    """As click has it, and as the design promises."""
    assert driftbus(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code"),
    [(FileError("is gone", "f.csv", "look for it"), 2), (BusUnavailable("is down", "k:9092"), 1)],
)
def test_an_error_is_one_line_on_stderr_and_its_exit_code(
    error: Exception, code: int, stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever verb it comes out of, without a traceback."""

    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(replay_files, "replay_files", fail)
    result = driftbus("replay", stream, "--alerts", tmp_path / "out", "--quiet")
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr == f"error: {error}\n"


def test_names_from_outside_cannot_command_the_terminal(tmp_path: Path) -> None:
    """An escape sequence in a name is shown, not obeyed."""
    result = driftbus("reference", "show", tmp_path / "a\x1b[31mb")
    assert "\x1b" not in result.output
    assert "a\\x1b[31mb" in result.output


def test_ctrl_c_ends_quietly(stream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The signal ends a verb with 130, without a word."""

    def interrupted(*_: object, **__: object) -> None:
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(replay_files, "replay_files", interrupted)
    result = driftbus("replay", stream, "--alerts", tmp_path / "out")
    assert (result.exit_code, result.output) == (130, "")


def test_a_reader_that_leaves_is_no_error() -> None:
    """`driftbus ... | head` says nothing on stderr."""
    command = [*COMMAND, "config", "schema"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
        process.wait(timeout=120)


def test_a_worker_is_refused_before_anything_starts(
    config: Path, stream: Path, tmp_path: Path
) -> None:
    """A reference that does not fit the configuration ends `worker` with 2, without touching Kafka."""
    ref = tmp_path / "r"
    driftbus("reference", "build", "-c", config, stream, "--out", ref, "--quiet")
    other = write_config(tmp_path / "other.yaml")
    other.write_text(other.read_text().replace("windows: [5m]", "windows: [10m]"))
    result = driftbus("worker", "-c", other, "--reference", ref)
    assert result.exit_code == 2
    assert "build it again with this configuration" in result.output


def test_progress_is_a_line_now_and_then_and_one_at_the_end(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Where there is no terminal, a long work tells how far it is, not more often than it should."""
    now = 0.0
    with Progress("learn", clock=lambda: now) as progress:
        for step in range(1, 101):
            now = step * LINE_EVERY_S / 10
            progress.part(step, 200)
            progress.events(10)
    lines = capsys.readouterr().err.splitlines()
    assert lines[-1] == f"learn: 100%, 1,000 events, {1_000 / now:,.0f} a second"
    assert len(lines) == 11
    assert lines[0].startswith("learn: 5%, ")


def test_a_work_that_fails_does_not_claim_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    """The last line is the error's."""
    with pytest.raises(FileError), Progress("learn"):
        raise FileError("is gone")
    assert capsys.readouterr().err == ""


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the bar is drawn with label and count, and left complete."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    terminal = Terminal()
    with Progress("learn", stream=terminal) as progress:
        progress.part(1, 2)
        progress.events(1_234)
    shown = terminal.getvalue()
    assert "learn" in shown
    assert "100%" in shown
    assert "1,234 events" in shown
