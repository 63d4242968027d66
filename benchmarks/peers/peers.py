"""Which peers there are, what they need, how much of the stream they get, and how they have to stand to driftbus."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.detectors.environments import interpreter

__all__ = ["OURS", "PEERS", "REPORT_EVERY", "Peer", "python_of"]

OURS = "driftbus"
REPORT_EVERY = 10_000
"""Events from one comparison with the reference to the next, for all that have no windows of time."""

_RIVER = ("river==0.26.1", "orjson==3.13.0")
_FRAMES = ("orjson==3.13.0", "pandas==2.3.3")


@dataclass(frozen=True)
class Peer:
    """One way to watch the stream.

    Attributes:
        does: what is measured, in some words.
        frames: whether it takes data frames and not a topic.
        events_max: events it gets at most; what is slow gets fewer.
        goal: how many times driftbus' processor time an event has to cost at least; 0 for driftbus.
        requirements: what pip installs for it. With nothing it runs in driftbus' own environment.
    """

    does: str
    frames: bool = False
    events_max: int = 300_000
    goal: float = 1.0
    requirements: tuple[str, ...] = ()


PEERS = {
    OURS: Peer("the whole worker", events_max=100_000_000, goal=0.0),
    "faust": Peer("Faust agent + river", events_max=100_000, goal=25.0),
    "confluent": Peer("confluent-kafka + river", goal=5.0),
    "quix": Peer("Quix Streams + river", requirements=("quixstreams==3.28.1", *_RIVER)),
    "bytewax": Peer(
        "Bytewax + river",
        requirements=("bytewax[kafka]==0.21.1", "confluent-kafka==2.16.1", *_RIVER),
    ),
    "evidently": Peer(
        "Evidently, PSI report",
        frames=True,
        events_max=100_000,
        requirements=("evidently==0.7.23", *_FRAMES),
    ),
    "nannyml": Peer(
        "NannyML, univariate drift",
        frames=True,
        requirements=("nannyml==0.13.1", "statsmodels==0.15.0", *_FRAMES),
    ),
    "whylogs": Peer(
        "whylogs, profile only",
        frames=True,
        requirements=("whylogs==1.6.4", "numpy==1.26.4", *_FRAMES),
    ),
}


def python_of(name: str) -> Path:
    """Give the Python of a peer, in `.benchmarks/NAME`, made by need; NotInstalledError says why there is none."""
    return interpreter(name, requirements=PEERS[name].requirements)
