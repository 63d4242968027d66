"""From the configuration to the rules that each room obeys."""

from stream.config import Config, detection_hash
from stream.config.calendar import Calendar, span_of
from stream.config.detectors import has_settings
from stream.evaluate.judging.calm import Calm
from stream.evaluate.judging.extra import ExtraRule
from stream.evaluate.judging.rules import Rules
from stream.evaluate.model import ModelRules
from stream.evaluate.panes.join import JoinRules
from stream.evaluate.telling.report import Context
from stream.ingest.fold import FoldRules
from stream.ingest.ladder import LadderRules
from stream.ingest.pace import MINUTE_MS
from stream.ingest.sample import Key, SampleRules
from stream.reference.learn import LearnRules
from stream.reference.plan import PlanRules
from stream.reference.reference import WindowSize

__all__ = ["fold_rules", "model_rules", "plan_rules", "sample_rules", "window_sizes"]


def window_sizes(config: Config) -> tuple[WindowSize, ...]:
    """Give the windows as the rooms know them."""
    return tuple(WindowSize(w.size_ms, w.every_ms) for w in config.windows)


def fold_rules(config: Config) -> FoldRules:
    """Give what the fold obeys."""
    return FoldRules(
        pane_ms=config.pane_ms,
        lateness_ms=config.lateness_ms,
        max_future_ms=config.max_future_ms,
        sample=sample_rules(config),
        raw_rows_max=config.limits.raw_rows_max,
        join_rows_max=config.labels.waiting_max,
        event_bytes_max=config.limits.event_bytes_max,
        models_max=config.limits.models_max,
        series_max=config.limits.series_max,
        partition_series_max=config.limits.partition_series_max,
        columns_max=config.limits.columns_max,
        batch_bytes_max=config.limits.batch_bytes_max,
        batch_rows_max=config.limits.batch_rows_max,
    )


def sample_rules(config: Config) -> SampleRules:
    """Give what is counted of which model, and how the rate follows the load.

    The configuration's floor is one of the shortest window, that of the rules one of a minute, as a key's pace is known
    by the minute: events are taken to come evenly.
    """
    told, adaptive = config.sampling, config.sampling.adaptive
    ladder = None
    if adaptive is not None:
        lowest = int(adaptive.least.removeprefix("1/")).bit_length() - 1
        ladder = LadderRules(
            lowest, adaptive.lag_ms / 1000, adaptive.cpu, adaptive.down_ms / 1000, adaptive.up_ms / 1000
        )  # fmt: skip
    shortest = min(window.size_ms for window in config.windows)
    return SampleRules(
        default=told.default,
        models=dict(told.models),
        ladder=ladder,
        key=Key(told.key),
        floor=told.floor * MINUTE_MS / shortest,
        keys_max=config.limits.partition_series_max,
    )


def model_rules(config: Config) -> ModelRules:
    """Give what evaluating obeys."""
    named = dict(config.detectors)
    judging = Rules(
        events_min=config.alarms.events_min,
        windows_min=config.reference.windows_min,
        floors={name: d.floor for name, d in named.items() if d.floor is not None},
        fixed={name: d.threshold for name, d in named.items() if d.threshold is not None},
        calm=Calm(
            clear_after=config.alarms.clear_after,
            ongoing_every_ms=config.alarms.ongoing_every_ms,
            cooldown_ms=config.alarms.cooldown_ms,
            confirm_within_ms=config.alarms.confirm_within_ms,
            sizes_ms=tuple(window.size_ms for window in window_sizes(config)),
        ),
        off=frozenset(name for name in named if not config.runs(name)),
        on=frozenset(name for name in named if config.runs(name)),
        extra=_extra(config),
        calendar=Calendar(tuple(span_of(e.name, e.first, e.last) for e in config.alarms.exclude)),
        compare=config.reference.compare,
        history_ms=config.reference.history_ms,
        refit_ms=config.alarms.refit_ms,
    )
    learning = LearnRules(
        learn_events=config.reference.learn_events,
        bins=config.reference.bins,
        categories_max=config.reference.categories_max,
        columns_max=config.limits.columns_max,
        pane_ms=config.pane_ms,
        windows=window_sizes(config),
    )
    join = JoinRules(config.labels.wait_ms, config.labels.waiting_max, config.pane_ms)
    context = Context(detection_hash(config), sample_rules(config), config.alarms.budget_per_week)
    return ModelRules(judging, learning, join, context, config.limits.series_max)


def plan_rules(config: Config) -> PlanRules:
    """Give how the budget is split."""
    alarms = config.alarms
    return PlanRules(alarms.budget_per_week, alarms.monitors, dict(alarms.weights))


def _extra(config: Config) -> tuple[ExtraRule, ...]:
    """Give the sequential detectors asked for, by name."""
    return tuple(
        ExtraRule(name, dict(told.settings))
        for name, told in sorted(config.detectors.items())
        if config.runs(name) and has_settings(name)
    )
