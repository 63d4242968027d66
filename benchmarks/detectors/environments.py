"""An environment of its own for every peer, made once: `.benchmarks/PEER` in the checkout."""

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

__all__ = ["REQUIREMENTS", "NotInstalledError", "installed", "interpreter"]

REQUIREMENTS: dict[str, tuple[str, ...]] = {
    "driftbus": (),
    "river": (),
    "textbook": (),
    "frouros": ("frouros==0.9.0",),
    "capymoa": ("capymoa==0.15.1",),
    "alibi_detect": ("alibi-detect==0.13.0",),
}
"""What pip installs for a peer. Those with nothing run in driftbus' own environment."""

FOLDER = Path(__file__).parents[2] / ".benchmarks"
INSTALL_S = 900.0


class NotInstalledError(Exception):
    """A peer could not be installed here; the message is the last line of why."""


def interpreter(
    peer: str, folder: Path = FOLDER, requirements: Sequence[str] | None = None
) -> Path:
    """Give the Python that runs a peer, after making its environment where that has not been done.

    What pip installs are those of REQUIREMENTS unless others are given.

    Raises:
        NotInstalledError: making it failed. What was made is removed, so the next call tries again.
    """
    wanted = REQUIREMENTS[peer] if requirements is None else requirements
    if not wanted:
        return Path(sys.executable)
    home = folder / peer
    python, stamp = home / "bin" / "python", home / "installed"
    if installed(peer, folder, wanted) is None:
        shutil.rmtree(home, ignore_errors=True)
        try:
            _run([sys.executable, "-m", "venv", str(home)])
            _run([str(python), "-m", "pip", "install", "--quiet", *wanted])
        except NotInstalledError:
            shutil.rmtree(home, ignore_errors=True)
            raise
        stamp.write_text("\n".join(wanted))
    return python


def installed(
    peer: str, folder: Path = FOLDER, requirements: Sequence[str] | None = None
) -> Path | None:
    """Give the Python of a peer's environment if it has been made, and for what is required now."""
    wanted = REQUIREMENTS[peer] if requirements is None else requirements
    stamp = folder / peer / "installed"
    if not stamp.exists() or stamp.read_text().split() != list(wanted):
        return None
    return folder / peer / "bin" / "python"


def _run(command: list[str]) -> None:
    try:
        ran = subprocess.run(
            command, capture_output=True, text=True, timeout=INSTALL_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalledError(str(error)) from None
    if ran.returncode:
        lines = (ran.stderr.strip() or ran.stdout.strip() or "it says nothing").splitlines()
        raise NotInstalledError(lines[-1])
