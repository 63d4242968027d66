"""What a configuration may say: one frozen struct for each section, one field for each key.

The field is named in the program's units, its YAML key in the person's: `pane_ms` is `pane: 10s`.
Bounds of single values stand beside them; what several keys owe one another stands in `rules`.
"""

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, field

from stream.config.detector_names import DETECTORS_BY_DEFAULT
from stream.config.intake import Limits, Sampling
from stream.config.outside import (
    BackupConfig,
    FilesConfig,
    HttpConfig,
    KafkaSink,
    RedisConfig,
    Sink,
    Topics,
)
from stream.config.secret import Secret, is_secret
from stream.config.section import Duration, Name, Rate, Section, Span
from stream.config.watching import Alarms, DetectorConfig, LabelsConfig, ReferenceConfig, Window

__all__ = ["Config"]


class Config(Section, frozen=True, kw_only=True):
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
