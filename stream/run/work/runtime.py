"""What a worker owns and does: partitions folded and committed; the models are in `models.py`.

The consumer's thread calls in through `Owner`; everything else runs on the event loop, with what partitions ask of the
store on a thread of its own, so that health answers even while the store does not.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from stream.bus.dead_letters import DeadLetterOffice
from stream.bus.owner import Start
from stream.bus.settings import producer_settings
from stream.config import Config
from stream.errors import LogLost, StoreRefused, StoreUnavailable
from stream.evaluate.model_state import needed_from
from stream.ingest.fold import NEVER
from stream.ingest.ingest import Ingest
from stream.ingest.partition import Marks, Partition
from stream.ingest.raw import DeadLetter, RawBatch, Source
from stream.ingest.schedule import Schedule
from stream.reference.fleet import Fleet
from stream.run.fleet.rules import fold_rules
from stream.run.work.at_work import at_work_s
from stream.run.work.calls import Calls
from stream.run.work.commits import Commits
from stream.run.work.holds import Holds
from stream.run.work.lost_log import go_on, is_same_log
from stream.run.work.lost_store import check_beginning
from stream.run.work.models import Models
from stream.run.work.outlet import Outlet
from stream.run.work.pressure import Pressure
from stream.run.work.rim import Bus, Item, Office
from stream.run.work.silence import Silence, is_ahead
from stream.run.work.tallies import Tallies
from stream.state.store import BASE, Answer, Store, model_key
from stream.words import INPUTS, Kind

__all__ = ["Runtime"]

LOG = logging.getLogger("driftbus.worker")
CLEAN_EVERY_S = 5.0
LET_GO_S = 5.0
"""How long a rebalance waits for the last commits; what is not committed then is folded again by the next owner."""
AT_LEAST_S = 0.1
"""What the last commit of a partition is given in any case, though others may have used up the time."""


class Runtime:
    """The state of one worker.

    `term[source]` goes up whenever a partition is taken over or loaded anew, and the bus is told it with the offset to
    read from. Batches of an older term are stale and left out, since what they hold is read again.

    `office` takes the dead letters; by default the topics beside those that are read. `work_s` tells the seconds
    that this worker has been at work or waited for a core. `recorded`: partitions that are read at the rates of an
    earlier run.
    """

    def __init__(
        self,
        config: Config,
        store: Store,
        fleet: Fleet,
        outlet: Outlet,
        clock: Callable[[], float] = time.monotonic,
        office: Office | None = None,
        work_s: Callable[[], float] = at_work_s,
        recorded: Mapping[Source, Schedule] | None = None,
    ):
        self.config = config
        self.store = store
        self.fleet = fleet
        self.outlet = outlet
        self.ingest = Ingest(store, config.app, fold_rules(config), fleet, recorded)
        ladder = self.ingest.rules.sample.ladder
        self.pressure = None if ladder is None else Pressure(ladder, work_s, clock())
        self.tallies = Tallies()
        self.term: dict[Source, int] = {}
        self.calls = Calls("driftbus-store", clock)
        self.letters = Calls("driftbus-letters", clock)
        self.models = Models(
            config, store, fleet, outlet, self.tallies, self.calls, clock, self.ingest.partitions
        )
        self.logs: dict[str, str] = {}
        self.bus: Bus | None = None
        self._clock = clock
        self._holds = Holds(self._drop_in_a_call)
        self._silence = Silence(config.idle_timeout_ms / 1000)
        self._commits = Commits(
            self.ingest.partitions, store, self._holds, self.calls, config.commit_interval_ms / 1000, clock,
            self.models.has_closed,
        )  # fmt: skip
        self._held: set[Source] = set()
        self._office = office or DeadLetterOffice(producer_settings(config), config.app)
        self._cleaned = clock()

    # -- partitions --------------------------------------------------------------------------------------------------

    async def take_over(self, sources: Sequence[Source]) -> dict[Source, Start]:
        """Take partitions over and tell where to read from; waits for the store as long as it must."""
        starts = {}
        for source in sources:
            async with self._holds.alone(source):
                starts[source] = start = await self._load(source)
                LOG.info(
                    "took over %s/%d at offset %d", source.topic, source.partition, start.offset
                )
        return starts

    async def let_go(self, sources: Sequence[Source], *, lost: bool) -> None:
        """Commit and drop partitions, and the models that came with them."""
        end = self._clock() + LET_GO_S
        answers = not lost
        for source in sources:
            async with self._holds.taken_from_others(source, end - self._clock()):
                if source in self.ingest.partitions and answers:
                    answers = await self._commit_last(source, end)
                self._drop(source)
        await self.models.part(0.0 if lost else max(0.0, end - self._clock()))

    async def _commit_last(self, source: Source, end: float) -> bool:
        """Commit a partition that goes; whether the store has answered."""
        partition = self.ingest.partitions[source]
        left = max(0.0, end - self._clock())
        try:
            async with asyncio.timeout(left + AT_LEAST_S):  # a call that hangs does not fail
                if partition.changed:
                    await self.calls.insist(partition.commit, left)
            self._tell_offsets([source])
            return True
        except (StoreUnavailable, TimeoutError) as error:
            LOG.warning("%s/%d: not all is committed (%s); its next owner folds it again", source.topic,
                        source.partition, str(error) or "the store does not answer")  # fmt: skip
            return False

    async def fold(self, item: Item) -> None:
        """Fold a batch and commit it when that is due."""
        source = item.batch.source
        try:
            async with self._holds.until_it_goes(source):
                if self.term.get(source) == item.term and source in self.ingest.partitions:
                    await self._fold(item.batch)
                    partition = self.ingest.partitions[source]
                    if partition.closes_pane or self._commits.is_due(source):
                        await self._commit(source)
        finally:
            item.done()

    async def _fold(self, batch: RawBatch) -> None:
        source = batch.source
        self._silence.hear(source, self._clock())
        try:
            counters = self.ingest.partitions[source].fold_state.counters
            before = replace(counters)
            began = self._clock()
            dead = self.ingest.fold(batch)
            if self.pressure is not None:
                self.pressure.count(batch.seen, self._clock() - began)
            self.tallies.folded(source.topic, before, counters)
            if dead:
                await self._deliver(dead)
        except BaseException:
            # A batch half folded, or without its dead letters, must never be committed.
            self._drop(source)
            raise

    async def _deliver(self, dead: list[DeadLetter]) -> None:
        source = dead[0].source
        await self.letters.insist(partial(self._office.deliver, dead))
        LOG.warning("%d of %s/%d cannot be read (%s): see %s.dlq", len(dead), source.topic,
                    source.partition, dead[0].reason, source.topic)  # fmt: skip

    async def look_after(self) -> None:
        """Once in a while: commit what is old, let silent partitions follow time, delete what is not needed."""
        now = self._clock()
        await self._retune(now)
        marks: dict[Source, Marks | None] | None = None
        for source in list(self.ingest.partitions):
            async with self._holds.until_it_goes(source):
                partition = self.ingest.partitions.get(source)
                if partition is None:
                    continue
                self._follow_log(source)
                if self._silence.lasts(source, partition.fold_state.next_offset, now):
                    if marks is None:
                        marks = await self.calls.insist(self.models.read_marks)
                    others = [
                        m.watermark
                        for s, m in marks.items()
                        if m and s.kind is source.kind and s != source and not m.idle
                    ]
                    if others and is_ahead(
                        min(others), partition.fold_state.watermark, self.config.pane_ms
                    ):
                        partition.tick(min(others))
                    elif not partition.fold_state.next_offset:
                        partition.tick(NEVER)  # it is empty, which others must know
                if partition.changed and (partition.closes_pane or self._commits.is_due(source)):
                    await self._commit(source)
                self._hold_or_go_on(source)
        if now - self._cleaned >= CLEAN_EVERY_S:
            self._cleaned = now
            await self._clean()
            self._tell_offsets(self.ingest.partitions)

    async def _retune(self, now: float) -> None:
        """Let the rate follow the load; it holds from the next event of a partition on, and is committed with it."""
        if self.pressure is None or self.bus is None:
            return
        ends, owned = self.bus.ends.copy(), self.ingest.partitions
        behind = (ends[s] - p.fold_state.next_offset for s, p in owned.items() if s in ends)
        lag = sum(max(0, n) for n in behind)
        if not self.calls.well or not self.pressure.look(now, lag, ends):
            return
        LOG.info("the ladder of the sample stands at 1/%d", 1 << self.pressure.rung)
        for source in list(self.ingest.partitions):
            async with self._holds.alone(source):
                if source in self.ingest.partitions:
                    self.ingest.partitions[source].retune(self.pressure.rung)

    async def _commit(self, source: Source) -> None:
        with self.tallies.commit_seconds["ingest"].time():
            answer = await self._commits.make(source)
        if answer not in (Answer.OK, Answer.ALREADY):
            await self._load_anew(source, f"the store answered {answer.value}")

    async def _load_anew(self, source: Source, why: str) -> None:
        LOG.warning("%s/%d: %s; loading anew", source.topic, source.partition, why)
        self.tallies.reloads += 1
        start = await self._load(source)
        if self.bus is not None:
            self.bus.seek(source, start)

    async def _load(self, source: Source) -> Start:
        """Take a partition over, from whoever had it."""
        before = self.ingest.partitions.get(source)
        offset = await self.calls.insist(partial(self.ingest.take_over, source))
        partition = self.ingest.partitions[source]
        try:
            if offset == 0:
                check = partial(check_beginning, self.config, self.store, source, before)
                await self.calls.insist(check)
            self._is_same_log(partition)
        except (LogLost, StoreRefused):
            # Or its emptiness, or what is no part of it, would be committed while the worker ends.
            self.ingest.drop(source)
            raise
        offset = partition.fold_state.next_offset
        self.term[source] = self.term.get(source, 0) + 1
        self._commits.begin(source)
        self._silence.hear(source, self._clock())
        self._held.discard(source)
        if self.pressure is not None:
            partition = self.ingest.partitions[source]
            self.pressure.begin_at(partition.rung, self._clock())
            partition.retune(self.pressure.rung)
        return Start(offset, self.term[source])

    def _follow_log(self, source: Source) -> None:
        """Begin a partition anew if its topic was; the caller has its lock. Raises LogLost where nobody shall go on."""
        try:
            if self._is_same_log(self.ingest.partitions[source]):
                return
        except LogLost:
            self._drop(source)
            raise
        self.term[source] += 1
        self._silence.forget(source)
        self._held.discard(source)
        if self.bus is not None:
            self.bus.seek(source, Start(0, self.term[source]))

    def _is_same_log(self, partition: Partition) -> bool:
        log = self.logs.get(partition.source.topic, "")
        return is_same_log(partition, log, self.config.on_lost_log)

    async def outside_log(self, source: Source, low: int, high: int) -> Start:
        """Go on where the log begins and note the gap, or stop, as `on_lost_log` says; see `lost_log`."""
        async with self._holds.alone(source):
            if source in self.ingest.partitions:
                partition = self.ingest.partitions[source]
                before = replace(partition.fold_state.counters)
                if go_on(partition, low, high, self.config.on_lost_log):
                    self.tallies.folded(source.topic, before, partition.fold_state.counters)
                    await self._commit(source)
                    partition = self.ingest.partitions[source]
                self._held.discard(source)  # the bus reads on
                return Start(partition.fold_state.next_offset, self.term[source])
            return Start(low, self.term.get(source, 0))  # it has gone: what is read is left out

    def _drop(self, source: Source) -> None:
        self.ingest.drop(source)
        self.term[source] = self.term.get(source, 0) + 1
        self._held.discard(source)
        self._silence.forget(source)

    def _drop_in_a_call(self, source: Source) -> None:
        """Drop a partition, and once more what comes of a call of the store that is under way."""
        self._drop(source)
        self.calls.behind(partial(self.ingest.drop, source))

    def _tell_offsets(self, sources: Iterable[Source]) -> None:
        if self.bus is not None:
            partitions = self.ingest.partitions
            self.bus.tell_offsets({s: partitions[s].fold_state.next_offset for s in sources})

    def caught_up(self, source: Source, offset: int) -> None:
        """Know that a partition has been read to its end, and that what was read stands before `offset`.

        To be told again and again while that is so.
        """
        self._silence.caught_up(source, offset, self._clock())

    def _hold_or_go_on(self, source: Source) -> None:
        if self.bus is None:
            return
        partition = self.ingest.partitions[source]
        if partition.must_wait and source not in self._held:
            self._held.add(source)
            self.bus.hold(source, self.term[source])
            LOG.info("%s/%d waits: a reference is being learned", source.topic, source.partition)
        elif not partition.must_wait and source in self._held:
            self._held.discard(source)
            self.bus.seek(source, Start(partition.fold_state.next_offset, self.term[source]))

    async def _clean(self) -> None:
        """Delete panes that their models' evaluators, here or elsewhere, no longer need.

        And see whether the store still has what was committed: a partition on which nothing comes, or that is held,
        would not find out by a commit.
        """
        owned = list(self.ingest.partitions.values())
        names = sorted({name for partition in owned for name in partition.models()})
        bases = await self.calls.insist(lambda: bases_of(self.store, self.config.app, names))
        evaluated = {kind: {n: b[kind] for n, b in bases.items()} for kind in INPUTS}
        retention = self.config.pane_retention_ms // self.config.pane_ms
        for source in list(self.ingest.partitions):
            async with self._holds.until_it_goes(source):
                partition = self.ingest.partitions.get(source)
                if partition is not None and await self.calls.insist(partition.is_lost):
                    await self._load_anew(source, "the store has gone back in time")
                elif partition is not None:
                    of_kind = evaluated[source.kind]
                    await self.calls.insist(partial(partition.clean, of_kind, retention))

    def know_logs(self, logs: Mapping[str, str]) -> None:
        """Know the identities of topics; nothing is known of those that are not told. For any thread."""
        self.logs = dict(logs)

    # -- models ------------------------------------------------------------------------------------------------------

    def know_partitions(self, counts: Mapping[str, int]) -> None:
        """Know how many partitions the topics have; when that changes, models are loaded anew to read from all."""
        self.models.know_partitions(counts)

    async def evaluate(self) -> None:
        """Move every owned model as far as the marks of all partitions allow, and hand its alerts to the sinks."""
        await self.models.evaluate()

    async def acknowledge(self) -> None:
        """Take alerts that every sink has taken out of the outboxes."""
        await self.models.acknowledge()

    # -- the end -----------------------------------------------------------------------------------------------------

    async def wind_up(self, deadline: float) -> None:
        """Commit every partition, evaluate once more, and let the sinks finish.

        Raises:
            TimeoutError: the deadline came first; what is not committed is folded again, what is not sent sent again.
        """
        async with asyncio.timeout(max(0.0, deadline - self._clock())):
            for source in list(self.ingest.partitions):
                async with self._holds.alone(source):
                    partition = self.ingest.partitions.get(source)
                    while partition is not None and partition.changed:
                        await self._commit(source)
                        partition = self.ingest.partitions.get(source)
            await self.evaluate()
            self._tell_offsets(self.ingest.partitions)
            while self.outlet.waiting:
                await self.acknowledge()
                await asyncio.sleep(0.05)
            await self.acknowledge()

    def close(self) -> None:
        """Give threads back; a call that hangs does not hold up the end."""
        for threads in (self.models, self.calls, self.letters):
            threads.close()


def bases_of(store: Store, app: str, models: Sequence[str]) -> dict[str, dict[Kind, int]]:
    """Read how far models are evaluated: for each topic's kind the first pane that is still needed."""
    answers = store.read_many([(model_key(app, name), [BASE]) for name in models])
    return {name: needed_from(base) for name, (base,) in zip(models, answers, strict=True) if base}
