"""All workers hold the same plans: made when they are needed, once, by whoever comes first."""

from stream.reference.fleet import Fleet
from stream.reference.plan import PlanRules
from stream.reference.plans import Plans
from stream.reference.reference import Reference
from stream.state.memory import MemoryStore
from stream.state.store import fleet_key
from tests.reference.fleets import HOUR_MS, MONDAY, WEEK_MS, reference

RULES = PlanRules(1.0, 100, {})


def worker(store: MemoryStore, *references: Reference) -> tuple[Fleet, Plans]:
    """Another worker of the fleet, which enters references."""
    fleet = Fleet(store, "test")
    for one in references:
        fleet.publish(one)
    return fleet, Plans(store, "test", fleet, RULES)


def versions_at(plans: Plans, *times: int) -> list[int]:
    return [plans.at(ms).version for ms in times]


def test_a_plan_holds_from_its_pane_on_and_the_one_before_until_then() -> None:
    """Asked in any order, also about the past."""
    _, plans = worker(MemoryStore(), reference("a"), reference("b", 2, MONDAY))
    assert versions_at(plans, 0, MONDAY + WEEK_MS - 1, MONDAY + WEEK_MS, 0) == [1, 1, 2, 1]
    assert plans.at(MONDAY + WEEK_MS).monitors == 2 + 3


def test_where_nothing_is_known_plan_zero_holds_and_nothing_is_written() -> None:
    store = MemoryStore()
    _, plans = worker(store)
    assert versions_at(plans, MONDAY, MONDAY + 99 * WEEK_MS) == [0, 0]
    assert store.peek(fleet_key("test")) == {}


def test_the_plan_of_the_first_is_everybodys() -> None:
    """Even of one who knows a reference that the first did not; that one is a newcomer to both."""
    store = MemoryStore()
    _, first = worker(store, reference("a", 2, MONDAY))
    made = first.at(MONDAY + WEEK_MS)
    late = reference("b", 2, MONDAY - HOUR_MS)
    _, second = worker(store, late)
    held = second.at(MONDAY + WEEK_MS)
    assert held.packed == made.packed
    assert not held.counts(late)
    assert second.at(MONDAY + 2 * WEEK_MS).counts(late)


def test_looking_makes_no_plan_and_finds_those_that_were_made() -> None:
    """Also their references, which the one who looks has not read yet."""
    store = MemoryStore()
    _, plans = worker(store, reference("a"))
    _, looking = worker(store)
    before = store.peek(fleet_key("test"))
    assert looking.newest().version == 0
    assert store.peek(fleet_key("test")) == before
    plans.at(MONDAY)
    assert looking.newest().packed == plans.latest.packed
    assert looking.latest.version == 1
