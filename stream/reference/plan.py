"""The fleet plan: how the budget of false alarms is split among all monitors, from which time on, and when anew.

Plans are functions of references and event time alone, so that whoever makes one makes the same:

    reference begins ──▶ next Monday 0:00 UTC: counted ──▶ Monday after: the plan that counts it holds
                         (made_ms)                          (from_ms)

Until then its monitors are newcomers and live on the reserve. The week between lets all chains of the fleet come to
hear of a reference before the first of them judges by it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from math import fsum

from stream.errors import CodecError
from stream.reference.book import Book
from stream.reference.reference import ALWAYS, Reference
from stream.state.versions import dump, load, making_sense
from stream.words import Kind

__all__ = [
    "RESERVE", "WEEK_MS", "Plan", "PlanRules", "begins_ms", "due_ms", "make_plan", "mondays", "monitors_of",
]  # fmt: skip

WEEK_MS = 7 * 86_400_000
MONDAY_MS = 4 * 86_400_000
"""The epoch was a Thursday."""
MONDAYS_MAX = 53
RESERVE = 0.1
"""Share of the budget that is kept for monitors that a plan does not count."""


@dataclass(frozen=True)
class PlanRules:
    """What the configuration says of the split.

    Args:
        budget: false alarms a week over all that is watched.
        expected: monitors, by weight, that are assumed before any is known.
        weights: by model; a monitor of weight 2 gets twice the share of one of weight 1, the default.
    """

    budget: float
    expected: float
    weights: Mapping[str, float]

    def weight(self, reference: Reference) -> float:
        """Tell the weight of each monitor of a reference."""
        return self.weights.get(reference.series.model, 1.0)

    def weigh(self, references: Sequence[Reference]) -> float:
        """Add up the weights of all monitors of some references; in any order the same sum."""
        return fsum(self.weight(r) * monitors_of(r) for r in references)


@dataclass(frozen=True)
class Plan:
    """The split in force from `from_ms` on, until the next plan's.

    Args:
        rules: what the configuration says.
        version: 0 before any reference is counted, then counting up.
        made_ms: the event time as of which references were counted.
        from_ms: the event time from which it holds; ALWAYS: from the beginning.
        members: the references it counts, one for each kind of a series, in any order.

    The shares of all members' monitors sum to at most 90 % of the budget. Those of other monitors, the newcomers, sum
    to at most 10 % as long as they weigh no more than the members or `rules.expected`, whichever is more; those of a
    single reference always do. In plan 0 nobody is counted: monitors get 90 % divided by those expected, and sum to
    at most that as long as they weigh no more.

    Cost: a share takes O(1); the first one takes a pass over the members.
    """

    rules: PlanRules
    version: int
    made_ms: int
    from_ms: int
    members: tuple[Reference, ...]

    @cached_property
    def monitors(self) -> int:
        """How many monitors are counted; in plan 0 none."""
        return sum(map(monitors_of, self.members))

    @cached_property
    def weight(self) -> float:
        """What all monitors weigh that are counted."""
        return self.rules.weigh(self.members)

    @cached_property
    def digests(self) -> frozenset[bytes]:
        """The digests of the members."""
        return frozenset(member.digest for member in self.members)

    @cached_property
    def digest(self) -> bytes:
        """Sixteen bytes that stand for the version, its time and its members."""
        return blake2b(self.packed, digest_size=16).digest()

    @cached_property
    def packed(self) -> bytes:
        """The plan as bytes, members by their digests."""
        body = [self.version, self.made_ms, self.from_ms, sorted(self.digests)]
        return dump("plan", body)

    @classmethod
    @making_sense("plan")
    def unpack(cls, blob: bytes, rules: PlanRules, book: Book) -> "Plan":
        """Read a plan from bytes.

        Raises:
            CodecError: they are none, or the book does not have its members.
        """
        version, made_ms, from_ms, digests = load(blob, "plan")
        if not all(book.knows(digest) for digest in digests):
            raise CodecError("it counts references that the fleet does not have", "plan")
        members = tuple(book.by_digest(digest) for digest in digests)
        return cls(rules, version, made_ms, from_ms, members)

    def counts(self, reference: Reference) -> bool:
        """Tell whether a reference is counted, so that its monitors are no newcomers."""
        return reference.digest in self.digests

    def share(self, reference: Reference) -> float:
        """Tell the false alarms a week that each monitor of a reference may raise, over all its windows and tests."""
        rules, each = self.rules, self.rules.weight(reference)
        if self.counts(reference):
            return (1 - RESERVE) * rules.budget * each / max(each, self.weight)
        room = max(rules.expected, self.weight, rules.weigh([reference]))
        part = RESERVE if self.members else 1 - RESERVE
        return part * rules.budget * each / room


def monitors_of(reference: Reference) -> int:
    """Count the monitors of a reference: its columns and its volume, which is not judged for errors."""
    return len(reference.columns) + (reference.kind is not Kind.ERRORS)


def begins_ms(reference: Reference) -> int:
    """Tell when a reference begins to judge: from its pane on, and not before what it was learned from has ended."""
    return max(reference.from_pane * reference.pane_ms, reference.end_ms)


def due_ms(book: Book, last: Plan) -> int | None:
    """Tell from when the plan after `last` holds; None while nobody is to be counted who is not.

    Before any plan, references that hold from the beginning are counted from the beginning.
    """
    if last.version == 0 and any(r.from_pane == ALWAYS for r in book.all()):
        return ALWAYS
    known = book.in_force(lambda r: _is_counted(r, last.made_ms))
    new = [r for r in known if not last.counts(r)]
    new += [r for r in book.all() if not _is_counted(r, last.made_ms)]
    if not new:
        return None
    return max(_monday(min(map(begins_ms, new))), last.from_ms) + WEEK_MS


def make_plan(book: Book, last: Plan, from_ms: int) -> Plan:
    """Make the plan after `last`, to hold from `from_ms` on: it counts what judged a week before."""
    made_ms = ALWAYS if from_ms == ALWAYS else from_ms - WEEK_MS
    members = book.in_force(lambda r: _is_counted(r, made_ms))
    return Plan(last.rules, last.version + 1, made_ms, from_ms, tuple(members))


def _is_counted(reference: Reference, made_ms: int) -> bool:
    return reference.from_pane == ALWAYS or begins_ms(reference) <= made_ms


def mondays(since_ms: int, until_ms: int) -> range:
    """Give the Mondays 0:00 UTC after one time and up to another, the first 53 at most.

    Where all chains halt at each of them, every reference that a plan counts is known before anybody needs that plan,
    however long the stream was silent.
    """
    first = _monday(since_ms + 1)
    return range(first, min(until_ms + 1, first + MONDAYS_MAX * WEEK_MS), WEEK_MS)


def _monday(ms: int) -> int:
    """Give the first Monday 0:00 UTC at a time or after it."""
    return -(-(ms - MONDAY_MS) // WEEK_MS) * WEEK_MS + MONDAY_MS
