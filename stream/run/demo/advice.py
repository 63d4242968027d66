"""What to look at after a run: one sentence or two for each kind of drift, from its incidents."""

from collections import Counter
from collections.abc import Callable, Sequence

from stream.run.demo.story import Incident, day, number

__all__ = ["advice_of"]

NAMES_TOLD = 3
LONG_SHARE = 0.25
"""A column that is away for more of the time than this has outgrown its reference."""
TOGETHER_MS = 5 * 86_400_000
"""Two incidents whose onsets are no further apart may have the same cause."""


def advice_of(incidents: Sequence[Incident], first_ms: int, last_ms: int) -> list[str]:
    """Say what to look at, the most urgent first; empty when nothing drifted.

    Args:
        incidents: of one model.
        first_ms: the time of the run's first event.
        last_ms: the time of its last event.
    """
    told = []
    for kind, advise in _ADVISERS.items():
        of_kind = [incident for incident in incidents if incident.kind == kind]
        if of_kind:
            others = [incident for incident in incidents if incident.kind != kind]
            told += advise(of_kind, others, _Calendar(first_ms, last_ms))
    return told


class _Calendar:
    """On which days things were open."""

    def __init__(self, first_ms: int, last_ms: int) -> None:
        self.days = max(1, (last_ms - first_ms) // 86_400_000)
        self._last_ms = last_ms

    def open(self, incidents: Sequence[Incident]) -> set[int]:
        """Give the days on which any of them was open."""
        return set[int]().union(*(incident.days_of(self._last_ms) for incident in incidents))

    def by_name(self, incidents: Sequence[Incident]) -> dict[str, set[int]]:
        """Give each column's days."""
        names = sorted({incident.name for incident in incidents})
        return {name: self.open([i for i in incidents if i.name == name]) for name in names}


_Adviser = Callable[[Sequence[Incident], Sequence[Incident], _Calendar], list[str]]


def _errors(own: Sequence[Incident], others: Sequence[Incident], calendar: _Calendar) -> list[str]:
    worse = [i for i in own if i.means and i.means[1] > i.means[0]]
    better = [i for i in own if i.means and i.means[1] <= i.means[0]]
    told = []
    if worse:
        usual, then = max((i.means for i in worse if i.means), key=lambda means: means[1])
        beside = _began_with(worse, _inputs(others))
        start = (
            f"{_list(beside)} began to drift at about the same time: look there first, and retrain"
            " with these days in."
            if beside
            else "No input began to drift at that time: look for what the model is not told."
        )
        told.append(
            f"The model errs more on {len(calendar.open(worse))} of {calendar.days} days:"
            f" {number(then)} on average on the worst day told, {number(usual)} in the reference. {start}"
        )
    if better:
        told.append(
            f"From {day(better[0].start_ms)} on the model errs less for a while: good news, if the"
            " hard cases still get their labels."
        )
    return told


def _predictions(
    own: Sequence[Incident], others: Sequence[Incident], calendar: _Calendar
) -> list[str]:
    beside = _began_with(own, _inputs(others))
    cause = (
        f"{_list(beside)} began to drift at about the same time, and a model follows its input:"
        " look there first."
        if beside
        else "no input began to drift at that time: see whether another model was deployed."
    )
    days = len(calendar.open(own))
    return [f"The predictions moved on {days} of {calendar.days} days; {cause}"]


def _began_with(own: Sequence[Incident], others: Sequence[Incident]) -> list[str]:
    """Name the columns that began to drift when these incidents began, those most often first."""
    times = Counter(
        name
        for incident in own
        for name in sorted(
            {i.name for i in others if abs(i.start_ms - incident.start_ms) <= TOGETHER_MS}
        )
    )
    ranked = sorted(times.items(), key=lambda of: (-of[1], of[0]))
    return [f"{name} ({n} of {len(own)} times)" for name, n in ranked[:NAMES_TOLD]]


def _inputs(incidents: Sequence[Incident]) -> list[Incident]:
    return [i for i in incidents if i.kind == "data_drift" and i.name != "label"]


def _drifts(own: Sequence[Incident], _: Sequence[Incident], calendar: _Calendar) -> list[str]:
    by_name = calendar.by_name(own)
    long = [name for name, days in by_name.items() if len(days) > LONG_SHARE * calendar.days]
    long.sort(key=lambda name: -len(by_name[name]))
    short = [name for name in by_name if name not in long]
    told = []
    if long:
        spans = _list([f"{name} ({len(by_name[name])} days)" for name in long])
        told.append(
            f"{spans} stayed away from the reference: it covers too little of what is normal. Build"
            " one from a longer range, after a look at whether the model knows such values."
        )
    if short:
        told.append(
            f"{_list(short)} drifted for days or weeks and came back: see what happened then, before"
            " anything is retrained."
        )
    return told


def _quality(own: Sequence[Incident], _: Sequence[Incident], __: _Calendar) -> list[str]:
    """Columns that fail on the same days have one source."""
    starts: dict[int, set[str]] = {}
    for incident in own:
        starts.setdefault(incident.start_ms, set()).add(incident.name)
    worst = max(own, key=lambda incident: incident.peak["score"]["value"] or 0.0)
    together = Counter(name for names in starts.values() if len(names) > 1 for name in names)
    times = sum(len(names) > 1 for names in starts.values())
    where = (
        f"{_list(sorted(together))} fail on the same days ({times} times): look at their common source"
        if together
        else f"Look at where {_list(sorted({i.name for i in own}))} come from"
    )
    return [f"{where}, worst on {day(worst.start_ms)}: {worst.peak['summary']}."]


def _volume(own: Sequence[Incident], _: Sequence[Incident], __: _Calendar) -> list[str]:
    told = []
    for start in sorted({incident.start_ms for incident in own}):
        names = [incident.name for incident in own if incident.start_ms == start]
        first = next(incident for incident in own if incident.start_ms == start)
        cause = (
            f"{_list(names)} alike, so it is the world or all senders, not one topic"
            if len(names) > 1
            else f"{names[0]} alone: look at who sends them"
        )
        told.append(f"On {day(start)}: {first.peak['summary']}; {cause}.")
    return told


def _list(names: Sequence[str]) -> str:
    """Join names as a sentence does.

    >>> _list(["a", "b", "c"]), _list(["a"])
    ('a, b and c', 'a')
    """
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


_ADVISERS: dict[str, _Adviser] = {
    "concept_drift": _errors,
    "data_quality": _quality,
    "volume": _volume,
    "freshness": _volume,
    "prediction_drift": _predictions,
    "data_drift": _drifts,
}
"""Kinds in the order of their urgency."""
