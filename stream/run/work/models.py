"""The models that a worker owns: moved as far as all partitions have come, their alerts handed to the sinks.

Judging may take long, so it has a thread of its own: what partitions and sinks ask of the store waits for none of it.
"""

import asyncio
import logging
from collections.abc import (
    AsyncIterator,
    Callable,
    Container,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import NamedTuple
from weakref import WeakKeyDictionary

from stream.bus.murmur2 import partition_of
from stream.config import Config
from stream.errors import DriftbusError, StoreUnavailable
from stream.evaluate.evaluator import Evaluator, step_all
from stream.evaluate.gatherer import Gatherer
from stream.evaluate.panes.gather import is_absent, watermark_of
from stream.ingest.fold import NEVER
from stream.ingest.partition import Marks, read_marks
from stream.ingest.raw import Source
from stream.reference.fleet import Fleet
from stream.reference.plan import mondays
from stream.reference.plans import Plans
from stream.run.fleet.rules import model_rules, plan_rules
from stream.run.work.calls import Calls
from stream.run.work.outlet import Outlet
from stream.run.work.tallies import Tallies
from stream.state.store import Answer, Store
from stream.words import INPUTS, SEVERAL, Kind

__all__ = ["Models"]

LOG = logging.getLogger("driftbus.worker")
ACKNOWLEDGE_EVERY_S = 0.02
TOGETHER_MAX = 128
"""Chains of models that are moved together: enough that calls cost little, and no model waits long for the others."""
PATIENCE_S = 30.0
"""For so long at most large models leave panes of a kind for later while no other ones of that kind close.

A partition that holds too many raw values reads on only when somebody has learned from them, so nobody may wait for it.
Other kinds may close theirs all the while.
"""


class _Goal(NamedTuple):
    """How far a step goes: what of each kind has closed by the marks, but nothing that begins at `upto_ms` or later.

    `closed`, of each kind the first pane that is open and whether the kind is absent, is all that a step goes by, but
    that large models may leave panes of the kinds that are `patient` for later.
    """

    marks: Mapping[Source, Marks | None]
    closed: tuple[tuple[int, bool], ...]
    upto_ms: int | None
    patient: frozenset[Kind]


class Models:
    """The evaluators of the models whose partition is among the `owned`, and the gatherer of all models.

    The gatherer is held like a model that is called `SEVERAL`, from the second model on.

    A model is stepped or acknowledged, one at a time: stepped on a thread of this object's, acknowledged on that of
    `calls`. One that goes in the middle of a step is dropped at once; what comes of the step is its next owner's, or
    refused as it is fenced.

    `partitions_of` tells how many partitions each topic has.
    """

    def __init__(
        self, config: Config, store: Store, fleet: Fleet, outlet: Outlet, tallies: Tallies, calls: Calls,
        clock: Callable[[], float], owned: Container[Source],
    ) -> None:  # fmt: skip
        self.evaluators: dict[str, Evaluator] = {}
        self.gatherer: Gatherer | None = None
        self.plans = Plans(store, config.app, fleet, plan_rules(config))
        self.partitions_of: dict[str, int] = {}
        self._config = config
        self._store = store
        self._fleet = fleet
        self._outlet = outlet
        self._tallies = tallies
        self._calls = calls
        self._stepping = Calls("driftbus-models", clock, beside=calls)
        self._clock = clock
        self._owned = owned
        self._rules = model_rules(config)
        self._evaluating = asyncio.Lock()
        self._acknowledging = asyncio.Lock()
        self._busy: dict[str, asyncio.Lock] = {}
        self._stepped: WeakKeyDictionary[Evaluator, object] = WeakKeyDictionary()
        self._closed = asyncio.Event()
        self._closed_at: float | None = None
        self._reached_ms: int | None = None
        self._closed_last: dict[Kind, tuple[int, float]] = {}

    # -- whose they are ----------------------------------------------------------------------------------------------

    def know_partitions(self, counts: Mapping[str, int]) -> None:
        """Know how many partitions the topics have; when that changes, models are loaded anew to read from all."""
        if self.partitions_of != counts:
            self.partitions_of = dict(counts)
            self.evaluators.clear()
            self.forget_foreign()

    def owns(self, model: str) -> bool:
        """A model, and `SEVERAL`, belongs to the owner of its partition of the first topic configured."""
        first = next(kind for kind in INPUTS if getattr(self._config.topics, kind))
        topic = getattr(self._config.topics, first)
        count = self.partitions_of.get(topic, 0)
        return count > 0 and Source(first, topic, partition_of(model, count)) in self._owned

    async def part(self, patience_s: float) -> None:
        """Let the sinks take what is on its way of models that go, so that their next owner does not tell it again."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                while any(not self.owns(name) for name in self._outlet.models):
                    await self.acknowledge()
                    await asyncio.sleep(ACKNOWLEDGE_EVERY_S)
        self.forget_foreign()

    def forget_foreign(self) -> None:
        """Drop what is not, or no longer, owned."""
        for name in self._outlet.models | self.evaluators.keys() | {SEVERAL}:
            if not self.owns(name):
                self._drop(name)
                self._outlet.forget(name)

    def _holder(self, name: str) -> Evaluator | Gatherer | None:
        return self.gatherer if name == SEVERAL else self.evaluators.get(name)

    def _drop(self, name: str) -> None:
        """Hold a model no longer: it is somebody else's, or memory may differ from the store."""
        if name == SEVERAL:
            self.gatherer = None
        else:
            self.evaluators.pop(name, None)

    @property
    def waiting(self) -> int:
        """The number of alerts in the outboxes. For any thread."""
        holders = [*self.evaluators.copy().values(), self.gatherer]
        return sum(len(holder.outbox) for holder in holders if holder is not None)

    def sources(self) -> list[Source]:
        """List all partitions of all topics, whoever owns them."""
        kinds = [(kind, getattr(self._config.topics, kind)) for kind in INPUTS]
        return [
            Source(kind, topic, p)
            for kind, topic in kinds
            if topic
            for p in range(self.partitions_of.get(topic, 0))
        ]

    def read_marks(self) -> dict[Source, Marks | None]:
        """Read the marks of all partitions; for a thread that may wait for the store."""
        return read_marks(self._store, self._config.app, self.sources())

    # -- moving ------------------------------------------------------------------------------------------------------

    def has_closed(self, at: float) -> None:
        """Know that a pane has closed on an owned partition, and when that was committed."""
        if self._closed_at is None:
            self._closed_at = at
        self._closed.set()

    async def await_closing(self, longest_s: float) -> None:
        """Wait until a pane closes on an owned partition; others may close theirs, so not for longer than asked."""
        with suppress(TimeoutError):
            async with asyncio.timeout(longest_s):
                await self._closed.wait()

    async def evaluate(self) -> None:
        """Move every owned model as far as the marks of all partitions allow, and hand its alerts to the sinks.

        Small models go first and together, as a large one may take long.
        """
        async with self._evaluating:
            self._closed.clear()
            began, self._closed_at = self._closed_at, None
            marks = await self._stepping.insist(self.read_marks)
            self._tallies.note(marks)
            names = {name for m in marks.values() if m for name in m.models}
            for goal in self._goals(marks):
                for portion in self._portions(await self._hold(filter(self.owns, names))):
                    await self._move(portion, goal)
                if len(names) > 1 and self.owns(SEVERAL):
                    await self._move([SEVERAL], goal)
            if began is not None:
                self._tallies.detect_seconds.observe(self._clock() - began)

    async def _hold(self, names: Iterable[str]) -> list[str]:
        """Load models that are not, as none tells before how large it is; give those that are held."""
        held = []
        for name in sorted(names):
            async with self._alone_with(name):
                if await self._held(name) is not None:
                    held.append(name)
        return held

    def _portions(self, names: Iterable[str]) -> Iterator[list[str]]:
        """Part models, small ones first, into those that are moved together: many small ones, or a large one."""
        portion: list[str] = []
        chains = 0
        for size, name in sorted((self._size(name), name) for name in names):
            if portion and chains + size > TOGETHER_MAX:
                yield portion
                portion, chains = [], 0
            portion.append(name)
            chains += size
        if portion:
            yield portion

    def _size(self, name: str) -> int:
        evaluator = self.evaluators.get(name)
        return 1 if evaluator is None else max(1, len(evaluator.model.chains))

    def _goals(self, marks: Mapping[Source, Marks | None]) -> list[_Goal]:
        """Tell how far all models move before one goes on: to each Monday since the last time, then to the end."""
        lateness, pane = self._config.lateness_ms, self._config.pane_ms
        closed = tuple(
            ((watermark_of(kind, marks) - lateness) // pane, is_absent(kind, marks))
            for kind in Kind
        )
        since = self._reached_ms
        reached = max((m.watermark for m in marks.values() if m), default=NEVER)
        if reached != NEVER:
            self._reached_ms = reached
        halts = [] if since is None else mondays(since, reached)
        last = [_Goal(marks, closed, None, self._patient(closed))]
        return [*(_Goal(marks, closed, upto_ms, frozenset()) for upto_ms in halts), *last]

    def _patient(self, closed: Sequence[tuple[int, bool]]) -> frozenset[Kind]:
        """Tell of which kinds panes have closed lately."""
        now = self._clock()
        for kind, (number, _) in zip(Kind, closed, strict=True):
            if kind not in self._closed_last or self._closed_last[kind][0] != number:
                self._closed_last[kind] = number, now
        return frozenset(k for k, (_, at) in self._closed_last.items() if now - at < PATIENCE_S)

    async def _move(self, names: Sequence[str], goal: _Goal) -> None:
        """Move models; where memory may differ from the store they are dropped, to be loaded anew next time."""
        async with AsyncExitStack() as alone:
            for name in names:
                await alone.enter_async_context(self._alone_with(name))
            holders = {name: of for name in names if (of := await self._held(name)) is not None}
            try:
                answers = await self._step(holders, goal)
            except DriftbusError as error:
                # Some may have moved in memory, and have committed nothing.
                for name in holders:
                    self._drop(name)
                if not isinstance(error, StoreUnavailable):
                    raise
                self._calls.lost(error)
                return
            for name, answer in answers.items():
                self._settle(name, holders[name], answer)

    async def _held(self, name: str) -> Evaluator | Gatherer | None:
        """Give a model, loaded if need be; None if it went meanwhile, or the store does not answer."""
        try:
            return self._holder(name) or await self._load(name)
        except StoreUnavailable as error:
            self._calls.lost(error)
            self._drop(name)
            return None

    def _settle(self, name: str, holder: Evaluator | Gatherer, answer: Answer) -> None:
        """Offer what a step has told to the sinks, or drop a model whose commit was refused."""
        if answer not in (Answer.OK, Answer.ALREADY):
            self._drop(name)
            if self.owns(name):
                LOG.warning("%s: the store answered %s; loading anew", _said(name), answer.value)
                self._tallies.reloads += 1
        elif self.owns(name) and self._holder(name) is holder:
            self._outlet.offer(name, dict(holder.outbox))
        # else it went meanwhile, and its alerts with it

    async def _step(
        self, holders: Mapping[str, Evaluator | Gatherer], goal: _Goal
    ) -> dict[str, Answer]:
        """Step models of which something has closed, or the gatherer, unless the sinks must first take what waits."""
        room = {
            name: of
            for name, of in holders.items()
            if len(of.outbox) < self._config.limits.outbox_max
        }
        due = {
            name: of
            for name, of in room.items()
            if isinstance(of, Evaluator) and self._stepped.get(of) != goal[1:]
        }
        answers = dict.fromkeys(holders, Answer.OK)
        if due:
            answers |= zip(due, await self._evaluate(list(due.values()), goal), strict=True)
        for name, of in room.items():
            if isinstance(of, Gatherer):
                answers[name] = await self._gather(of, goal)
        if holders:
            self._calls.found()
        return answers

    async def _gather(self, gatherer: Gatherer, goal: _Goal) -> Answer:
        """Gather what all models have passed; where they all were as far before, nobody is asked."""
        if gatherer.is_settled(goal.marks):
            return Answer.OK
        missed = gatherer.missed
        answer = await self._stepping.once(partial(gatherer.step, goal.marks))
        self._tallies.refusals.note("evaluate", {"movers": missed}, {"movers": gatherer.missed})
        return answer

    async def _evaluate(self, evaluators: Sequence[Evaluator], goal: _Goal) -> list[Answer]:
        """Step models together."""
        before = [(of.model.windows, of.model.refused()) for of in evaluators]
        step = partial(step_all, evaluators, goal.marks, upto_ms=goal.upto_ms, patient=goal.patient)
        with self._tallies.commit_seconds["evaluate"].time():
            answers = await self._stepping.once(step)
        for of, (windows, refused), answer in zip(evaluators, before, answers, strict=True):
            if answer in (Answer.OK, Answer.ALREADY):
                self._stepped[of] = goal[1:]
                self._tallies.windows += of.model.windows - windows
                self._tallies.refusals.note("evaluate", refused, of.model.refused())
        return answers

    async def _load(self, name: str) -> Evaluator | Gatherer | None:
        """Take a model, or what several tell, over; None if it is somebody else's by then."""
        config = self._config
        holder: Evaluator | Gatherer
        if name == SEVERAL:
            holder = Gatherer(self._store, config.app, config.pane_ms, config.lateness_ms)
        else:
            holder = Evaluator(self._store, config.app, name, self._rules, self._fleet, self.plans,
                               config.lateness_ms, self.sources())  # fmt: skip
        await self._stepping.once(holder.load)
        if not self.owns(name):
            return None
        if isinstance(holder, Gatherer):
            self.gatherer = holder
        else:
            self.evaluators[name] = holder
        self._outlet.revise(name, holder.outbox)
        self._outlet.doubt(name)
        LOG.info("took over %s", _said(name))
        return holder

    # -- what was delivered ------------------------------------------------------------------------------------------

    async def acknowledge(self) -> None:
        """Take alerts that every sink has taken out of the outboxes."""
        async with self._acknowledging:
            for name in self._outlet.delivered():
                async with self._alone_with(name):
                    await self._acknowledge(name)

    async def _acknowledge(self, name: str) -> None:
        # Asked for only now: meanwhile the model may have been loaded anew.
        fields, holder = self._outlet.delivered().get(name, []), self._holder(name)
        if not fields or holder is None:
            return  # it is being loaded anew, or somebody else's by now
        events = [holder.outbox[f] for f in fields if f in holder.outbox]
        answer = await self._calls.insist(partial(holder.acknowledge, fields))
        if answer is Answer.OK:
            self._outlet.acknowledged(name, fields)
            self._tallies.delivered(events)
            return
        self._drop(name)  # it is somebody else's, or has to be loaded anew
        if not self.owns(name):
            self._outlet.forget(name)

    @asynccontextmanager
    async def _alone_with(self, name: str) -> AsyncIterator[None]:
        async with self._busy.setdefault(name, asyncio.Lock()):
            yield

    def close(self) -> None:
        """Give the thread back, in the middle of a step if need be."""
        self._stepping.close()


def _said(name: str) -> str:
    """Name a model, or several, in the log."""
    return "what several models tell" if name == SEVERAL else f"model {name}"
