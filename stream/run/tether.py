"""Ends this process when its standard input ends.

Whoever starts it holds the other end of that pipe, and however the starter ends, killed or not,
the pipe ends with it; so no process is left behind.
"""

import os
import threading

__all__ = ["hold"]


def hold() -> None:
    """End this process, at once and whatever it does, when its standard input has ended."""
    threading.Thread(target=_watch, name="driftbus-tether", daemon=True).start()


def _watch() -> None:
    # Without Python's buffer around it: a thread that waits inside would be in the way of the end.
    while os.read(0, 4096):
        pass
    os._exit(1)
