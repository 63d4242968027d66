"""One thing to measure: the events, what takes them in, and its settings. Any of it can be swept over."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, NamedTuple

from benchmarks.broker import PARTITIONS
from benchmarks.workload import RATE, TOPIC, Workload
from stream.bus.pace import CONSUME
from stream.config import Config, from_text
from stream.errors import ConfigError

__all__ = ["FEEDS", "MODES", "NAMES", "SWEPT", "Case", "Names", "swept"]

FEEDS = ("embedded", "kafka", "memory")
MODES = ("consume", "decode", "whole")
"""The client alone; with typed decode; a worker."""


COUNTS = (
    "events", "workers", "partitions", "features", "models", "series", "rate", "consume_size",
)  # fmt: skip
LEAST = dict.fromkeys(COUNTS, 1) | {"warm_up": 1_000, "arrow": 0, "slow_us": 0}
"""What a case needs; options say so, too, and sweeps do not."""


class Names(NamedTuple):
    """The group and the topics of a run, which on a real Kafka must be its own."""

    app: str
    features: str
    alerts: str


NAMES = Names("driftbus", TOPIC, "drift-alerts")


@dataclass(frozen=True)
class Case:
    """What is measured, whole and comparable: equal cases are repetitions.

    Args:
        feed: where the events come from: `embedded` broker, real `kafka`, or `memory`, without any client.
        mode: what takes them in.
        events: those measured, after `warm_up` others.
        workers: processes that share the partitions.
        rate: events a second of event time; of the wall clock, too, if `paced`.
        sample, pane, windows, lateness, commit_interval: the worker's settings of these names.
        ladder: settings of a sample that follows the load, as YAML; empty: `sample` is the rate.
        consume_size: messages the client is asked for at once; in memory, events of a batch,
            as far as a worker would make it so large.
        arrow: rows of an Arrow message, in memory only; 0: each event is a message, as JSON.
        slow_us: by so many microseconds an event is counted slower than the machine would, as on one of known speed.
        drift: every other window drifts, so that each has something to tell; the time to an alert is measured.
        The rest is the workload's.
    """

    feed: str = "embedded"
    mode: str = "whole"
    events: int = 2_000_000
    warm_up: int = 100_000
    workers: int = 1
    partitions: int = 4
    features: int = 10
    missing: float = 0.01
    models: int = 1
    series: int = 1
    rate: int = RATE
    paced: bool = False
    sample: float = 1.0
    ladder: str = ""
    pane: str = "10s"
    windows: str = "20s,1m"
    lateness: str = "30s"
    commit_interval: str = "1s"
    consume_size: int = CONSUME
    arrow: int = 0
    slow_us: float = 0.0
    drift: bool = False

    @property
    def workload(self) -> Workload:
        """Give the events."""
        drift_ms = self.config().windows[0].size_ms if self.drift else 0
        return Workload(
            self.features, self.missing, self.warm_up, self.models, self.series, self.rate, drift_ms
        )

    def settings(
        self,
        bootstrap: str = "127.0.0.1:9092",
        redis: str | None = None,
        port: int = 0,
        names: Names = NAMES,
    ) -> str:
        """Give the worker's configuration as YAML."""
        wholes, series = self.models, self.models * self.series
        lines = [
            f"bootstrap: {bootstrap}",
            f"app: {names.app}",
            f"topics: {{features: {names.features}, predictions: null, labels: null, alerts: {names.alerts}}}",
            f"windows: [{self.windows}]",
            f"pane: {self.pane}",
            f"lateness: {self.lateness}",
            f"commit_interval: {self.commit_interval}",
            f"sample: {self.ladder or self.sample}",
            f"redis: {{url: {redis or 'null'}}}",
            f"http: {{port: {port}}}",
            f"limits: {{models_max: {max(1000, wholes)}, series_max: {max(1000, self.series + 1)},",
            f"  partition_series_max: {max(10_000, wholes + series)}}}",
        ]
        if self.drift:
            lines += [
                "alarms: {clear_after: 1, cooldown: 0s}",
                "detectors: {psi: {threshold: 0.2}}",
            ]
        return "\n".join(lines) + "\n"

    def config(self) -> Config:
        """Give the worker's configuration, for those who need no broker."""
        return from_text(self.settings(), {})

    def check(self) -> None:
        """Refuse what cannot be measured; ValueError says why, and what to do."""
        self._check_numbers()
        if self.feed == "memory":
            self._check_memory()
        if self.feed == "embedded" and self.partitions != PARTITIONS:
            raise ValueError(f"the embedded broker has {PARTITIONS} partitions; use --feed kafka")
        if self.arrow and self.feed != "memory":
            raise ValueError("Arrow messages come from memory only: use --feed memory")
        if self.workers > 1 and self.mode != "whole":
            raise ValueError(
                f"only whole workers can share the partitions: leave {self.mode} out of --modes"
            )
        if self.workers > self.partitions:
            raise ValueError(f"{self.workers} workers cannot share {self.partitions} partitions")
        try:
            self.config()
        except ConfigError as error:
            raise ValueError(str(error)) from None

    def _check_numbers(self) -> None:
        for name, least in LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}: it must be {least} at least")
        if not 0 <= self.missing <= 1:
            raise ValueError(f"missing is {self.missing}: it is a share, from 0 to 1")

    def _check_memory(self) -> None:
        if self.mode != "whole":
            raise ValueError(
                f"from memory there is only the whole: leave {self.mode} out of --modes, or use another --feed"
            )
        if self.paced:
            raise ValueError(
                "the time to an alert is measured on a broker only: use another --feed"
            )
        if self.workers > 1:
            raise ValueError("from memory there is no second worker: use another --feed")

    def name(self, beside: "Case") -> str:
        """Tell in what this case differs from another one."""
        other = asdict(beside)
        return " ".join(f"{k}={v}" for k, v in asdict(self).items() if v != other[k]) or "as it is"


SWEPT: dict[str, Any] = {field.name: field.type for field in fields(Case)}
"""What can be swept over, and the type of its values."""


def swept(base: Case, sweeps: Sequence[str]) -> list[Case]:
    """Give the base at each value of each sweep `NAME=V,V`, one sweep after another; without any, the base.

    Raises:
        ValueError: a value is none of its parameter, or there is no such parameter.
    """
    if not sweeps:
        return [base]
    named = [sweep.partition("=") for sweep in sweeps]
    for sweep, (_, equals, _) in zip(sweeps, named, strict=True):
        if not equals:
            raise ValueError(f"{sweep!r} is no sweep: write NAME=VALUE,VALUE")
    cases = [
        replace(base, **{name: _value(name, text)})
        for name, _, values in named
        for text in values.split(",")
    ]
    return list(dict.fromkeys(cases))


def _value(name: str, text: str) -> Any:
    if name not in SWEPT:
        raise ValueError(f"there is no parameter {name!r} to sweep; there are {', '.join(SWEPT)}")
    kind = SWEPT[name]
    try:
        return text == "true" if kind is bool else kind(text)
    except ValueError:
        raise ValueError(f"{text!r} is no value of {name}") from None
