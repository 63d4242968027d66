"""The laws of the fleet plan: shares never sum to more than the budget, and who makes a plan plays no part."""

from math import isclose

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stream.errors import CodecError
from stream.reference.book import Book
from stream.reference.plan import (
    RESERVE,
    Plan,
    PlanRules,
    begins_ms,
    due_ms,
    make_plan,
    mondays,
    monitors_of,
)
from stream.reference.reference import ALWAYS, Reference
from stream.words import Kind
from tests.reference.fleets import DAY_MS, HOUR_MS, MONDAY, WEEK_MS, reference

RULES = PlanRules(2.0, 100, {})
SLACK = 1 + 1e-9


def plan_of(members: list[Reference], rules: PlanRules = RULES) -> Plan:
    return Plan(rules, 1, ALWAYS, ALWAYS, tuple(members))


def sum_of(plan: Plan, references: list[Reference]) -> float:
    return sum(plan.share(r) * monitors_of(r) for r in references)


def plan_zero(rules: PlanRules = RULES) -> Plan:
    return Plan(rules, 0, ALWAYS, ALWAYS, ())


sizes = st.lists(st.integers(1, 40), min_size=1, max_size=12)
rules_of_any = st.builds(
    PlanRules,
    budget=st.floats(0.02, 10),
    expected=st.floats(1, 500),
    weights=st.dictionaries(
        st.sampled_from([f"m{i}" for i in range(12)]), st.floats(0.01, 50), max_size=6
    ),
)


@given(sizes, rules_of_any)
def test_the_shares_of_all_who_are_counted_sum_to_the_budget_less_the_reserve(
    columns: list[int], rules: PlanRules
) -> None:
    """Whatever their number and weights, and to no less, else power would be given away."""
    members = [reference(f"m{i}", n) for i, n in enumerate(columns)]
    assert isclose(sum_of(plan_of(members, rules), members), (1 - RESERVE) * rules.budget)


@given(sizes, sizes, rules_of_any)
def test_newcomers_never_take_more_than_the_reserve_while_they_weigh_no_more_than_was_said(
    known: list[int], new: list[int], rules: PlanRules
) -> None:
    """As many as are counted or expected, whichever is more; a single one of any size; so the whole budget holds."""
    members = [reference(f"m{i}", n) for i, n in enumerate(known)]
    plan = plan_of(members, rules)
    newcomers = [reference(f"m{i}", n, MONDAY) for i, n in enumerate(new)]
    reserve = RESERVE * rules.budget * SLACK
    assert all(sum_of(plan, [one]) <= reserve for one in newcomers)
    if rules.weigh(newcomers) <= max(plan.weight, rules.expected):
        assert sum_of(plan, newcomers) <= reserve
        assert sum_of(plan, members + newcomers) <= rules.budget * SLACK


@given(sizes, rules_of_any)
def test_before_anybody_is_counted_those_expected_keep_to_the_budget(
    columns: list[int], rules: PlanRules
) -> None:
    """Also a single reference with more monitors than were expected."""
    known = [reference(f"m{i}", n, MONDAY) for i, n in enumerate(columns)]
    allowed = (1 - RESERVE) * rules.budget * SLACK
    assert all(sum_of(plan_zero(rules), [one]) <= allowed for one in known)
    if rules.weigh(known) <= rules.expected:
        assert sum_of(plan_zero(rules), known) <= allowed


def test_a_monitor_of_weight_two_gets_twice_the_share_wherever_it_stands() -> None:
    """Counted or newcomer, before any plan or after."""
    rules = PlanRules(1.0, 100, {"heavy": 2.0})
    heavy, light = reference("heavy", 3), reference("light", 5)
    for plan in (plan_zero(rules), plan_of([heavy, light], rules), plan_of([reference("o")], rules)):  # fmt: skip
        assert isclose(plan.share(heavy), 2 * plan.share(light))


def test_a_monitor_is_a_column_or_a_volume_and_errors_have_no_volume() -> None:
    kinds = {kind: monitors_of(reference("m", 3, kind=kind)) for kind in Kind}
    assert kinds == {Kind.FEATURES: 4, Kind.PREDICTIONS: 4, Kind.LABELS: 4, Kind.ERRORS: 3}


begin = st.one_of(st.none(), st.integers(0, 60).map(lambda days: MONDAY + days * DAY_MS + HOUR_MS))


@given(
    st.lists(st.tuples(begin, st.integers(1, 5)), min_size=1, max_size=10).flatmap(
        lambda fleet: st.tuples(st.just(fleet), st.permutations(range(len(fleet))))
    )
)
def test_plans_follow_from_the_references_alone_in_whatever_order_they_became_known(
    drawn: tuple[list[tuple[int | None, int]], list[int]],
) -> None:
    """All that are due in ten weeks: the same bytes; in the end everybody is counted, each within two weeks."""
    fleet, order = drawn
    references = [reference(f"m{i}", n, ms) for i, (ms, n) in enumerate(fleet)]
    plans, again = all_plans(references), all_plans([references[i] for i in order])
    assert [plan.packed for plan in again] == [plan.packed for plan in plans]
    assert [plan.version for plan in plans] == list(range(len(plans)))
    assert set(plans[-1].digests) == {r.digest for r in references}
    for one in references:
        first = next(plan for plan in plans if plan.counts(one))
        if one.from_pane == ALWAYS:
            assert first.from_ms == ALWAYS
        else:
            assert WEEK_MS <= first.from_ms - begins_ms(one) < 2 * WEEK_MS
            assert first.from_ms in mondays(first.from_ms - 1, first.from_ms)


def all_plans(references: list[Reference]) -> list[Plan]:
    book, plans = Book(references), [plan_zero()]
    while (due := due_ms(book, plans[-1])) is not None:
        plans.append(make_plan(book, plans[-1], due))
    return plans


def test_a_reference_that_replaces_another_is_a_newcomer_and_then_counted_in_its_place() -> None:
    """Its predecessor's share is free meanwhile; two of one series never both count."""
    old, new = reference("m", 3), reference("m", 5, MONDAY + HOUR_MS, number=2)
    first, second = all_plans([old, new])[1:]
    assert (first.members, second.members) == ((old,), (new,))
    assert first.share(new) < first.share(old)
    assert second.monitors == monitors_of(new)


def test_one_that_was_heard_of_too_late_is_a_newcomer_until_the_next_plan() -> None:
    """Those who hold the plan that passed it over go on holding it."""
    early, late = reference("a", 2, MONDAY - DAY_MS), reference("b", 2, MONDAY - HOUR_MS)
    book = Book([early])
    plan = make_plan(book, plan_zero(), MONDAY + WEEK_MS)
    book.add(late)
    assert not plan.counts(late)
    assert due_ms(book, plan) == MONDAY + 2 * WEEK_MS
    then = make_plan(book, plan, MONDAY + 2 * WEEK_MS)
    assert set(then.members) == {early, late}
    assert due_ms(book, then) is None


def test_a_reference_does_not_begin_before_the_time_it_was_learned_from_has_ended() -> None:
    """One given to a fleet that runs is counted by what it was learned from, as nothing else tells a time."""
    given_late = reference("b", 2, end_ms=MONDAY + HOUR_MS)
    book = Book([reference("a")])
    plan = make_plan(book, plan_zero(), ALWAYS)
    book.add(given_late)
    assert due_ms(book, plan) == MONDAY + 2 * WEEK_MS


def test_a_plan_goes_round_as_bytes_and_needs_the_references_it_counts() -> None:
    members = [reference("a", 2), reference("b", 3)]
    plan = plan_of(members)
    again = Plan.unpack(plan.packed, RULES, Book(members))
    assert (again.packed, again.digest, again.weight) == (plan.packed, plan.digest, plan.weight)
    assert [again.share(r) for r in members] == [plan.share(r) for r in members]
    with pytest.raises(CodecError, match="counts references that the fleet does not have"):
        Plan.unpack(plan.packed, RULES, Book(members[:1]))


def test_the_digest_tells_versions_and_members_apart() -> None:
    a, b = reference("a"), reference("b")
    plans = [plan_zero(), plan_of([a]), plan_of([b]), Plan(RULES, 2, ALWAYS, ALWAYS, (a,))]
    assert len({plan.digest for plan in plans}) == len(plans)


def test_mondays_lie_after_one_time_and_up_to_another_and_are_bounded() -> None:
    assert list(mondays(MONDAY - 1, MONDAY)) == [MONDAY]
    assert list(mondays(MONDAY, MONDAY + WEEK_MS - 1)) == []
    assert list(mondays(MONDAY, MONDAY + 2 * WEEK_MS)) == [MONDAY + WEEK_MS, MONDAY + 2 * WEEK_MS]
    assert len(mondays(0, 10**15)) == 53
