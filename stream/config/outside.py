"""What a configuration says of the world outside: topics, Redis, sinks, files, HTTP."""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from stream.config.secret import Secret
from stream.config.section import Name, Section, Span

__all__ = [
    "BackupConfig",
    "ConsoleSink",
    "FilesConfig",
    "HttpConfig",
    "JsonlSink",
    "KafkaSink",
    "RedisConfig",
    "Sink",
    "Topics",
]


class Topics(Section, frozen=True, kw_only=True):
    """The Kafka topics; an input set to null is not read."""

    features: Annotated[Name | None, Meta(description="Feature events; null: not read.")] = (
        "features"
    )
    predictions: Annotated[Name | None, Meta(description="Predictions; null: not read.")] = (
        "predictions"
    )
    labels: Annotated[Name | None, Meta(description="Labels; null: not read.")] = "labels"
    alerts: Annotated[Name, Meta(description="Where the drift events go.")] = "drift-alerts"


class RedisConfig(Section, frozen=True, kw_only=True):
    """Where the state lives."""

    url: Annotated[
        str | None,
        Meta(description="redis://, rediss:// or unix:// address; null: in memory, one worker."),
    ] = None

    def __post_init__(self) -> None:
        if self.url is not None:
            msgspec.structs.force_setattr(self, "url", Secret(self.url))


class BackupConfig(Section, frozen=True, kw_only=True):
    """Copies of the state in Redis on a compacted topic, for when Redis is lost."""

    every_ms: Annotated[
        Span | None,
        Meta(
            description="How often; null: never. The input topics must keep events twice as long.",
            extra={"unit": "ms"},
        ),
    ] = field(name="every", default=600_000)
    topic: Annotated[Name | None, Meta(description="The topic; null: `<app>.backup`.")] = None


class KafkaSink(Section, frozen=True, kw_only=True, tag_field="type", tag="kafka"):
    """The alerts topic, as CloudEvents."""

    mode: Annotated[
        Literal["structured", "binary"], Meta(description="CloudEvents content mode.")
    ] = "structured"


class JsonlSink(Section, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """A file, one CloudEvent a line."""

    path: Annotated[Name, Meta(description="The file; it is appended to.")]


class ConsoleSink(Section, frozen=True, kw_only=True, tag_field="type", tag="console"):
    """Lines for people on the standard output."""


Sink = KafkaSink | JsonlSink | ConsoleSink


class FilesConfig(Section, frozen=True, kw_only=True):
    """What the columns of a table (CSV, Parquet) are; every column not named is a feature.

    A column named here that the table lacks is simply not there, except `ts`.
    """

    ts: Annotated[Name, Meta(description="Time of the row: whole ms or RFC 3339.")] = "ts"
    id: Annotated[
        Name | None, Meta(description="Joins predictions and labels; absent: the row's number.")
    ] = "id"
    model: Annotated[Name | None, Meta(description="Name of the model.")] = "model"
    version: Annotated[Name | None, Meta(description="Version of the model.")] = "version"
    prediction: Annotated[Name | None, Meta(description="What the model said.")] = "prediction"
    score: Annotated[Name | None, Meta(description="How sure the model was.")] = "score"
    label: Annotated[Name | None, Meta(description="What turned out to be true.")] = "label"
    label_ts: Annotated[
        Name | None, Meta(description="When the label became known; null: at the row's time.")
    ] = None
    segment: Annotated[tuple[Name, ...], Meta(description="Columns that split a model.")] = ()
    constants: Annotated[
        Mapping[str, str],
        Meta(description="Fills `model`, `version` or a segment that has no column."),
    ] = {}
    ignore: Annotated[tuple[str, ...], Meta(description="Columns that are left out.")] = ()


class HttpConfig(Section, frozen=True, kw_only=True):
    """Where health and metrics are served."""

    host: Annotated[
        Name, Meta(description="Address to bind; another than loopback wants a token.")
    ] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65535, description="Port; 0: any that is free.")] = 6066
    token: Annotated[
        Annotated[str, Meta(min_length=1)] | None,
        Meta(description="Bearer token that requests must carry; null: none."),
    ] = None

    def __post_init__(self) -> None:
        if self.token is not None:
            msgspec.structs.force_setattr(self, "token", Secret(self.token))
