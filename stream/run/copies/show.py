"""`driftbus state show`: what is kept, how far it is, and how big it is."""

from collections.abc import Mapping
from typing import Any

from sinks.event import rfc3339
from stream.config import Config
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.learner import Learner
from stream.evaluate.gatherer import gathered_upto
from stream.evaluate.model import Model
from stream.ingest.fold import NEVER, Counters
from stream.ingest.ladder import rate_of
from stream.ingest.partition import models_of
from stream.reference.fleet import Fleet
from stream.reference.plan import Plan
from stream.reference.plans import Plans
from stream.run.copies.backup import backup_key
from stream.run.fleet.census import take_cut
from stream.run.fleet.rules import model_rules, plan_rules
from stream.run.fleet.status import several_status
from stream.run.terminal.tables import Cell, show_table
from stream.state.fields import STATE
from stream.state.kept import SEVERAL_MODELS, Kept, key_of
from stream.state.store import BASE, Store
from stream.state.versions import load

__all__ = ["show_state", "state_told"]

Told = dict[str, Any]


def state_told(config: Config, store: Store, *, panes: bool = True) -> Told:
    """Tell what a store keeps, as plain values; nothing is changed. Cost: reads the whole state.

    Without `panes` it is not known how long one is, and how far a model is evaluated is told by its number.
    """
    hashes = list(take_cut(config, store))
    fleet = Fleet(store, config.app)
    fleet.refresh()
    plan = Plans(store, config.app, fleet, plan_rules(config)).newest()
    sizes = {kept.what: store.size(key_of(config.app, kept.what)) for kept in hashes}
    copies, made = store.read(backup_key(config.app), [BASE, b"made"])
    return {
        "app": config.app,
        "bytes": sum(sizes.values()),
        "partitions": [
            _partition(kept) | {"bytes": sizes[kept.what]}
            for kept in hashes
            if kept.what[0] == "partition"
        ],
        "models": [
            _model(config, kept, fleet, plan, panes=panes) | {"bytes": sizes[kept.what]}
            for kept in hashes
            if kept.what[0] == "model"
        ],
        "several_models": next(
            (
                _several(kept) | {"bytes": sizes[kept.what]}
                for kept in hashes
                if kept.what == SEVERAL_MODELS
            ),
            None,
        ),
        "fleet": {
            "references": len(fleet.book),
            "plan": plan.version,
            "bytes": sum(size for what, size in sizes.items() if what[0] == "fleet"),
        },
        "copies": {"number": int(copies or 0), "newest": rfc3339(int(made)) if made else None},
    }


def _partition(kept: Kept) -> Told:
    watermark, ticks, idle, counters, gaps, (steps, _) = load(kept.fields[STATE], "partition")
    counted = Counters(*counters)
    return {
        "topic": kept.what[1],
        "partition": kept.what[2],
        "offset": int(kept.base),
        "watermark": None if watermark == NEVER else rfc3339(watermark),
        "idle": idle,
        "ticks": ticks,
        "events": counted.seen,
        "late": counted.late,
        "malformed": counted.malformed,
        "panes": sum(field.startswith(b"p:") for field in kept.fields),
        "models": models_of(kept.fields),
        "gaps": [list(gap) for gap in gaps],
        "lost": counted.lost,
        "sampled_out": counted.sampled_out,
        "rates": [[offset, rate_of(rung)] for offset, rung in steps],
    }


def _model(config: Config, kept: Kept, fleet: Fleet, plan: Plan, *, panes: bool) -> Told:
    rules = model_rules(config)
    model = Model(kept.what[1], rules, fleet.book, lambda r: r, lambda _: plan)
    model.restore(kept.base, kept.fields)
    chains = [chain for chain in model.chains.values() if isinstance(chain, Chain)]
    evaluated = {
        kind.value: rfc3339(base * config.pane_ms) if panes else f"pane {base}"
        for kind, base in model.bases.items()
        if base > NEVER
    }
    return {
        "model": model.name,
        "evaluated": evaluated,
        "chains": len(chains),
        "learning": sum(isinstance(chain, Learner) for chain in model.chains.values()),
        "windows": model.windows,
        "results": sum(field.startswith(b"h:") for field in kept.fields),
        "alerts": model.alerts,
        "incidents": sum(len(chain.incidents) for chain in chains),
        "waiting": len(model.join),
        "outbox": sum(field.startswith(b"o:") for field in kept.fields),
    }


def _several(kept: Kept) -> Told:
    """Tell what several models told together, and the newest windows' ends that are gathered."""
    (alerts,) = load(kept.fields[STATE], "gatherer")
    waiting = sum(field.startswith(b"o:") for field in kept.fields)
    return several_status(gathered_upto(kept.base), alerts, waiting)


def show_state(told: Mapping[str, Any]) -> None:
    """Print what `state_told` gave."""
    partitions: list[list[Cell]] = [
        [f"{p['topic']}/{p['partition']}", p["offset"], p["watermark"] or "never", p["events"],
         p["late"], p["malformed"], p["panes"], p["lost"], p["bytes"]]
        for p in told["partitions"]
    ]  # fmt: skip
    header = ["partition", "offset", "watermark", "events", "late", "malformed", "panes", "lost", "bytes"]  # fmt: skip
    show_table(f"state of {told['app']}: {told['bytes']:,} bytes", header, partitions)
    models: list[list[Cell]] = [
        [m["model"], m["evaluated"].get("features", "never"), m["chains"], m["learning"],
         m["windows"], m["incidents"], m["waiting"], m["outbox"], m["bytes"]]
        for m in told["models"]
    ]  # fmt: skip
    header = [
        "model", "features to", "chains", "learning", "windows", "incidents", "waiting", "outbox", "bytes",
    ]  # fmt: skip
    show_table("models" if models else "no model", header, models)
    several = told["several_models"]
    if several is not None:
        newest = max(several["gathered"].values(), default="never")
        together: list[Cell] = [newest, several["alerts"], several["outbox"], several["bytes"]]
        show_table("several models", ["gathered to", "alerts", "outbox", "bytes"], [together])
    fleet, copies = told["fleet"], told["copies"]
    row: list[Cell] = [fleet["references"], fleet["plan"], fleet["bytes"], copies["number"]]
    header = ["references", "plan", "bytes", "copies", "newest copy"]
    show_table("fleet", header, [[*row, copies["newest"] or "never"]])
    gaps = [
        [f"{p['topic']}/{p['partition']}", *gap] for p in told["partitions"] for gap in p["gaps"]
    ]
    if gaps:
        show_table("gaps in the log", ["partition", "from offset", "on at"], gaps)
