"""What a configuration says of how it is watched: windows, references, labels, detectors, alarms."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from stream.config.durations import duration_text
from stream.config.section import Count, Duration, Name, Section, Span

__all__ = [
    "Alarms",
    "DetectorConfig",
    "Exclusion",
    "LabelsConfig",
    "ReferenceConfig",
    "Setting",
    "Window",
]

Setting = bool | int | float | str
"""An argument of a detector, read as what it looks like."""


class Window(Section, frozen=True):
    """A window of event time; tumbling when `every_ms` equals `size_ms`, else sliding."""

    size_ms: Annotated[Span, Meta(description="Length of the window.")] = field(name="size")
    every_ms: Annotated[Span, Meta(description="How often one ends; default: the size.")] = field(
        name="every"
    )

    def __str__(self) -> str:
        size = duration_text(self.size_ms)
        return size if self.tumbling else f"{size} every {duration_text(self.every_ms)}"

    @property
    def tumbling(self) -> bool:
        """Whether the windows touch without overlapping."""
        return self.every_ms == self.size_ms


class ReferenceConfig(Section, frozen=True, kw_only=True):
    """How baselines are learned."""

    learn_events: Annotated[
        Count, Meta(description="Events after which an unknown series' reference is frozen.")
    ] = 10_000
    bins: Annotated[
        int, Meta(ge=2, le=1000, description="Quantile bins of a numeric column, at most.")
    ] = 20
    categories_max: Annotated[
        int, Meta(ge=1, le=10_000, description="Values kept by name; the others are `other`.")
    ] = 50
    windows_min: Annotated[
        Count, Meta(description="Windows in control that a column needs to be judged; a week, too.")
    ] = 28
    compare: Annotated[
        Literal["fixed", "rolling", "last_week"],
        Meta(
            description="What a window is compared with: all windows in control (fixed), the latest of them (rolling),"
            " or the same hour of the latest week in control (last_week)."
        ),
    ] = "fixed"
    history_ms: Annotated[
        Span,
        Meta(
            description="How far back rolling and last_week look, in windows in control: a level that stays as long"
            " becomes usual."
        ),
    ] = field(name="history", default=2_419_200_000)


class LabelsConfig(Section, frozen=True, kw_only=True):
    """How predictions wait for their labels."""

    wait_ms: Annotated[Span, Meta(description="How long a prediction waits.")] = field(
        name="wait", default=604_800_000
    )
    waiting_max: Annotated[Count, Meta(description="Waiting predictions of a model, at most.")] = (
        200_000
    )


class Exclusion(Section, frozen=True, kw_only=True):
    """A time in which nothing is judged but by hard rules, and of which nothing is learned, in UTC."""

    first: Annotated[
        Name,
        Meta(description="A day, a month and a day (every year), or an RFC 3339 time."),
    ] = field(name="from")
    last: Annotated[Name, Meta(description="The last day, or the time before which it ends.")] = (
        field(name="to")
    )
    name: Annotated[Name, Meta(description="What verdicts say of it.")]


class Alarms(Section, frozen=True, kw_only=True):
    """When a verdict is worth telling."""

    budget_per_week: Annotated[
        float, Meta(gt=0, description="False alarms a week over all that is watched, at most.")
    ] = 1.0
    monitors: Annotated[
        Count, Meta(description="Monitors expected, to split the budget before any is known.")
    ] = 100
    weights: Annotated[
        Mapping[str, Annotated[float, Meta(gt=0)]],
        Meta(description="By model: a monitor of weight 2 gets twice the share of one of 1."),
    ] = {}
    exclude: Annotated[
        tuple[Exclusion, ...],
        Meta(max_length=1_000, description="Holidays and other times unlike the usual ones."),
    ] = ()
    events_min: Annotated[Count, Meta(description="Events a window needs to be judged.")] = 30
    clear_after: Annotated[Count, Meta(description="Quiet windows that end an incident.")] = 3
    ongoing_every_ms: Annotated[
        Span | None,
        Meta(
            description="When an incident that lasts is told again first; then after 7 times as long, and so on."
            " Null: never.",
            extra={"unit": "ms"},
        ),
    ] = field(name="ongoing_every", default=604_800_000)
    cooldown_ms: Annotated[
        Duration,
        Meta(description="After its end, an incident that comes back so soon is still the same."),
    ] = field(name="cooldown", default=86_400_000)
    confirm_within_ms: Annotated[
        Duration,
        Meta(
            description="Errors that grow so soon after a feature began to drift make it critical. More than labels"
            " are late, as a rule."
        ),
    ] = field(name="confirm_within", default=86_400_000)
    refit_ms: Annotated[
        Span,
        Meta(
            description="How often what is usual is learned anew, counted from Mondays 0:00 UTC: at the first window of"
            " every such time."
        ),
    ] = field(name="refit", default=604_800_000)


class DetectorConfig(Section, frozen=True, kw_only=True):
    """One detector; null leaves the choice to it. One that is named runs unless `enabled: false`."""

    enabled: Annotated[bool | None, Meta(description="Whether it runs; null: yes.")] = None
    floor: Annotated[
        Annotated[float, Meta(ge=0)] | None, Meta(description="Effect size worth telling.")
    ] = None
    threshold: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="Fixed threshold of the statistic; no false-alarm budget covers it."),
    ] = None
    settings: Annotated[
        Mapping[str, Setting],
        Meta(description="Arguments of a detector that takes one value a window."),
    ] = {}
