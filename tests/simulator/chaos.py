"""What goes wrong, drawn from one seed: which faults, when, and at which call of whom.

A schedule plans its faults beforehand: each is due at some time and strikes at the next call of its sort after it has
let some pass. Besides, every call may let the others go on before it is made, which costs nothing and finds races.
"""

from collections import Counter
from collections.abc import Callable
from random import Random
from typing import NamedTuple, Protocol

from tests.simulator.loop import Killed, Loop, Process

__all__ = ["FAULTS", "FAULTS_END_S", "Chaos", "World"]

FAULTS_END_S = 7.0
LONGEST_FREEZE_S = 4.0
WRITES = ("commit", "commit", "commit", "take over", "remove", "put")
STORE = (*WRITES, "read", "read many")
OUTSIDE = ("send", "send", "deliver")
FAULTS: dict[str, tuple[int, tuple[str, ...]]] = {
    "crash before a call": (6, (*STORE, *OUTSIDE, "poll")),
    "crash after a call": (6, (*STORE, *OUTSIDE)),
    "frozen before a call": (5, (*STORE, *OUTSIDE, "poll")),
    "frozen after a call": (4, (*STORE, *OUTSIDE)),
    "request lost": (5, (*STORE, *OUTSIDE)),
    "reply lost": (7, (*WRITES, *OUTSIDE)),
    "sent by half": (3, ("send",)),
    "delivered twice": (5, ("poll",)),
    "broker away": (4, ("poll",)),
    "rebalance": (5, (*STORE, "poll")),
    "lost without a word": (4, (*STORE, "poll")),
    "stopped": (3, (*STORE, "poll")),
    "store rewound": (3, STORE),
    "store lost": (1, STORE),
}
"""Faults: how often each is chosen among the others, and at which calls it strikes."""


class World(Protocol):
    """What faults do that concern more than one call."""

    def crash(self, process: Process) -> None:
        """Kill a worker; another starts in its place some time later."""
        ...

    def strike(self, fault: str, process: Process) -> None:
        """Let happen what befalls the group, the store or a whole worker."""
        ...


class _Planned(NamedTuple):
    at: float
    fault: str
    call: str
    skip: int


class Chaos:
    """The one source of chance in a schedule, but for the quiet one (no seed), in which nothing goes wrong.

    `trace` is told every step, if there is one. `injected` counts the faults that struck.
    """

    def __init__(self, seed: int | None) -> None:
        self.random = Random(f"chaos {seed}")  # noqa: S311 - a schedule, to be drawn again
        self.quiet = seed is None
        self.injected: Counter[str] = Counter()
        self.trace: Callable[[str], None] | None = None
        self.loop = Loop(self.delay)
        self.world: World | None = None
        self.preempted = 0.0 if self.quiet else self.random.choice((0.0, 0.05, 0.2))
        self.planned = [] if self.quiet else self._plan()
        self._armed: list[list[object]] = []

    def _plan(self) -> list[_Planned]:
        """Plan some faults of some sorts, so that schedules differ in what they are about."""
        draw = self.random
        sorts = draw.sample(sorted(FAULTS), draw.choice((1, 2, 4, len(FAULTS))))
        weights = [FAULTS[sort][0] for sort in sorts]
        planned = []
        for fault in draw.choices(sorts, weights, k=draw.choice((1, 2, 4, 7, 12))):
            call = draw.choice(FAULTS[fault][1])
            planned.append(
                _Planned(draw.uniform(0.3, FAULTS_END_S), fault, call, draw.randrange(4))
            )
        return sorted(planned, reverse=True)

    def delay(self) -> float:
        """Draw how long a message is on its way: mostly milliseconds, now and then most of a second."""
        if self.quiet:
            return 0.001
        u = self.random.random()
        return 0.8 * self.random.random() if u < 0.01 else 0.02 * u

    def tell(self, what: Callable[[], str]) -> None:
        """Tell a step, if somebody listens."""
        if self.trace is not None:
            self.trace(what())

    # -- at a call ---------------------------------------------------------------------------------------------------

    def before(self, process: Process, call: str) -> str | None:
        """Let happen what is due before a call; give the fault of the call itself, if it has one.

        Raises:
            Killed: the worker does not live to make the call.
        """
        if self.preempted and self.random.random() < self.preempted:
            self.loop.run_others(0.1 * self.random.random())
            self._check(process)
        fault = self._due(call)
        if fault is None:
            return None
        self.injected[fault] += 1
        self.tell(lambda: f"** {fault}: {process}, {call}")
        if fault == "crash before a call":
            self._crash(process)
        elif fault == "frozen before a call":
            self._freeze(process)
        elif fault in (
            "rebalance",
            "lost without a word",
            "stopped",
            "store rewound",
            "store lost",
        ):
            assert self.world is not None
            self.world.strike(fault, process)
            self._check(process)
        else:
            return fault
        return None

    def after(self, process: Process, fault: str | None) -> None:
        """Let happen what is due after a call was carried out and before its answer is known."""
        if fault == "crash after a call":
            self._crash(process)
        elif fault == "frozen after a call":
            self._freeze(process)

    def _due(self, call: str) -> str | None:
        while self.planned and self.planned[-1].at <= self.loop.now:
            planned = self.planned.pop()
            self._armed.append([planned.fault, planned.call, planned.skip])
        for i, (fault, at, skip) in enumerate(self._armed):
            if at == call:
                if skip:
                    self._armed[i][2] = int(str(skip)) - 1
                    continue
                del self._armed[i]
                return str(fault) if self.loop.now < FAULTS_END_S else None
        return None

    def _crash(self, process: Process) -> None:
        assert self.world is not None
        self.world.crash(process)
        raise Killed

    def _freeze(self, process: Process) -> None:
        seconds = self.random.choice((0.3, 1.5, LONGEST_FREEZE_S)) * self.random.uniform(0.5, 1.0)
        self.loop.freeze(process, seconds)
        self.loop.run_others(seconds)
        self._check(process)

    def _check(self, process: Process) -> None:
        if not process.alive:
            raise Killed
