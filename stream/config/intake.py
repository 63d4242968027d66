"""What a configuration says of how much is taken in: bounds, and which share of the events is counted."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, field

from stream.config.section import Count, Rate, Section, Span

__all__ = ["Adaptive", "Limits", "Sampling"]


class Limits(Section, frozen=True, kw_only=True):
    """Caps of what grows with the input; beyond one, things are counted and left out."""

    models_max: Annotated[Count, Meta(description="Models of a partition.")] = 1_000
    series_max: Annotated[
        Count,
        Meta(
            description="Series (versions and segments) of a model; one silent for a week gives way."
        ),
    ] = 1_000
    partition_series_max: Annotated[
        Count, Meta(description="Series of all models of a partition together.")
    ] = 10_000
    columns_max: Annotated[Count, Meta(description="Columns of a series.")] = 1_000
    outbox_max: Annotated[Count, Meta(description="Drift events that wait for a sink.")] = 10_000
    raw_rows_max: Annotated[Count, Meta(description="Raw rows kept while learning.")] = 100_000
    event_bytes_max: Annotated[Count, Meta(description="Bytes of an event.")] = 1_000_000
    batch_bytes_max: Annotated[
        Count, Meta(description="Bytes of a batch message (Arrow), as it comes and unpacked.")
    ] = 32_000_000
    batch_rows_max: Annotated[Count, Meta(description="Rows of a batch message.")] = 100_000


class Adaptive(Section, frozen=True, kw_only=True):
    """A rate that follows the load of the worker: down by halves while it is too slow, and back."""

    least: Annotated[
        Literal["1/2", "1/4", "1/8", "1/16", "1/32", "1/64"],
        Meta(description="The lowest rate."),
    ] = field(name="min", default="1/64")
    lag_ms: Annotated[
        Span, Meta(description="A backlog that takes longer to be read is too long.")
    ] = field(name="lag", default=10_000)
    cpu: Annotated[
        float,
        Meta(
            gt=0,
            le=1,
            description="Part of a core, or of the time if others have the core, from which on the worker is busy.",
        ),
    ] = 0.8
    down_ms: Annotated[Span, Meta(description="Shortest time before a step down.")] = field(
        name="down_after", default=5_000
    )
    up_ms: Annotated[Span, Meta(description="Shortest time before a step up.")] = field(
        name="up_after", default=30_000
    )


class Sampling(Section, frozen=True):
    """Which share of the events is counted."""

    default: Annotated[Rate, Meta(description="Rate of models that are not named.")] = 1.0
    models: Annotated[Mapping[str, Rate], Meta(description="Rates of models by name.")] = {}
    adaptive: Annotated[
        Adaptive | None, Meta(description="How the rate follows the load; null: not at all.")
    ] = None
    key: Annotated[
        Literal["none", "model", "series"],
        Meta(
            description="What the records' key names: nothing, the model (by its very name), or model and segment."
        ),
    ] = "none"
    floor: Annotated[
        int,
        Meta(
            ge=0,
            le=10**12,
            description="Events a shortest window that a key keeps whatever the rate, if `key` says what it names.",
        ),
    ] = 1_000
