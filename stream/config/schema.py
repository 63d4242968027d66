"""What a configuration may say: one frozen struct for each section, one field for each key.

The field is named in the program's units, its YAML key in the person's: `pane_ms` is `pane: 10s`.
Bounds of single values stand here; what several keys owe one another stands in `rules`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from stream.config.durations import duration_text
from stream.config.secret import Secret, is_secret

__all__ = [
    "BROKEN_DETECTORS",
    "DETECTORS_BY_DEFAULT",
    "DETECTORS_ON_REQUEST",
    "LAYERED_DETECTORS",
    "RIVER",
    "SEQUENTIAL_DETECTORS",
    "Adaptive",
    "Alarms",
    "BackupConfig",
    "Config",
    "ConsoleSink",
    "DetectorConfig",
    "Exclusion",
    "FilesConfig",
    "HttpConfig",
    "JsonlSink",
    "KafkaSink",
    "LabelsConfig",
    "Limits",
    "RedisConfig",
    "ReferenceConfig",
    "Sampling",
    "Setting",
    "Sink",
    "Topics",
    "Window",
]

_DURATION = Meta(extra={"unit": "ms"}, extra_json_schema={"unit": "ms"})
Duration = Annotated[int, Meta(ge=0, le=10**12), _DURATION]
Span = Annotated[int, Meta(gt=0, le=10**12), _DURATION]
Count = Annotated[int, Meta(ge=1, le=10**12)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]

Rate = Annotated[float, Meta(gt=0, le=1)]

Setting = bool | int | float | str
"""An argument of a detector, read as what it looks like."""

DETECTORS_BY_DEFAULT = (
    "location",
    "spread",
    "shape",
    "psi",
    "kolmogorov_smirnov",
    "chi_square",
    "missing",
    "invalid",
    "unseen",
    "out_of_range",
    "frozen",
    "volume",
)
"""Detectors that run unless they are switched off."""
DETECTORS_ON_REQUEST = (
    "page_hinkley",
    "adwin",
    "g",
    "jensen_shannon",
    "kullback_leibler",
    "hellinger",
    "total_variation",
    "wasserstein",
    "cramer_von_mises",
    "mean_shift",
    "variance_shift",
    "cusum",
    "ewma",
    "ddm",
    "eddm",
    "hddm_a",
    "hddm_w",
    "kswin",
)
"""Detectors that run where they are named; so do river's."""
LAYERED_DETECTORS = ("location", "spread", "shape", "missing", "volume")
"""Those that hold a column against its own history; the first three can do nothing else, so they have no threshold."""
BROKEN_DETECTORS = ("invalid", "unseen", "out_of_range", "frozen")
"""Those that look for broken values, on a part of the budget or by a hard rule."""
SEQUENTIAL_DETECTORS = (
    "page_hinkley",
    "adwin",
    "cusum",
    "ewma",
    "ddm",
    "eddm",
    "hddm_a",
    "hddm_w",
    "kswin",
)
"""Those of both that take one value a window and have settings of their own; so have river's."""
RIVER = "river."
"""What the names of river's detectors begin with; a class of river follows."""


class _Section(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of the configuration: immutable, closed to unknown keys."""


class Topics(_Section, frozen=True, kw_only=True):
    """The Kafka topics; an input set to null is not read."""

    features: Annotated[Name | None, Meta(description="Feature events; null: not read.")] = (
        "features"
    )
    predictions: Annotated[Name | None, Meta(description="Predictions; null: not read.")] = (
        "predictions"
    )
    labels: Annotated[Name | None, Meta(description="Labels; null: not read.")] = "labels"
    alerts: Annotated[Name, Meta(description="Where the drift events go.")] = "drift-alerts"


class RedisConfig(_Section, frozen=True, kw_only=True):
    """Where the state lives."""

    url: Annotated[
        str | None,
        Meta(description="redis://, rediss:// or unix:// address; null: in memory, one worker."),
    ] = None

    def __post_init__(self) -> None:
        if self.url is not None:
            msgspec.structs.force_setattr(self, "url", Secret(self.url))


class BackupConfig(_Section, frozen=True, kw_only=True):
    """Copies of the state in Redis on a compacted topic, for when Redis is lost."""

    every_ms: Annotated[
        Span | None,
        Meta(
            description="How often; null: never. The input topics must keep events twice as long.",
            extra={"unit": "ms"},
        ),
    ] = field(name="every", default=600_000)
    topic: Annotated[Name | None, Meta(description="The topic; null: `<app>.backup`.")] = None


class Window(_Section, frozen=True):
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


class ReferenceConfig(_Section, frozen=True, kw_only=True):
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


class LabelsConfig(_Section, frozen=True, kw_only=True):
    """How predictions wait for their labels."""

    wait_ms: Annotated[Span, Meta(description="How long a prediction waits.")] = field(
        name="wait", default=604_800_000
    )
    waiting_max: Annotated[Count, Meta(description="Waiting predictions of a model, at most.")] = (
        200_000
    )


class Exclusion(_Section, frozen=True, kw_only=True):
    """A time in which nothing is judged but by hard rules, and of which nothing is learned, in UTC."""

    first: Annotated[
        Name,
        Meta(description="A day, a month and a day (every year), or an RFC 3339 time."),
    ] = field(name="from")
    last: Annotated[Name, Meta(description="The last day, or the time before which it ends.")] = (
        field(name="to")
    )
    name: Annotated[Name, Meta(description="What verdicts say of it.")]


class Alarms(_Section, frozen=True, kw_only=True):
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


class DetectorConfig(_Section, frozen=True, kw_only=True):
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


class KafkaSink(_Section, frozen=True, kw_only=True, tag_field="type", tag="kafka"):
    """The alerts topic, as CloudEvents."""

    mode: Annotated[
        Literal["structured", "binary"], Meta(description="CloudEvents content mode.")
    ] = "structured"


class JsonlSink(_Section, frozen=True, kw_only=True, tag_field="type", tag="jsonl"):
    """A file, one CloudEvent a line."""

    path: Annotated[Name, Meta(description="The file; it is appended to.")]


class ConsoleSink(_Section, frozen=True, kw_only=True, tag_field="type", tag="console"):
    """Lines for people on the standard output."""


Sink = KafkaSink | JsonlSink | ConsoleSink


class FilesConfig(_Section, frozen=True, kw_only=True):
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


class HttpConfig(_Section, frozen=True, kw_only=True):
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


class Limits(_Section, frozen=True, kw_only=True):
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


class Adaptive(_Section, frozen=True, kw_only=True):
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


class Sampling(_Section, frozen=True):
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


class Config(_Section, frozen=True, kw_only=True):
    """The whole configuration; `Config()` is the default one, durations are in ms.

    Windows are kept from short to long, Kafka's settings as the texts librdkafka reads.
    """

    bootstrap: Annotated[
        Name, Meta(description="Kafka's addresses, host:port[,host:port]; `embedded`: the demo.")
    ] = "127.0.0.1:9092"
    app: Annotated[Name, Meta(description="Consumer group and prefix of the state's keys.")] = (
        "driftbus"
    )
    topics: Topics = Topics()
    kafka: Annotated[
        Mapping[str, str], Meta(description="Further settings of librdkafka, of those allowed.")
    ] = {}
    redis: RedisConfig = RedisConfig()
    backup: BackupConfig = BackupConfig()
    pane_ms: Annotated[
        Span, Meta(description="Length of a pane, the smallest slice of event time.")
    ] = field(name="pane", default=10_000)
    windows: Annotated[
        tuple[Window, ...],
        Meta(min_length=1, max_length=16, description="Windows judged side by side."),
    ] = (Window(3_600_000, 3_600_000), Window(86_400_000, 86_400_000))
    lateness_ms: Annotated[Duration, Meta(description="How long a pane waits for late events.")] = (
        field(name="lateness", default=30_000)
    )
    max_future_ms: Annotated[
        Duration, Meta(description="How far an event may be ahead of Kafka's time.")
    ] = field(name="max_future", default=300_000)
    idle_timeout_ms: Annotated[
        Span, Meta(description="Silence after which a partition holds nothing up.")
    ] = field(name="idle_timeout", default=60_000)
    commit_interval_ms: Annotated[
        Span, Meta(description="Longest time between two commits of a partition.")
    ] = field(name="commit_interval", default=1_000)
    pane_retention_ms: Annotated[
        Duration, Meta(description="How long evaluated panes are kept.")
    ] = field(name="pane_retention", default=3_600_000)
    reference: ReferenceConfig = ReferenceConfig()
    labels: LabelsConfig = LabelsConfig()
    sample: Annotated[
        Rate | Sampling, Meta(description="Share of the events that is counted, or more about it.")
    ] = 1.0
    alarms: Alarms = Alarms()
    detectors: Annotated[
        Mapping[str, DetectorConfig],
        Meta(description="Single detectors; one that is named here runs unless `enabled: false`."),
    ] = {}
    sinks: Annotated[tuple[Sink, ...], Meta(min_length=1, description="Where drift events go.")] = (
        KafkaSink(),
    )
    files: FilesConfig = FilesConfig()
    http: HttpConfig = HttpConfig()
    on_lost_log: Annotated[
        Literal["fail", "reset_and_flag"],
        Meta(
            description="When a topic no longer holds what was not read yet: stop, or go on where it begins and note"
            " the gap in the state."
        ),
    ] = "fail"
    shutdown_timeout_ms: Annotated[Span, Meta(description="Time to end in after SIGTERM.")] = field(
        name="shutdown_timeout", default=20_000
    )
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        windows = sorted(self.windows, key=lambda window: (window.size_ms, window.every_ms))
        msgspec.structs.force_setattr(self, "windows", tuple(windows))
        kafka = {
            name: Secret(text) if is_secret(f"kafka.{name}") else text
            for name, text in self.kafka.items()
        }
        msgspec.structs.force_setattr(self, "kafka", kafka)

    @property
    def sampling(self) -> Sampling:
        """What is said of sampling; a mere number is the default rate."""
        return self.sample if isinstance(self.sample, Sampling) else Sampling(self.sample)

    @property
    def backup_topic(self) -> str:
        """The topic of the copies of the state."""
        return self.backup.topic or f"{self.app}.backup"

    @property
    def backs_up(self) -> bool:
        """Whether the state is copied: it is in Redis, and nobody said never."""
        return self.redis.url is not None and self.backup.every_ms is not None

    def detector(self, name: str) -> DetectorConfig:
        """Tell what is said of a detector, nothing if the file does not name it."""
        return self.detectors.get(name, _DEFAULT_DETECTOR)

    def runs(self, name: str) -> bool:
        """Tell whether a detector runs: by default, or because it is named; not if it is off."""
        named = name in self.detectors or name in DETECTORS_BY_DEFAULT
        return named and self.detector(name).enabled is not False


_DEFAULT_DETECTOR = DetectorConfig()
