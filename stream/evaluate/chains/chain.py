"""One kind of one series under its reference: panes into windows, windows to the judge, verdicts to incidents."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from msgspec import Raw
from numpy.typing import NDArray

from detectors import WINDOWS_MIN
from detectors.alarms.signals import Readings
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Case, Judges
from stream.evaluate.chains.grown import Grown
from stream.evaluate.chains.parts import Part
from stream.evaluate.judging.account import Account, accounts_of
from stream.evaluate.judging.alarms import Alarms, Heard
from stream.evaluate.judging.extra import Extra, Seen, errors_of, extras
from stream.evaluate.judging.finding import Finding
from stream.evaluate.judging.findings import Findings, Said
from stream.evaluate.judging.rules import Rules
from stream.evaluate.judging.scores import LAYERED, Scores
from stream.evaluate.judging.standing import Standing, Standings
from stream.evaluate.judging.volume import Arrivals
from stream.evaluate.panes.evidence import (
    Evidence,
    dump_evidence,
    load_evidence,
    merge_evidence,
)
from stream.evaluate.panes.windows import Closed, Ring, load_summary
from stream.evaluate.stories.incidents import Change, Incident, advance, give_way
from stream.evaluate.stories.meaning import kind_of, severity_of
from stream.reference.plan import Plan
from stream.reference.reference import Reference, WindowSize
from stream.state.codec import encoded
from stream.state.fields import chain_field
from stream.summaries.unseen import dump_unseen
from stream.words import Kind, Series

__all__ = ["Chain", "FindParts", "Judged", "PlanAt"]

WEEK_MS = 7 * 86_400_000
PlanAt = Callable[[int], Plan]
"""Gives the fleet plan in force at an event time, in ms."""
FindParts = Callable[[Series, Kind, Sequence[Part]], Iterable[Any]]
"""Reads parts of a chain that are stored, as `changed` gave them."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A window after judging: all findings, and the turns of incidents that they brought (column, change).

    `closed` is what was judged of columns: the window itself or, where it has too few events, with those held over from
    the windows before; `own` is the window itself, which the series as a whole is judged by. `plan` is the one whose
    share of the budget it was judged by. Where there are changes, `standings` tell how the monitors stood then, and
    `accounts` by column what the alarm layer's verdicts were made of by which a change is told.
    """

    window: WindowSize
    closed: Closed
    own: Closed
    findings: Findings
    changes: tuple[tuple[str | None, Change], ...]
    plan: Plan
    standings: tuple[Standing, ...] = ()
    accounts: Mapping[str | None, Account] = field(default_factory=dict)


class Chain:
    """The state of one kind of one series. `take` a pane, then `close` up to a time; both in event-time order.

    `incidents` are those that are not over, `cooling` those that are and that an alarm would continue.

    `find` reads parts of it that are stored, so that they need not be held; None: all are held.

    A window is judged by the plan in force in its last moment. `standings` tell for each size of windows, by its
    place, how the monitors stand; they are told anew with every judge, and `restood` says that they were.
    """

    def __init__(
        self, series: Series, kind: Kind, reference: Reference, rules: Rules, plan_at: PlanAt,
        find: FindParts | None = None,
    ) -> None:  # fmt: skip
        self.series = series
        self.kind = kind
        self.field = chain_field(series, kind)
        self.reference = reference
        self.rules = rules
        self.places = {column.name: i for i, column in enumerate(reference.columns)}
        self.rings = [Ring(window) for window in reference.windows]
        self.carried: list[Closed | None] = [None for _ in reference.windows]
        self.grown = [Grown() for _ in reference.windows]
        self.extras: dict[str, list[Extra]] = {}
        self.incidents: dict[str | None, Incident] = {}
        self.standings = Standings()
        self.restood = False
        self._plan_at = plan_at
        self._find = find
        self._blocks = None if find is None else self._find_blocks
        self._share = 0.0
        self.cooling: dict[str | None, Incident] = {}
        self._scores: list[Scores | None] = [None for _ in reference.windows]
        self._alarms: list[Alarms | None] = [None for _ in reference.windows]
        self._grew: list[int] = []
        self.ahead: list[Judged] = []
        self._still: list[Raw] | None = None

    def take(
        self, pane_start_ms: int, summary: Summary, evidence: Evidence, last_ms: int | None = None
    ) -> None:
        """Take in a pane, or several as in `Ring.add`; windows that end before it must have been closed."""
        for ring in self.rings:
            ring.add(pane_start_ms, summary, evidence, last_ms)

    def due(self, until_ms: int, *, whole: bool = True) -> list[tuple[int, Closed]]:
        """Close the windows that end by a time, by their ends, short ones first; each with the place of its size."""
        closed: list[tuple[int, Closed]] = []
        for i, ring in enumerate(self.rings):
            if ring.ends_by(until_ms):  # which few panes do
                closed += [(i, c) for c in ring.close(until_ms, whole=whole)]
        closed.sort(key=lambda entry: (entry[1].end_ms, entry[0]))
        return closed

    def close(self, until_ms: int, *, whole: bool = True) -> list[Judged]:
        """Close and judge the windows that end at or before a time, and give those that were judged `ahead`, too."""
        judged, self.ahead = self.ahead, []
        for which, closed in self.due(until_ms, whole=whole):
            case = self.open(which, closed)
            judged.append(self.conclude(case, self.hear(case)))
        return judged

    def flush(self) -> list[Judged]:
        """Close the windows that still hold data, as at the end of a replay."""
        ends = [end for ring in self.rings if (end := ring.open_until()) is not None]
        return self.close(max(ends), whole=False) if ends else []

    def leave(self, at_ms: int) -> list[Judged]:
        """Resolve what incidents there are, each in its last window before a time up to which all is closed.

        To be called when the chain gives way to another; the windows are told without their data.
        """
        left, self._still = [], None
        for column in sorted(self.incidents, key=self._place):
            incident = self.incidents.pop(column)
            size_ms, _ = min(incident.active)
            window = next(w for w in self.reference.windows if w.size_ms == size_ms)
            end_ms = at_ms // window.every_ms * window.every_ms
            closed = Closed(end_ms - size_ms, end_ms, None, {}, True)
            changes = ((column, give_way(incident, end_ms)),)
            plan = self._plan_at(end_ms - 1)
            left.append(Judged(window, closed, closed, Findings(self.places), changes, plan))
        return left

    def _place(self, column: str | None) -> int:
        """Tell where a column stands in the reference; the series as a whole stands first."""
        return -1 if column is None else self.places[column]

    # -- one window --------------------------------------------------------------------------------------------------

    def open(self, which: int, closed: Closed) -> Case:
        """Begin to judge a window, the next one of its size: what it is judged by, and what is known of its columns.

        It is to be heard, and concluded, before the next one of any size is opened.
        """
        self._still = None
        plan, window = self._follow(closed.end_ms), self.reference.windows[which]
        if closed.start_ms < self.reference.end_ms:
            return Case(which, window, closed, plan, closed)
        told, ready = self._with_carried(which, closed)
        events = 0 if closed.summary is None else closed.summary.n
        scores, alarms = self._scores_of(which), self._alarms_of(which)
        judges = Judges(scores, alarms, Arrivals.of(closed.summary, alarms.weight))
        # What was held over is of other hours, to which nothing in the history is like.
        own = closed.summary if events >= self.rules.events_min else None
        return Case(
            which, window, closed, plan, told, judges, told.summary if ready else None, own,
            self._share_of(which), self._excluded(closed),
        )  # fmt: skip

    def hear(self, case: Case) -> Findings:
        """Judge a window alone."""
        if case.judges is None:
            return Findings(self.places)
        if case.closed.whole:
            self.enter(case, case.judges.alarms.signals.read(case.own))
        said, extra = self.say(case), list[Finding]()
        asked = self.rules.extra and case.closed.whole and case.which == 0
        if asked and case.summary is not None and not case.excluded:
            extra += self._extra(case.judges.scores, case.closed.end_ms, case.summary)
        return Findings(self.places, said, extra, case.excluded)

    def enter(self, case: Case, read: Readings) -> None:
        """Let the alarm layer take in a whole window, of which it has read so much."""
        judges, start = case.judges, case.closed.start_ms
        if judges is not None and judges.alarms.enter(start, case.own, judges.arrivals, read):
            self._stand(case.which)

    def say(self, case: Case, heard: Heard | None = None) -> list[Said]:
        """Tell what is found of the window entered last, or of one that the alarm layer has `heard`.

        The alarm layer judges windows as they are; scores may tell of several that were held over. Of what was
        heard any thread may ask, whatever has been entered since.
        """
        judges, said = case.judges, list[Said]()
        if judges is None:
            return said
        counted = self.kind is not Kind.ERRORS  # as many errors as labels: told once
        if case.closed.whole and counted:
            said += judges.scores.volume(judges.arrivals)
        if case.summary is not None:
            of_columns = judges.scores.columns(case.summary, case.share)
            # A part of a window may differ from the whole as night from day.
            said += of_columns if case.closed.whole else [s.only(s.hard()) for s in of_columns]
        if case.closed.whole:
            ruled = [s for s in said if s.verdicts.detector in LAYERED]
            heard = heard or judges.alarms.heard()
            said += [_told_once(s, ruled) for s in heard.judge(case.share)]
        return said

    def conclude(self, case: Case, findings: Findings) -> Judged:
        """End the judging of a window: what its findings do to the incidents and to the history."""
        changes = tuple(self._changes(case.window, case.told, findings))
        accounts = dict(self._accounts(case, changes))  # of the past as it was judged
        if case.judges is not None and case.closed.whole:
            self._learn(case.which, case.closed, findings.loud())
        standings = self.standings.get(case.which, ()) if changes else ()
        if case.judges is not None:
            case.judges.alarms.done()
        return Judged(
            case.window, case.told, case.closed, findings, changes, case.plan, standings, accounts
        )

    def _accounts(
        self, case: Case, changes: Sequence[tuple[str | None, Change]]
    ) -> Iterator[tuple[str | None, Account]]:
        """Tell what the verdicts were made of that are told, where they are the alarm layer's."""
        if case.judges is None or not case.closed.whole:
            return
        names = {self._place(column): column for column, _ in changes}
        told = [(self._place(column), change.verdict) for column, change in changes]
        for place, account in accounts_of(case.judges.alarms, case.share, told, case.own):
            yield names[place], account

    def _excluded(self, closed: Closed) -> str:
        """Name the excluded time that a window overlaps; empty where none."""
        return self.rules.calendar.excluded(closed.start_ms, closed.end_ms)

    def _share_of(self, which: int) -> float:
        """Tell how many false alarms a monitor may raise by one window of a size."""
        every = self.reference.windows[which].every_ms
        return self._share * every / WEEK_MS / len(self.reference.windows)

    def _follow(self, end_ms: int) -> Plan:
        """Give the plan for a window, and take the share of the budget that it grants."""
        plan = self._plan_at(end_ms - 1)
        share = plan.share(self.reference)
        if share != self._share:
            self._share = share
            for which, alarms in enumerate(self._alarms):
                if alarms is not None:
                    self._stand(which)
        return plan

    def _with_carried(self, which: int, closed: Closed) -> tuple[Closed, bool]:
        """Hold a window of too few events over into the next one; sliding windows overlap and need no such help.

        Nothing is held over into an excluded time, or out of it.
        """
        carried, self.carried[which] = self.carried[which], None
        if self._excluded(closed):
            return closed, closed.summary is None or closed.summary.n >= self.rules.events_min
        if closed.summary is not None and closed.summary.n >= self.rules.events_min:
            return closed, True  # what is held over would only make another hour of it
        merged = closed
        if carried is not None and carried.summary is not None:
            merged = Closed(
                carried.start_ms,
                closed.end_ms,
                carried.summary.copy(),
                dict(carried.evidence),
                closed.whole,
            )
            if closed.summary is not None and merged.summary is not None:
                merged.summary.merge(closed.summary)
                merge_evidence(merged.evidence, closed.evidence)
        if merged.summary is None or merged.summary.n >= self.rules.events_min:
            return merged, True
        window = self.reference.windows[which]
        if window.size_ms == window.every_ms:
            self.carried[which] = merged
        return merged, False

    def _scores_of(self, which: int) -> Scores:
        scores = self._scores[which]
        if scores is None:
            scores = Scores(self.reference, which, self.grown[which].summaries, self.rules)
            self._scores[which] = scores
        return scores

    def _alarms_of(self, which: int) -> Alarms:
        alarms = self._alarms[which]
        if alarms is None:
            alarms = self._alarms[which] = Alarms(
                self.reference, which, self.rules, find=self._blocks
            )
            self._stand(which)
        return alarms

    def _find_blocks(self, which: int, places: Sequence[int]) -> Iterable[Any]:
        """Read blocks of the history of a size of windows."""
        assert self._find is not None  # noqa: S101 - else nobody is given this
        parts = [Part("track", which, place) for place in places]
        return self._find(self.series, self.kind, parts)

    def _stand(self, which: int) -> None:
        """Tell anew how the monitors stand."""
        standing = self._alarms_of(which).standing(self._share_of(which))
        self.standings[which], self.restood = tuple(standing), True

    def _learn(self, which: int, closed: Closed, found: Mapping[str | None, int]) -> None:
        """Let a window into the history, but what is not in control: what an incident is about must not become usual.

        `found` are the columns that alarm and how many windows ago that began. Where an incident begins, the windows
        since its onset leave the history again.

        The scores want only some windows, to know how much rates of broken values vary.
        """
        loud: dict[str | None, int] = dict.fromkeys(self.incidents, 0)
        for column, lag in found.items():
            incident = self.incidents.get(column)
            new = incident is not None and incident.started_ms == closed.end_ms
            loud[column] = lag if new else 0
        self._alarms_of(which).calm(loud)
        known = len(self.reference.histories[which]) + len(self.grown[which])
        if known < WINDOWS_MIN and not loud and not self._excluded(closed):
            held = closed.summary or Summary.empty(self.reference.layout)
            self.grown[which].append(held)
            self._grew.append(which)
            self._scores[which] = None

    def _extra(self, scores: Scores, end_ms: int, summary: Summary) -> Iterator[Finding]:
        """Let the sequential detectors that were asked for take in a window."""
        for i, (column, place) in enumerate(
            zip(self.reference.columns, scores.places(summary), strict=True)
        ):
            if place is None:
                continue
            running = self.extras.get(column.name)
            if running is None:
                running = extras(self.rules.extra, self.rules.floors)
                self.extras[column.name] = running
            errors = errors_of(self.reference, i, summary)
            n, m = summary.n, self.reference.total.n
            seen = Seen(place.location, place.z, end_ms, n, m, errors)
            for verdict in (extra.update(seen) for extra in running):
                if verdict is not None:
                    yield Finding(column.name, verdict)

    def _changes(
        self, window: WindowSize, told: Closed, findings: Findings
    ) -> Iterator[tuple[str | None, Change]]:
        """Go through the columns that alarm or that have a story, the series first."""
        concerned = {*findings.loud(), *self.incidents, *self.cooling}
        for column in sorted(concerned, key=self._place):
            verdicts = findings.of(column)
            if not verdicts:
                continue
            alarms = [v for v in verdicts if v.alarm]
            severity = severity_of(self.reference, column, alarms, told.summary)
            monitor = f"{self.series}|{self.kind}|{column}"
            incident, change = advance(
                self.incidents.pop(column, None) or self.cooling.pop(column, None), monitor, window.size_ms,
                told.end_ms, verdicts, severity, kind_of(self.kind, column, alarms), self.rules.calm,
            )  # fmt: skip
            if incident is not None:
                (self.incidents if incident.active else self.cooling)[column] = incident
            if change is not None:
                yield column, change

    # -- state -------------------------------------------------------------------------------------------------------

    def payload(self) -> list[object]:
        """Give the whole state as plain values and arrays; the reference is named by its digest."""
        return self._told(
            [ring.payload() for ring in self.rings],
            [grown.payload() for grown in self.grown],
            [None if alarms is None else alarms.payload() for alarms in self._alarms],
        )

    def filling(self) -> list[NDArray[np.int64]]:
        """Give the counts of the windows that are being filled."""
        return [counts for ring in self.rings for counts in ring.filling()]

    def packed_head(self, packed: Iterator[bytes]) -> list[object]:
        """Give the head, what of it changes with judged windows only being encoded once.

        `packed` has the counts of `filling`, packed.
        """
        if self._still is None:
            self._still = list(map(encoded, self.head()[2:]))
        rings = [ring.head(packed) for ring in self.rings]
        return [self.reference.digest, rings, *self._still]

    def head(self) -> list[object]:
        """Give the state but for its parts; see `parts`."""
        return self._told(
            [ring.head() for ring in self.rings],
            [len(grown) or [] for grown in self.grown],
            [None if alarms is None else [*alarms.head(), None] for alarms in self._alarms],
        )

    def _told(
        self, rings: list[object], grown: Sequence[object], alarms: list[object]
    ) -> list[object]:
        return [
            self.reference.digest,
            rings,
            [None if c is None or c.summary is None else
             [c.start_ms, c.end_ms, c.summary.counts, c.summary.extremes, dump_evidence(c.evidence), c.whole,
              *dump_unseen(c.summary)]
             for c in self.carried],
            grown,
            [[name, [extra.payload() for extra in running]] for name, running in sorted(self.extras.items())],
            alarms,
            *([[column, held[column].payload()]
               for column in sorted(held, key=lambda name: (name is not None, name or ""))]
              for held in (self.incidents, self.cooling)),
        ]  # fmt: skip

    def changed(self) -> dict[Part, object]:
        """Give the parts that are to be stored, as plain values and arrays."""
        made: dict[Part, object] = {}
        for which, (ring, alarms) in enumerate(zip(self.rings, self._alarms, strict=True)):
            made |= {Part("hop", which, hop): ring.hop(hop) for hop in ring.full}
            if which in self._grew:
                made[Part("grown", which)] = self.grown[which].payload()
            if alarms is not None:
                track = alarms.track
                if alarms.refitted:
                    made[Part("fit", which)] = alarms.fit()
                made |= {Part("track", which, at): track.block(at) for at in track.changed}
        return made

    def gone(self) -> set[Part]:
        """Name the parts that count for nothing any more."""
        return {
            Part("hop", which, hop) for which, ring in enumerate(self.rings) for hop in ring.gone
        }

    def settle(self) -> None:
        """Know that everything is stored."""
        self._grew.clear()
        for ring in self.rings:
            ring.full.clear()
            ring.gone.clear()
        for alarms in self._alarms:
            if alarms is not None:
                alarms.refitted = False
                alarms.track.settle()

    def unsettle(self) -> None:
        """Know that no part is stored."""
        self._grew = [which for which, grown in enumerate(self.grown) if grown]
        for ring in self.rings:
            ring.full = ring.apart()
        for alarms in self._alarms:
            if alarms is not None:
                alarms.refitted = True
                alarms.track.changed |= set(alarms.track.blocks())

    @classmethod
    def restore(
        cls,
        series: Series,
        kind: Kind,
        reference: Reference,
        rules: Rules,
        plan_at: PlanAt,
        payload: Any,
        find: FindParts | None = None,
    ) -> "Chain":
        """Make a chain of what `payload` gave, or `whole` of what `head` and `changed` did."""
        chain = cls(series, kind, reference, rules, plan_at, find)
        _, rings, carried, grown, extra, alarms, incidents, cooling = payload
        for ring, of_ring in zip(chain.rings, rings, strict=True):
            ring.restore(of_ring)
        chain.carried = [
            None
            if c is None
            else Closed(c[0], c[1], load_summary(c[2], c[3], c[6:]), load_evidence(c[4]), c[5])
            for c in carried
        ]
        chain.grown = [
            Grown([load_summary(counts, extremes, more) for counts, extremes, *more in of_size])
            for of_size in grown
        ]
        chain.extras = {name: extras(rules.extra, rules.floors, saved) for name, saved in extra}
        chain._alarms = [
            None if saved is None else Alarms(reference, which, rules, saved, chain._blocks)
            for which, saved in enumerate(alarms)
        ]
        chain.incidents = {column: Incident.restore(p) for column, p in incidents}
        chain.cooling = {column: Incident.restore(p) for column, p in cooling}
        return chain


def _told_once(said: Said, before: Sequence[Said]) -> Said:
    """Leave out of what the alarm layer says what a hard rule of the same name has told already."""
    for other in before:
        if other.verdicts.detector == said.verdicts.detector:
            said = said.only(~np.isin(said.columns, other.columns[other.told]))
    return said
