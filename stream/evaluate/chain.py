"""One kind of one series under its reference: panes into windows, windows to the judge, verdicts to incidents."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from detectors import Verdict
from detectors.summaries.summary import Summary
from stream.evaluate.extra import Seen, errors_of
from stream.evaluate.gather import Evidence, merge_evidence
from stream.evaluate.incidents import Change, Incident, advance
from stream.evaluate.judge import Finding, Judge, Rules, cusum_threshold
from stream.evaluate.meaning import kind_of, severity_of
from stream.evaluate.slow import SlowDrift
from stream.evaluate.standing import Standing
from stream.evaluate.windows import Closed, Ring, dump_evidence, load_evidence, load_summary
from stream.reference.plan import Plan
from stream.reference.reference import Reference, WindowSize
from stream.summaries.unseen import dump_unseen
from stream.words import Kind, Series

__all__ = ["Chain", "Judged", "PlanAt"]

PlanAt = Callable[[int], Plan]
"""Gives the fleet plan in force at an event time, in ms."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A window after judging: all findings, and the turns of incidents that they brought (column, change).

    `quiet_until_ms` tells by column when the sums of slow drift last stood low, `plan` whose share of the budget it
    was judged by.
    """

    window: WindowSize
    closed: Closed
    findings: tuple[Finding, ...]
    changes: tuple[tuple[str | None, Change], ...]
    quiet_until_ms: dict[str, int]
    plan: Plan


class Chain:
    """The state of one kind of one series. `take` a pane, then `close` up to a time; both in event-time order.

    `incidents` are those that are not over, `cooling` those that are and that an alarm would continue.

    A window is judged by the plan in force in its last moment. `standings` tell for each size of windows, by its
    place, how the monitors stand; they are told anew with every judge, and `restood` says that they were.
    """

    def __init__(
        self, series: Series, kind: Kind, reference: Reference, rules: Rules, plan_at: PlanAt
    ) -> None:
        self.series = series
        self.kind = kind
        self.reference = reference
        self.rules = rules
        self.rings = [Ring(window) for window in reference.windows]
        self.carried: list[Closed | None] = [None for _ in reference.windows]
        self.grown: list[list[Summary]] = [[] for _ in reference.windows]
        self.slow: dict[str, SlowDrift] = {}
        self.incidents: dict[str | None, Incident] = {}
        self.standings: dict[int, tuple[Standing, ...]] = {}
        self.restood = False
        self._plan_at = plan_at
        self._share = 0.0
        self.cooling: dict[str | None, Incident] = {}
        self._judges: list[Judge | None] = [None for _ in reference.windows]

    def take(self, pane_start_ms: int, summary: Summary, evidence: Evidence) -> None:
        """Take in a pane; windows that end before it must have been closed."""
        for ring in self.rings:
            ring.add(pane_start_ms, summary, evidence)

    def close(self, until_ms: int, *, whole: bool = True) -> list[Judged]:
        """Close and judge the windows that end at or before a time: by their ends, short ones first."""
        closed = [
            (c.end_ms, i, c)
            for i, ring in enumerate(self.rings)
            for c in ring.close(until_ms, whole=whole)
        ]
        return [self._judge(i, c) for _, i, c in sorted(closed, key=lambda entry: entry[:2])]

    def flush(self) -> list[Judged]:
        """Close the windows that still hold data, as at the end of a replay."""
        ends = [end for ring in self.rings if (end := ring.open_until()) is not None]
        return self.close(max(ends), whole=False) if ends else []

    # -- one window --------------------------------------------------------------------------------------------------

    def _judge(self, which: int, closed: Closed) -> Judged:
        window = self.reference.windows[which]
        findings: list[Finding] = []
        told = closed
        plan = self._follow(closed.end_ms)
        if closed.start_ms >= self.reference.end_ms:
            told, ready = self._with_carried(which, closed)
            judge = self._judge_of(which)
            if closed.whole and self.kind is not Kind.ERRORS:  # as many errors as labels: told once
                findings += judge.volume(closed.summary)
            if ready and told.summary is not None:
                found = judge.columns(told.summary)
                findings += found if closed.whole else [f for f in found if _is_hard(f.verdict)]
                if which == 0 and closed.whole:
                    findings += self._slow_drift(judge, told, told.summary)
            if not self.incidents and not any(f.verdict.alarm for f in findings):
                self._grow(which, closed)
        changes = tuple(self._changes(window, told, findings))
        quiet = {name: slow.quiet_until_ms for name, slow in self.slow.items()}
        return Judged(window, told, tuple(findings), changes, quiet, plan)

    def _follow(self, end_ms: int) -> Plan:
        """Give the plan for a window; where it changes the share, judges are made anew."""
        plan = self._plan_at(end_ms - 1)
        share = plan.share(self.reference)
        if share != self._share:
            self._share, self._judges = share, [None for _ in self.reference.windows]
        return plan

    def _with_carried(self, which: int, closed: Closed) -> tuple[Closed, bool]:
        """Hold a window of too few events over into the next one; sliding windows overlap and need no such help."""
        carried, self.carried[which] = self.carried[which], None
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

    def _judge_of(self, which: int) -> Judge:
        judge = self._judges[which]
        if judge is None:
            window = self.reference.windows[which]
            judge = Judge(
                self.reference, which, self.grown[which], self.rules, window.size_ms, self._share
            )
            self._judges[which] = judge
            self.standings[which], self.restood = tuple(judge.standing()), True
            if which == 0:
                for slow in self.slow.values():
                    threshold = cusum_threshold(slow.page_hinkley.delta, judge.run_length)
                    slow.retune(threshold, _delta(judge))
        return judge

    def _grow(self, which: int, closed: Closed) -> None:
        """Let the history of a reference that is too short grow, until it can tell how much windows vary.

        Only windows in control: what an incident is about must not become what is usual.
        """
        known = len(self.reference.histories[which]) + len(self.grown[which])
        if known < self.rules.windows_min and closed.whole:
            held = closed.summary or Summary.empty(self.reference.layout)
            self.grown[which].append(Summary(held.counts, held.extremes))  # its counts alone
            self._judges[which] = None

    def _slow_drift(self, judge: Judge, told: Closed, summary: Summary) -> Iterator[Finding]:
        n, m = summary.n, self.reference.total.n
        places = judge.places(summary)
        for i, (column, place) in enumerate(zip(self.reference.columns, places, strict=True)):
            if place is None:
                continue
            slow = self.slow.get(column.name)
            if slow is None:
                allowance = judge.allowance(i)
                if allowance is None:
                    continue  # its history is too short to say what is usual
                threshold = cusum_threshold(allowance, judge.run_length)
                slow = self.slow[column.name] = SlowDrift(
                    allowance,
                    threshold,
                    _delta(judge),
                    self.rules.floors,
                    self.rules.extra,
                )
            errors = errors_of(self.reference, i, summary)
            seen = Seen(place.location, place.z, told.end_ms, n, m, errors)
            for verdict in slow.update(seen, self.rules.off):
                yield Finding(column.name, verdict)

    def _changes(
        self, window: WindowSize, told: Closed, findings: Sequence[Finding]
    ) -> Iterator[tuple[str | None, Change]]:
        by_column: dict[str | None, list[Verdict]] = {}
        for finding in findings:
            by_column.setdefault(finding.column, []).append(finding.verdict)
        for column, verdicts in by_column.items():
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
        """Give the state as plain values and arrays; the reference is named by its digest."""
        return [
            self.reference.digest,
            [ring.payload() for ring in self.rings],
            [None if c is None or c.summary is None else
             [c.start_ms, c.end_ms, c.summary.counts, c.summary.extremes, dump_evidence(c.evidence), c.whole,
              *dump_unseen(c.summary)]
             for c in self.carried],
            [[[s.counts, s.extremes] for s in grown] for grown in self.grown],
            [[name, slow.payload()] for name, slow in sorted(self.slow.items())],
            *([[column, held[column].payload()]
               for column in sorted(held, key=lambda name: (name is not None, name or ""))]
              for held in (self.incidents, self.cooling)),
        ]  # fmt: skip

    @classmethod
    def restore(
        cls,
        series: Series,
        kind: Kind,
        reference: Reference,
        rules: Rules,
        plan_at: PlanAt,
        payload: Any,
    ) -> "Chain":
        """Make a chain of what `payload` gave."""
        chain = cls(series, kind, reference, rules, plan_at)
        _, rings, carried, grown, slow, incidents, cooling = payload
        for ring, of_ring in zip(chain.rings, rings, strict=True):
            ring.restore(of_ring)
        chain.carried = [
            None
            if c is None
            else Closed(c[0], c[1], load_summary(c[2], c[3], c[6:]), load_evidence(c[4]), c[5])
            for c in carried
        ]
        chain.grown = [
            [load_summary(counts, extremes) for counts, extremes in of_ring] for of_ring in grown
        ]
        chain.slow = {name: SlowDrift.restore(p, rules.floors, rules.extra) for name, p in slow}
        chain.incidents = {column: Incident.restore(p) for column, p in incidents}
        chain.cooling = {column: Incident.restore(p) for column, p in cooling}
        return chain


def _delta(judge: Judge) -> float:
    """Give the chance of a false cut that ADWIN takes; its own default where the budget allows more."""
    return min(0.002, judge.alpha)


def _is_hard(verdict: Verdict) -> bool:
    """Whether a verdict holds for a part of a window, too: that part may differ from the whole as night from day."""
    return verdict.note.startswith("hard rule")
