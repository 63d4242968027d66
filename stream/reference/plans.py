"""The fleet plans that all workers share, in the store's fleet hash."""

from stream.reference.fleet import Fleet
from stream.reference.plan import Plan, PlanRules, due_ms, make_plan
from stream.reference.reference import ALWAYS
from stream.state.store import Store, fleet_key

__all__ = ["Plans"]


class Plans:
    """Finds the plan in force at a time, and makes the next one when that time needs it.

    Plan number v is field `p:v`, put there by whoever needs it first; all others take that one. Memory: every plan
    made, at most one a week, with pointers to the references it counts.
    """

    def __init__(self, store: Store, app: str, fleet: Fleet, rules: PlanRules) -> None:
        self.rules = rules
        self._store = store
        self._key = fleet_key(app)
        self._fleet = fleet
        self._made = [Plan(rules, 0, ALWAYS, ALWAYS, ())]
        self._seen = -1
        self._due_ms: int | None = None

    def at(self, ms: int) -> Plan:
        """Give the plan in force at an event time, made now if nobody has made it.

        Cost: O(1) while references and plan stay, else a pass over all references, and a write to the store.
        """
        while (due := self._due()) is not None and due <= ms:
            made = make_plan(self._fleet.book, self._made[-1], due)
            field = b"p:%d" % made.version
            held = self._store.put_if_absent(self._key, field, made.packed)
            self._enter(made if held == made.packed else self._read(held))
        return next(plan for plan in reversed(self._made) if plan.from_ms <= ms)

    @property
    def latest(self) -> Plan:
        """The last plan that is known here; it asks nobody."""
        return self._made[-1]

    def newest(self) -> Plan:
        """Give the last plan that anybody has made, and make none; it may hold from a time that is yet to come."""
        self._fleet.refresh()
        while True:
            (held,) = self._store.read(self._key, [b"p:%d" % (self._made[-1].version + 1)])
            if held is None:
                return self._made[-1]
            self._enter(self._read(held))

    def _enter(self, plan: Plan) -> None:
        self._made.append(plan)
        self._seen = -1

    def _read(self, held: bytes) -> Plan:
        self._fleet.refresh()  # whoever made it may have known more
        return Plan.unpack(held, self.rules, self._fleet.book)

    def _due(self) -> int | None:
        revision = self._fleet.book.revision
        if revision != self._seen:
            self._due_ms, self._seen = due_ms(self._fleet.book, self._made[-1]), revision
        return self._due_ms
