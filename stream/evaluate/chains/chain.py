"""One kind of one series under its reference: panes into windows, windows to the judge, verdicts to incidents."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from detectors import WINDOWS_MIN
from detectors.alarms.signals import Readings
from detectors.summaries.summary import Summary
from stream.evaluate.chains.case import Case, Judged, Judges
from stream.evaluate.chains.held import Held
from stream.evaluate.judging.account import Account, accounts_of
from stream.evaluate.judging.alarms import Alarms, Heard
from stream.evaluate.judging.extra import Seen, errors_of, extras
from stream.evaluate.judging.finding import Finding
from stream.evaluate.judging.findings import Findings, Said
from stream.evaluate.judging.scores import LAYERED, Scores
from stream.evaluate.judging.volume import Arrivals
from stream.evaluate.panes.evidence import (
    Evidence,
    merge_evidence,
)
from stream.evaluate.panes.windows import Closed
from stream.evaluate.stories.incidents import Change, advance, give_way
from stream.evaluate.stories.meaning import kind_of, severity_of
from stream.reference.plan import Plan
from stream.reference.reference import WindowSize
from stream.words import Kind

__all__ = ["Chain"]

WEEK_MS = 7 * 86_400_000


class Chain(Held):
    """Moves what is held of one kind of one series. `take` a pane, then `close` up to a time; both in event-time order.

    A window is judged by the plan in force in its last moment.
    """

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


def _told_once(said: Said, before: Sequence[Said]) -> Said:
    """Leave out of what the alarm layer says what a hard rule of the same name has told already."""
    for other in before:
        if other.verdicts.detector == said.verdicts.detector:
            said = said.only(~np.isin(said.columns, other.columns[other.told]))
    return said
