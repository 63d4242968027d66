"""A peer's program in a process of its own, as its parent sees it."""

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["PeerError", "Process", "running"]

ROOT = Path(__file__).parents[2]
PROGRAMS = f"{__package__}.programs"
PROCESS_S = 1_800.0
"""A process that takes longer is ended."""
ASK_EVERY_S = 0.1
SAYS_NOTHING = {
    "DO_NOT_TRACK": "1",
    "NML_DISABLE_USAGE_LOGGING": "1",
    "WHYLOGS_NO_ANALYTICS": "True",
    "PYTHONWARNINGS": "ignore",
}
"""Some libraries report their use to their makers, which would be measured with them."""


class PeerError(Exception):
    """A peer does not run, or has ended or stopped too early; the message is the last it said."""


class Process:
    """A program that runs; `files` has what it says."""

    def __init__(self, process: subprocess.Popen[bytes], files: Path) -> None:
        self.pid = process.pid
        self._process = process
        self._files = files

    def answers(self) -> dict[str, dict[str, Any]]:
        """Give all it has told so far, by what it is."""
        lines = (self._files / "told").read_text().splitlines()
        told = [json.loads(line) for line in lines if line.endswith("}")]
        return {one.pop("what"): one for one in told}

    def check(self) -> None:
        """Raise PeerError if the program has ended, with the last line it said."""
        if self._process.poll() is not None:
            raise PeerError(self._last_words())

    def wait(self) -> None:
        """Wait until the program is done; PeerError if it fails, or takes longer than half an hour."""
        end = time.monotonic() + PROCESS_S
        while self._process.poll() is None:
            if time.monotonic() > end:
                raise PeerError(f"it was not done within {PROCESS_S:.0f} s")
            time.sleep(ASK_EVERY_S)
        if self._process.returncode:
            raise PeerError(self._last_words())

    def _last_words(self) -> str:
        said = (self._files / "said").read_text(errors="replace").strip().splitlines()
        return said[-1] if said else f"it ended with {self._process.returncode}"


@contextmanager
def running(python: Path, program: str, job: dict[str, object], folder: Path) -> Iterator[Process]:
    """Run a program until the block ends, which kills it: it has nothing to keep."""
    command = [str(python), "-P", "-m", f"{PROGRAMS}.{program}", json.dumps(job)]
    environment = os.environ | SAYS_NOTHING | {"PYTHONPATH": str(ROOT)}
    with (folder / "told").open("wb") as told, (folder / "said").open("wb") as said:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=said,
            cwd=folder,
            env=environment,
        )
        try:
            yield Process(process, folder)
        finally:
            process.kill()
            process.wait()
