"""What the figures say about what limits, and what to change: sentences that follow from what was measured, no more."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace

from benchmarks.throughput.report import Figures

__all__ = ["advice"]

CPU = "cpu_us_per_event"
BUSY = 0.85
"""Processor time over wall time from which a worker counts as what is waited for."""
SHARE = 0.1
"""A part of the time that is worth a sentence."""
KEPT_PACE = 1.05


def advice(figures: Sequence[Figures]) -> list[str]:
    """Give the sentences, each once."""
    told = [line for of in figures if of.case.mode == "whole" for line in _of_case(of, figures)]
    return list(dict.fromkeys([*told, *_of_sweeps(figures)]))


def _of_case(of: Figures, figures: Sequence[Figures]) -> Iterator[str]:
    yield from _limit(of)
    yield from _parts(of, figures)
    yield from _store(of)
    grown = of["rss_mb_end"] - of["rss_mb_early"]
    if grown > SHARE * of["rss_mb_early"]:
        yield f"{_name(of)}: memory grew by {grown:.0f} MB after a fifth of the events: measure longer."


def _limit(of: Figures) -> Iterator[str]:
    """Tell whether the worker or the feed is waited for."""
    case, busy = of.case, of.values.get("busy")
    if busy is None:
        return
    core = 1e6 / of[CPU]
    if case.paced:
        late = of["wall_s"] / (case.events / case.rate)
        kept = "kept" if late <= KEPT_PACE else f"not kept, it took {late:.2f} times as long"
        yield f"{_name(of)}: a pace of {case.rate:,} events/s was {kept}; a worker was busy {busy:.0%} of the time."
    elif busy < BUSY:
        yield (
            f"{_name(of)}: the feed, or the machine, is what is waited for: a worker was busy {busy:.0%} of the time. "
            f"{of['events_per_second']:,.0f} events/s are the feed's; by its CPU a core carries {core:,.0f}."
        )
    else:
        yield (
            f"{_name(of)}: the workers are the limit, busy {busy:.0%} of the time: {core:,.0f} events/s a core. "
            f"More need more workers, up to one a partition ({case.partitions} here), or `sample`."
        )


def _parts(of: Figures, figures: Sequence[Figures]) -> Iterator[str]:
    """Tell what part of the cost is the client's, the decoder's, the rest; or of the stages, from memory."""
    cost = of[CPU]
    before = [
        next((f for f in figures if f.case == replace(of.case, mode=m)), None)
        for m in ("consume", "decode")
    ]
    consume, decode = before
    if consume is not None and decode is not None:
        parts = {
            "the client": consume[CPU],
            "decoding to columns": decode[CPU] - consume[CPU],
            "counting, commits and evaluation": cost - decode[CPU],
        }
        largest = max(parts, key=lambda name: parts[name])
        todo = {
            "the client": "larger records (many rows in one) would spread its cost a message",
            "decoding to columns": "fewer or shorter fields, or rows as columns (Arrow), would spare it",
            "counting, commits and evaluation": "`--feed memory` tells it apart by stages",
        }[largest]
        shares = ", ".join(f"{name} {part / cost:.0%}" for name, part in parts.items())
        yield f"{_name(of)}: of {cost:.2f} us an event {shares}; {todo}."
    stages = {n[:-3]: v for n, v in of.values.items() if n in _STAGES}
    if stages:
        largest = max(stages, key=lambda name: stages[name])
        yield f"{_name(of)}: {largest} is the largest stage, {stages[largest] / cost:.0%} of {cost:.2f} us an event."
        if of.case.arrow:
            values = (of.case.features + 1) / (cost - stages["evaluate"])
            yield f"{_name(of)}: {values:.1f} million feature values a second of a core, read, folded and committed."


_STAGES = ("decode_us", "fold_us", "commit_us", "evaluate_us")


def _store(of: Figures) -> Iterator[str]:
    """Tell of commits that take long, and of a Redis that is busy."""
    wall = of["wall_s"] * of.case.workers
    todo = {
        "ingest": "raise `commit_interval`, or bring Redis nearer",
        "evaluate": "longer windows, fewer segments or more workers would make it less",
    }
    for half, what in todo.items():
        share = of.values.get(f"commit_{half}_s", 0.0) / wall
        if share > SHARE:
            yield f"{_name(of)}: a worker waits for commits of {half} {share:.0%} of the time: {what}."
    redis = of.values.get("redis_cpu_s", 0.0) / of["wall_s"]
    if redis > SHARE:
        yield f"{_name(of)}: Redis was busy {redis:.0%} of one core; a shard carries {1 / redis:.1f} times this."


def _of_sweeps(figures: Sequence[Figures]) -> Iterator[str]:
    """Tell of each swept setting of the worker which value is cheapest, if runs do not overlap."""
    for name in ("consume_size", "commit_interval", "partitions", "workers"):
        by_rest: dict[tuple[object, ...], list[Figures]] = {}
        for of in figures:
            rest = tuple(v for k, v in asdict(of.case).items() if k != name)
            by_rest.setdefault(rest, []).append(of)
        for group in by_rest.values():
            if len(group) > 1:
                yield _best(name, group)


def _best(name: str, group: Sequence[Figures]) -> str:
    best, worst = (pick(group, key=lambda f: f[CPU]) for pick in (min, max))
    values = f"{getattr(best.case, name)} to {getattr(worst.case, name)}"
    if best.runs == 1:
        more = worst[CPU] / best[CPU] - 1
        return f"{name}: {values} differ by {more:.0%} in one run each; repeat to know."
    if best.spread[CPU][1] >= worst.spread[CPU][0]:
        return f"{name}: {values} makes no difference beyond that of the runs."
    return (
        f"{name}: {getattr(best.case, name)} is best, {best[CPU]:.2f} us an event; "
        f"{getattr(worst.case, name)} costs {worst[CPU] / best[CPU] - 1:.0%} more."
    )


def _name(of: Figures) -> str:
    return of.case.name(type(of.case)(events=of.case.events, warm_up=of.case.warm_up))
