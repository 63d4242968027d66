"""How a fleet stands, as plain values: read from the store by anybody, or by a worker from its memory."""

from collections.abc import Mapping, Sequence

from sinks.event import rfc3339
from stream.config import Config
from stream.config.durations import duration_text
from stream.config.values import suggestion
from stream.errors import UsageError
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.learner import Learner
from stream.evaluate.gatherer import gathered_upto
from stream.evaluate.model import Model
from stream.evaluate.monitors import count_monitors, monitors_of_chain
from stream.evaluate.telling.report import window_result
from stream.ingest.fold import NEVER
from stream.ingest.partition import Marks, read_marks
from stream.ingest.raw import Source
from stream.reference.fleet import Fleet
from stream.reference.plan import RESERVE, Plan
from stream.reference.plans import Plans
from stream.reference.reference import ALWAYS, Reference
from stream.run.fleet.census import known_sources
from stream.run.fleet.rules import model_rules, plan_rules
from stream.state.fields import STATE
from stream.state.store import BASE, Store, model_key, models_key
from stream.state.versions import load
from stream.words import Kind, Series

__all__ = ["model_status", "plan_status", "several_status", "status"]

Told = dict[str, object]


def status(config: Config, store: Store, only: str | None = None) -> Told:
    """Tell how all models stand, or only one, from what workers have committed; nothing is changed.

    It needs no Kafka: partitions and models are those that the state knows. Cost: reads the whole state of the
    models asked for.

    Raises:
        UsageError: nothing is known of the only model asked for.
    """
    marks = read_marks(store, config.app, known_sources(config, store))
    names = sorted({name for m in marks.values() if m for name in m.models})
    if only is not None and only not in names:
        raise UsageError(f"the state knows no model {only!r}", "--model", suggestion(only, names))
    fleet = Fleet(store, config.app)
    plans = Plans(store, config.app, fleet, plan_rules(config))
    plan = plans.newest()
    return {
        "plan": plan_status(plan),
        "topics": _topics(marks, config.sampling.default),
        "models": {
            name: _stored(config, store, fleet, plan, name)
            for name in names
            if only in (None, name)
        },
        "several_models": _several(store.peek(models_key(config.app))),
        "references": len(fleet.book),
    }


def plan_status(plan: Plan) -> Told:
    """Tell how a plan splits the budget; `share` is that of a monitor of weight 1."""
    rules = plan.rules
    return {
        "version": plan.version,
        "from": None if plan.from_ms == ALWAYS else rfc3339(plan.from_ms),
        "monitors": plan.monitors,
        "expected": rules.expected,
        "budget_per_week": rules.budget,
        "reserve": RESERVE,
        "share": (1 - RESERVE) * rules.budget / (plan.weight or rules.expected),
        "weights": dict(rules.weights),
    }


def model_status(model: Model, plan: Plan, outbox: int) -> Told:
    """Tell how far a model is, and how each of its monitors stands."""
    pane_ms = model.rules.learning.pane_ms
    bases = {kind: base for kind, base in model.bases.items() if base > NEVER}
    counters = model.join.counters
    return {
        "evaluated": {kind.value: rfc3339(base * pane_ms) for kind, base in bases.items()},
        "windows": model.windows,
        "alerts": model.alerts,
        "outbox": outbox,
        "monitors": count_monitors(model),
        "series": [
            _chain(model, chain, plan) if isinstance(chain, Chain) else _learner(chain)
            for _, chain in sorted(model.chains.copy().items())
        ],
        "join": {"held": len(model.join), "joined": counters.joined, "repeats": counters.repeats,
                 "expired": counters.expired, "evicted": counters.evicted},
    }  # fmt: skip


def several_status(upto_ms: Mapping[Kind, int], alerts: int, outbox: int) -> Told:
    """Tell what several models told together, and up to which window's end, of each kind where anything moved."""
    gathered = {kind.value: rfc3339(ms) for kind, ms in upto_ms.items() if ms > NEVER}
    return {"gathered": gathered, "alerts": alerts, "outbox": outbox}


def _chain(model: Model, chain: Chain, plan: Plan) -> Told:
    latest = model.latest.get((chain.series, chain.kind))
    return _series(chain.series, chain.kind) | {
        "reference": chain.reference.name,
        "share": plan.share(chain.reference),
        "newcomer": not plan.counts(chain.reference),
        "window": None if latest is None else window_result(latest),
        "incidents": {column or "": i.severity for column, i in chain.incidents.copy().items()},
        "monitors": [
            {
                "column": monitor.standing.column,
                "window": None if monitor.window is None else duration_text(monitor.window.size_ms),
                "state": monitor.standing.state,
                "reason": monitor.standing.reason,
                "detectable": dict(monitor.standing.detectable),
            }
            for monitor in monitors_of_chain(chain)
        ],
    }


def _learner(learner: Learner) -> Told:
    learning = {"events": learner.events, "of": learner.rules.learn_events}
    return _series(learner.series, learner.kind) | {"learning": learning}


def _series(series: Series, kind: Kind) -> Told:
    return {"version": series.version, "segment": dict(series.segment), "kind": kind.value}


# -- from the store --------------------------------------------------------------------------------------------------


def _stored(config: Config, store: Store, fleet: Fleet, plan: Plan, name: str) -> Told:
    fields = store.peek(model_key(config.app, name))
    fleet.refresh()  # after the state, which may name a reference that was new
    model = Model(name, model_rules(config), fleet.book, _publish_nothing, lambda _: plan)
    model.restore(fields.get(BASE, b""), fields)
    return model_status(model, plan, sum(field.startswith(b"o:") for field in fields))


def _several(fields: Mapping[bytes, bytes]) -> Told | None:
    if STATE not in fields:
        return None
    (alerts,) = load(fields[STATE], "gatherer")
    upto_ms = gathered_upto(fields[BASE])
    return several_status(upto_ms, alerts, sum(field.startswith(b"o:") for field in fields))


def _publish_nothing(reference: Reference) -> Reference:
    return reference


def _topics(marks: dict[Source, Marks | None], rate: float) -> dict[str, Told]:
    topics: dict[str, list[Marks]] = {}
    rates: dict[str, float] = {}
    for source, of in marks.items():
        if of is not None:
            topics.setdefault(source.topic, []).append(of)
            thinned = rate * of.ladder if source.kind is Kind.FEATURES else 1.0
            rates[source.topic] = min(thinned, rates.get(source.topic, 1.0))
    return {topic: _topic(of) | {"sample_rate": rates[topic]} for topic, of in topics.items()}


def _topic(marks: Sequence[Marks]) -> Told:
    watermark = min(m.watermark for m in marks)
    return {
        "partitions": len(marks),
        "watermark": None if watermark == NEVER else rfc3339(watermark),
        "consumed": sum(m.counters.seen for m in marks),
        "late": sum(m.counters.late for m in marks),
        "malformed": sum(m.counters.malformed for m in marks),
    }
