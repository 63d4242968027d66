"""Everything that is known of one model: its chains and learners, who they are, and what of it is to be stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sinks.event import DriftEvent
from stream.errors import StoreUnavailable
from stream.evaluate.chains.case import Judged
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.held import FindParts, PlanAt
from stream.evaluate.chains.learner import Learner
from stream.evaluate.chains.parts import Part
from stream.evaluate.judging.rules import Rules
from stream.evaluate.model_state import KINDS, RESULTS_KEPT, part_fields
from stream.evaluate.movers import Movers
from stream.evaluate.panes.join import Join, JoinRules
from stream.evaluate.panes.runs import LARGE, may_wait
from stream.evaluate.stories.consequences import Consequences
from stream.evaluate.telling.report import Context
from stream.ingest.fold import NEVER
from stream.ingest.roster import Roster
from stream.reference.book import Book
from stream.reference.learn import LearnRules
from stream.reference.reference import Reference
from stream.state.fields import (
    BEGAN,
    LEARNING,
    chain_field,
    learn_field,
    outbox_field,
    part_field,
    result_field,
    standing_field,
)
from stream.state.versions import load
from stream.words import Kind, Series

__all__ = ["Known", "ModelRules"]

WAITING_ROWS_MAX = 1_000
"""Where a step brings more raw rows, the next one does not wait."""


@dataclass(frozen=True, slots=True)
class ModelRules:
    """What the configuration says of evaluating."""

    judging: Rules
    learning: LearnRules
    join: JoinRules
    context: Context
    series_max: int


class Known:
    """The state of one model, which a `Model` moves.

    `bases` tell for each kind the first pane that is not evaluated. `publish` is called with a reference that was just
    learned and gives the one in force (another worker may have been first; then it is the same). `plan_at` gives the
    fleet plan in force at an event time. `read` gives fields of the model that were committed, so that old parts of
    chains need not be held; None: they are.

    `rosters` bound the series of each kind: who was first stays, and one that was silent for a week leaves for a
    newcomer, its incidents resolved, with all that is kept of it. `series_refused` counts the events of those who found
    no room, since the object was made.

    `changed` are the fields to be stored, those
    of `touched` chains and of alerts that were `posted` still to be packed; `obsolete` ones may be deleted after that.
    """

    def __init__(
        self,
        name: str,
        rules: ModelRules,
        book: Book,
        publish: Callable[[Reference], Reference],
        plan_at: PlanAt,
        read: Callable[[Sequence[bytes]], Sequence[bytes | None]] | None = None,
    ) -> None:
        self.name = name
        self.rules = rules
        self.book = book
        self.bases = dict.fromkeys(KINDS, NEVER)
        self.chains: dict[tuple[Series, Kind], Chain | Learner] = {}
        self.join = Join(name, rules.join)
        self.consequences = Consequences(rules.judging.calm)
        self.movers = Movers()
        self.began: dict[Series, int] = {}
        self.rosters = {kind: Roster(rules.series_max) for kind in KINDS}
        self.series_refused = 0
        self.next_alert = 0
        self.alerts = 0
        self.windows = 0
        self.learned_rows = dict.fromkeys(KINDS, 0)
        """Raw rows of each kind that the last step learned from."""
        self.changed: dict[bytes, bytes] = {}
        self.touched: set[tuple[Series, Kind]] = set()
        self.lists_inline = False
        self.obsolete: set[bytes] = set()
        self.every_ms = {window.every_ms for window in rules.learning.windows}
        """How often windows of any chain end."""
        self.latest: dict[tuple[Series, Kind], Judged] = {}
        """Of each chain the window of the smallest size that was judged last."""
        self._news: list[DriftEvent] = []
        self.posted: dict[bytes, DriftEvent] = {}
        self._publish = publish
        self.plan_at = plan_at
        self._read = read
        self.find: FindParts | None = None if read is None else self._find

    # -- who there is ------------------------------------------------------------------------------------------------

    @property
    def is_large(self) -> bool:
        """Whether it has so many chains that panes are taken in together."""
        return len(self.chains) >= LARGE

    def may_wait(self, kind: Kind, until: int) -> bool:
        """Whether nothing would come of panes of a kind up to `until` yet but state, and much of that.

        Raw values are not waited with: partitions hold only so many that nobody has learned from.
        """
        if not self.is_large or self.learned_rows[kind] > WAITING_ROWS_MAX:
            return False
        return may_wait(self.bases[kind], until, self.rules.learning.pane_ms, self.every_ms)

    def refused(self) -> dict[str, int]:
        """Tell what was left out for want of room: events of new series, and predictions before their label came."""
        return {"series": self.series_refused, "waiting": self.join.counters.evicted}

    def learners(self) -> list[Learner]:
        """Give the chains that have no reference yet, in order."""
        return [chain for _, chain in sorted(self.chains.items()) if isinstance(chain, Learner)]

    def watching(self, kind: Kind | None = None) -> list[Chain]:
        """Give the chains that have a reference, of one kind or of all, in order."""
        chains = sorted(self.chains.items())
        return [c for (_, of), c in chains if isinstance(c, Chain) and kind in (None, of)]

    def chain_of(self, series: Series, kind: Kind, reference: Reference) -> Chain:
        """Make a chain."""
        self.note_windows(reference)
        return Chain(series, kind, reference, self.rules.judging, self.plan_at, self.find)

    def note_windows(self, reference: Reference) -> None:
        """Note how often windows of a chain end that is made or was stored."""
        self.every_ms.update(window.every_ms for window in reference.windows)

    def _find(self, series: Series, kind: Kind, parts: Sequence[Part]) -> list[Any]:
        """Read stored parts of a chain; StoreUnavailable where the store does not have them any more."""
        assert self._read is not None  # noqa: S101 - else nobody is given this
        found = self._read([part_field(series, kind, *part) for part in parts])
        if None in found:
            raise StoreUnavailable(f"the store has lost a part of {series} {kind.value}")
        pairs = zip(parts, found, strict=True)
        return [load(blob, part.of) for part, blob in pairs if blob is not None]

    def part_with(self, series: Series, kind: Kind, at_ms: int) -> None:
        """Forget a series with all that is kept of it."""
        gone = self.chains.pop((series, kind), None)
        self.consequences.end(series, kind, at_ms)
        if kind is Kind.ERRORS:
            self.began.pop(series, None)
            self.changed[BEGAN] = b""
        self.latest.pop((series, kind), None)
        if isinstance(gone, Learner):
            self.changed[LEARNING] = b""
            for pane in gone.panes:
                self.forget(learn_field(series, kind, pane))
            return
        if gone is not None:
            self.forget_parts(gone)
        self.forget(chain_field(series, kind))
        self.forget(standing_field(series, kind))
        for which in range(len(self.rules.learning.windows)):
            for slot in range(RESULTS_KEPT):
                self.forget(result_field(series, kind, which, slot))

    def base(self) -> bytes:
        """Give the bases as the store compares them."""
        return b",".join(b"%d" % self.bases[kind] for kind in KINDS)

    # -- what is to be stored ----------------------------------------------------------------------------------------

    def _post(self, events: list[DriftEvent]) -> list[DriftEvent]:
        """Put alerts into the outbox; they are packed when the fields are asked for, as `gather` may complete them."""
        for event in events:
            field = outbox_field(self.next_alert)
            self.changed[field], self.posted[field] = b"", event
            self.next_alert += 1
        self.alerts += len(events)
        return events

    def touch(self, chain: Chain) -> None:
        """Note that a chain has changed; it is packed once, when the fields are asked for."""
        self.changed[chain.field] = b""
        self.touched.add((chain.series, chain.kind))

    def forget(self, field: bytes) -> None:
        """Note that a field may be deleted."""
        self.changed.pop(field, None)
        self.obsolete.add(field)

    def forget_parts(self, chain: Chain) -> None:
        """Note that what is stored apart of a chain may be deleted."""
        for field in part_fields(chain.series, chain.kind, chain.head()):
            self.forget(field)
        for part in chain.gone():
            self.forget(part_field(chain.series, chain.kind, *part))
