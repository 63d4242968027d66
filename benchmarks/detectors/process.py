"""What runs inside the process of a peer: `python -P process.py PEER_FILE JOB`, with the peer's own Python.

It imports nothing but numpy, the standard library and the peer's file, which has

    PACKAGES         distributions whose versions are told
    VALUES_MAX       how much of a stream it gets; what is slow gets the beginning only
    DETECTORS        name -> how to make one; every call gives a new detector
    WAYS             name -> (prepare, feed): how an array becomes what the library takes, not counted, and how
                     a detector takes it, which gives the positions at which it found a drift

A job is JSON, and so is every line of the answer, each with `what` it is: `versions`, `begin`, `time`, `memory`,
`error`, `done`. What the peer itself prints goes to stderr.
"""

import gc
import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from importlib.metadata import version
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["main"]

Floats = NDArray[np.float64]

CHUNK = 10_000
"""Values at a time where memory is measured, so that the stream itself takes none."""

PASSES_MAX = 9


class Peer(Protocol):
    """A file in `peers/`. Detectors are whatever the library has, hence `Any`."""

    PACKAGES: tuple[str, ...]
    VALUES_MAX: int
    DETECTORS: Mapping[str, Callable[[], Any]]
    WAYS: Mapping[str, tuple[Callable[[Floats], Any], Callable[[Any, Any], list[int]]]]


class Tell:
    """Write answers to the real stdout, and send all else that is printed there to stderr."""

    def __init__(self) -> None:
        self._to = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)

    def __call__(self, what: str, **fields: object) -> None:
        print(json.dumps({"what": what} | fields), file=self._to, flush=True)


def main(peer_file: str, job: dict[str, Any], tell: Tell) -> None:
    """Do a job: measure every detector that the peer has and for which there is a stream, in every way."""
    peer = _load(Path(peer_file))
    told = {package: version(package) for package in peer.PACKAGES}
    tell("versions", python=".".join(map(str, sys.version_info[:3])), **told)
    for name, stream in job["streams"].items():
        if name not in peer.DETECTORS or name not in job["detectors"]:
            continue
        for way in peer.WAYS:
            if job["ways"] and way not in job["ways"]:
                continue
            tell("begin", detector=name, way=way)
            try:
                values = np.load(stream)
                if job["do"] == "time":
                    figures = _time(peer, name, way, values, job["seconds"])
                else:
                    figures = _memory(peer, name, way, values, job["marks"], job["seconds"])
            except Exception as error:  # whatever a peer raises is an answer, too
                tell("error", detector=name, way=way, error=f"{type(error).__name__}: {error}")
            else:
                tell(job["do"], detector=name, way=way, **figures)
    tell("done")


def _time(peer: Peer, name: str, way: str, values: Floats, seconds: float) -> dict[str, object]:
    """Give the processor time of passes over the stream, all threads, and where drifts were found.

    Every pass has a new detector. Passes are repeated until they have taken some seconds, as a short one tells little.
    """
    prepare, feed = peer.WAYS[way]
    values = values[: peer.VALUES_MAX]
    feed(peer.DETECTORS[name](), prepare(values[: len(values) // 10]))  # compiles what compiles
    prepared = prepare(values)
    cpu_s: list[float] = []
    while not cpu_s or (sum(cpu_s) < seconds and len(cpu_s) < PASSES_MAX):
        detector = peer.DETECTORS[name]()
        gc.collect()
        began = time.process_time()
        found = feed(detector, prepared)
        cpu_s.append(time.process_time() - began)
    return {"values": len(values), "cpu_s": cpu_s, "found": [int(at) for at in found]}


def _memory(
    peer: Peer, name: str, way: str, values: Floats, marks: list[int], seconds: float
) -> dict[str, object]:
    """Give the resident memory in KB before any update and at the marks, [updates, KB] each.

    The stream is repeated as often as needed. What has not come to the last mark after some processor time is left
    off where it is, and that is then its last mark.
    """
    prepare, feed = peer.WAYS[way]
    feed(peer.DETECTORS[name](), prepare(values[:CHUNK]))  # loads what is loaded by need
    detector = peer.DETECTORS[name]()
    gc.collect()
    seen, rss_kb, began = 0, [[0, _rss_kb()]], time.process_time()
    for mark in marks:
        late = False
        while seen < mark and not late:
            at = seen % len(values)
            chunk = values[at : at + min(CHUNK, mark - seen)]
            feed(detector, prepare(chunk))
            seen += len(chunk)
            late = time.process_time() - began > seconds
        gc.collect()
        rss_kb.append([seen, _rss_kb()])
        if late:
            break
    told: dict[str, object] = {"rss_kb": rss_kb}
    if hasattr(detector, "to_bytes"):
        told |= {"state_bytes": len(detector.to_bytes()), "state_bytes_max": detector.bytes_max}
    return told


def _rss_kb() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


def _load(file: Path) -> Any:
    """Import a peer's file by its path: its folder must not be searched, where it has the library's own name."""
    spec = spec_from_file_location("peer", file)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]), Tell())
