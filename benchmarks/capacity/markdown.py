"""The section of a README that tells the model, its error, and the plans."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.capacity.model import QUANTITIES, Fit
from benchmarks.capacity.plan import Fleet, Prices
from benchmarks.capacity.unseen import Held
from benchmarks.throughput.case import Case

__all__ = ["section", "unseen_table"]


def section(
    fits: Sequence[Fit], fleets: Sequence[Fleet], peak: float, prices: Prices, doubtful: Sequence[str] = (),
) -> str:  # fmt: skip
    """Write the section: two tables, between them what of the plans is doubtful, and a sentence for each plan."""
    lines = [
        "| quantity | is | off on unseen runs: median, worst | runs |",
        "|---|---|---|---|",
        *(_row(fit) for fit in fits),
        "",
        *_missing(fits),
        *_doubtful(doubtful),
        _about(fleets[0], peak, prices),
        "",
        "| events a day | at the peak | partitions | workers | GB each | Redis shards | GB in all | a month |",
        "|---|---|---|---|---|---|---|---|",
        *(_plan(fleet) for fleet in fleets),
        "",
        *(_used(fleet) for fleet in fleets),
        "",
        *(_breaks(fleet) for fleet in fleets),
    ]
    return "\n".join(lines) + "\n"


def unseen_table(fits: Sequence[Fit], held: Sequence[Held]) -> str:
    """Write what the model says of runs that it has not seen, over what was measured: 1 is right."""
    lines = [
        "| " + " | ".join(["said / measured", *(fit.quantity.name for fit in fits)]) + " |",
        "|---" * (len(fits) + 1) + "|",
    ]
    for of in held:
        beside = Case(feed=of.case.feed, events=of.case.events, warm_up=of.case.warm_up)
        told = ["" if ratio is None else f"{ratio:.2f}" for ratio in of.ratios]
        lines.append("| " + " | ".join([of.case.name(beside), *told]) + " |")
    return "\n".join(lines) + "\n"


def _row(fit: Fit) -> str:
    terms = zip(fit.quantity.terms, fit.coefficients.tolist(), strict=True)
    told = [f"{coefficient:.3g} x {name}" for (name, _), coefficient in terms if coefficient]
    beside = replace(fit.first, events=fit.worst.events)
    errors = f"{fit.median_error:.0%}, {fit.worst_error:.0%} ({fit.worst.name(beside)})"
    return (
        f"| {fit.quantity.name}, {fit.quantity.unit} | {' + '.join(told)} | {errors} | {fit.runs} |"
    )


def _missing(fits: Sequence[Fit]) -> list[str]:
    """Say what the figures do not tell, and so is in no plan."""
    known = {fit.quantity.name for fit in fits}
    absent = [quantity.name for quantity in QUANTITIES if quantity.name not in known]
    told = f"Not measured, and so in no plan: {', '.join(absent)}. From memory, the client's cost is not, either."
    return [told, ""] if absent else []


def _doubtful(told: Sequence[str]) -> list[str]:
    return ["**To be doubted:**", "", *(f"- {sentence}" for sentence in told), ""] if told else []


def _about(fleet: Fleet, peak: float, prices: Prices) -> str:
    load = fleet.load
    return (
        f"For {load.models:,} models of {load.features} features and a category, {load.owners:,} series in all, "
        f"panes of {load.pane_s:g} s, a sample of {load.sample:g}, a peak of {peak:g} times the mean; "
        f"{prices.core_hour:g} a core-hour, {prices.gb_hour:g} a GB-hour, a shard of Redis for every "
        f"{prices.shard_mb_s:g} MB/s and {prices.shard_gb:g} GB; without Kafka's brokers and without replicas:"
    )


def _plan(fleet: Fleet) -> str:
    return (
        f"| {fleet.events_a_day:,.0f} | {fleet.load.rate:,.0f}/s | {fleet.load.partitions:,} | {fleet.workers:,} "
        f"| {fleet.worker_gb:.2f} | {fleet.shards:,} | {fleet.store_gb:.2f} | {fleet.cost:,.0f} |"
    )


def _used(fleet: Fleet) -> str:
    told = ", ".join(f"{name} {rate:,.0f}/s" for name, rate in fleet.uses.items())
    return (
        f"- {fleet.events_a_day:,.0f} a day: {fleet.cores:.2f} cores of work at the peak; {told}."
    )


def _breaks(fleet: Fleet) -> str:
    first, *others = fleet.bounds
    state = "is exceeded" if first.used > 1 else f"is used to {first.used:.0%}"
    rest = "; ".join(f"{bound.name} ({bound.used:.0%})" for bound in others)
    return (
        f"- {fleet.events_a_day:,.0f} a day: first breaks that {first.name}, which {state} "
        f"(then: {first.todo}). After it: {rest}."
    )
