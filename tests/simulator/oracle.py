"""Holds what a schedule came to against the uninterrupted run of its history: every difference is a broken promise.

The invariants, by the words that differences begin with:

    rest      everything written is folded, evaluated and delivered in the end
    life      no worker ends by an error of its own
    state     of every partition and every model, byte for byte; not who owns it, nor the ids of commits
    alerts    each one at least once, and none but those, whatever repeats; an id never has two contents
    letters   those that cannot be read, each at least once, and nothing else
    fleet     the references in force
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import orjson

from tests.simulator.canonical import Canonical
from tests.simulator.history import history
from tests.simulator.world import Outcome, run

__all__ = ["differences", "repeats", "uninterrupted"]


@cache
def uninterrupted(number: int) -> Outcome:
    """Give the run of one worker over a history in which nothing goes wrong."""
    outcome = run(None, number)
    assert not outcome.errors, outcome.errors
    return outcome


def differences(outcome: Outcome, should: Outcome | None = None) -> list[str]:
    """Tell what differs from the uninterrupted run, the invariant first."""
    should = should or uninterrupted(outcome.history)
    found = [f"rest: {told}" for told in outcome.unrest]
    found += [f"life: {error}" for error in outcome.errors]
    found += _of_states(outcome, should)
    found += _of_alerts(outcome, should)
    found += _of_letters(outcome, should)
    return found


def repeats(outcome: Outcome) -> int:
    """Count the alerts that were written again; each has the id it had before."""
    return len(outcome.alerts) - len({identity for identity, _ in outcome.alerts})


# -- state -----------------------------------------------------------------------------------------------------------


def _of_states(outcome: Outcome, should: Outcome) -> Iterator[str]:
    pane = history(outcome.history).evaluated_pane
    first = 0 if outcome.keeps_panes and should.keeps_panes else pane
    was, is_now = (Canonical(of.state, first) for of in (should, outcome))
    for key, told in is_now.differences(was):
        yield f"state: {key}: {told}"
    if was.references != is_now.references:
        held, unknown = len(is_now.references), len(is_now.references - was.references)
        yield f"fleet: {held} references, {unknown} of them unknown, instead of {len(was.references)}"


# -- what was written out ---------------------------------------------------------------------------------------------


def _of_alerts(outcome: Outcome, should: Outcome) -> Iterator[str]:
    wanted = {identity: _content(data) for identity, data in should.alerts}
    seen = set()
    for identity, data in outcome.alerts:
        seen.add(identity)
        if identity not in wanted:
            yield f"alerts: unknown {identity[:8]} {_name(data)}"
        elif _content(data) != wanted[identity]:
            yield f"alerts: other content of {identity[:8]} {_name(data)}"
    names = dict(should.alerts)
    for identity in sorted(wanted.keys() - seen):
        yield f"alerts: missing {identity[:8]} {_name(names[identity])}"


def _content(data: dict[str, Any]) -> bytes:
    """Give an alert's data without how far time and lateness were when it was told."""
    window = {
        k: v
        for k, v in data["window"].items()
        if k not in ("watermark", "late_dropped", "late_accepted")
    }
    return orjson.dumps(data | {"window": window}, option=orjson.OPT_SORT_KEYS)


def _name(data: dict[str, Any]) -> str:
    return f"{data['model']}/{data['column']} {data['detector']['name']} {data['phase']} at {data['window']['end']}"


def _of_letters(outcome: Outcome, should: Outcome) -> Iterator[str]:
    was, is_now = set(should.letters), set(outcome.letters)
    for what, letters in (("missing", was - is_now), ("unknown", is_now - was)):
        for topic, partition, offset, _ in sorted(letters):
            yield f"letters: {what} {topic}/{partition}@{offset}"
