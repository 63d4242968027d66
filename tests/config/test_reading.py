"""A configuration is read by the types of its keys, with defaults, variables and overrides."""

from pathlib import Path

import msgspec
import pytest

from stream.config import (
    Config,
    ConsoleSink,
    DetectorConfig,
    Exclusion,
    FilesConfig,
    JsonlSink,
    KafkaSink,
    Window,
    from_text,
    load,
    masked,
)
from stream.config.durations import duration_ms, duration_text
from stream.errors import ConfigError, FileError

WHOLE = """
bootstrap: k1:9092,k2:9092
app: shadow
topics: {features: f, predictions: null, labels: l, alerts: a}
kafka: {security.protocol: SASL_SSL, log.connection.close: false, queued.min.messages: 5000}
redis: {url: rediss://cache:6379/1}
pane: 5s
windows: [1d, {size: 1h, every: 10m}]
lateness: 0
max_future: 500ms
idle_timeout: 2m
commit_interval: 250
pane_retention: 2h
reference: {learn_events: 500, bins: 10, categories_max: 9, windows_min: 4,
            compare: rolling, history: 14d}
labels: {wait: 2d, waiting_max: 10}
sample: 0.25
alarms: {budget_per_week: 0.5, events_min: 10, clear_after: 2, ongoing_every: null, cooldown: 2h, confirm_within: 3d,
         refit: 1d,
         exclude: [{from: '12-24', to: '12-27', name: xmas}, {from: '2013-07-04T06:00:00Z', to: '2013-07-05', name: y}]}
detectors: {adwin: {enabled: false}, psi: {floor: 0.1, threshold: 0.25}, g: {},
            cusum: {settings: {mode: up, threshold: 5, mean: 0.0}}}
sinks: [{type: console}, {type: kafka, mode: binary}, {type: jsonl, path: out.jsonl}]
files: {ts: time, model: null, label: y, segment: [country], ignore: [a, b],
        constants: {model: 7, version: 1.10, country: NO}}
http: {host: localhost, port: 0}
shutdown_timeout: 5s
on_lost_log: reset_and_flag
backup: {every: 5m, topic: kept}
limits: {columns_max: 2, outbox_max: 3, raw_rows_max: 4, event_bytes_max: 5}
"""


def test_nothing_at_all_is_the_default_configuration() -> None:
    """An empty file, none, and a file of empty sections are one and the same."""
    assert load(None) == from_text("", {}) == from_text("# nothing\n", {}) == Config()
    assert from_text("kafka:\nhttp:\ndetectors:\n", {}) == Config()


def test_every_key_is_read_into_its_units() -> None:
    """A file that sets every key to something else sets every field to it."""
    config = from_text(WHOLE, {})
    default = Config()
    same = [f.name for f in msgspec.structs.fields(Config) if _same(config, default, f.name)]
    assert same == []
    assert config.windows == (Window(3_600_000, 600_000), Window(86_400_000, 86_400_000))
    assert (config.pane_ms, config.max_future_ms, config.commit_interval_ms) == (5_000, 500, 250)
    assert config.topics.predictions is None
    assert config.kafka["log.connection.close"] == "false"
    assert config.detector("adwin") == DetectorConfig(enabled=False)
    assert config.detector("volume") == config.detector("g") == DetectorConfig()
    assert config.sinks == (ConsoleSink(), KafkaSink(mode="binary"), JsonlSink(path="out.jsonl"))
    assert config.labels.wait_ms == 172_800_000
    assert config.alarms.exclude[0] == Exclusion(first="12-24", last="12-27", name="xmas")
    assert (config.reference.compare, config.reference.history_ms) == ("rolling", 1_209_600_000)
    assert config.files == FilesConfig(
        ts="time",
        model=None,
        label="y",
        segment=("country",),
        ignore=("a", "b"),
        constants={"model": "7", "version": "1.10", "country": "NO"},
    )


def _same(one: Config, other: Config, name: str) -> bool:
    return bool(getattr(one, name) == getattr(other, name))


@pytest.mark.parametrize("text", ["", WHOLE])
def test_what_is_shown_reads_back_as_what_it_was(text: str) -> None:
    """`masked` and `from_text` are each other's inverse where there are no secrets."""
    config = from_text(text, {})
    assert from_text(masked(config), {}) == config


def test_a_configuration_cannot_be_changed() -> None:
    """The structs are frozen."""
    for field in msgspec.structs.fields(Config):
        with pytest.raises(AttributeError):
            setattr(Config(), field.name, None)


def test_variables_are_filled_in_after_the_yaml_is_read() -> None:
    """A variable brings any characters, numbers and null, and a default where it is not set."""
    text = """
    app: ${APP}
    redis: {url: "redis://u:${PASSWORD}@h"}
    http: {port: "${PORT}", token: "${TOKEN:-}"}
    pane: ${PANE:-20s}
    lateness: ${LATENESS:-7s}
    kafka: {sasl.username: "${APP}-${WHO:-me}"}
    """
    env = {"APP": "x", "PASSWORD": "a: {b} #c '", "PORT": "81", "LATENESS": ""}
    config = from_text(text, env)
    assert (config.app, config.http.port, config.http.token) == ("x", 81, None)
    assert config.redis.url == "redis://u:a: {b} #c '@h"
    assert (config.pane_ms, config.lateness_ms) == (20_000, 7_000)
    assert config.kafka["sasl.username"] == "x-me"


def test_overrides_win_over_the_file_and_are_taken_as_they_are() -> None:
    """A dotted key reaches into sections, Kafka's names keep their dots, `${` stays."""
    text = "http: {port: 1, host: localhost}\npane: 5s\n"
    overrides = {
        "http.port": 2,
        "pane": "1m",
        "topics.labels": None,
        "kafka.ssl.ca.location": "/ca ${X}",
        "app": "null",
        "windows": ["1h"],
    }
    config = from_text(text, {}, overrides=overrides)
    assert (config.http.port, config.http.host, config.pane_ms) == (2, "localhost", 60_000)
    assert config.topics.labels is None
    assert config.kafka == {"ssl.ca.location": "/ca ${X}"}
    assert config.app == "null"
    with pytest.raises(ConfigError, match=r"^configuration: http\.prot: unknown key") as told:
        from_text(text, {}, overrides={"http.prot": 1})
    assert told.value.line == 0


def test_a_file_that_cannot_be_read_is_the_files_fault(tmp_path: Path) -> None:
    """Missing files, folders and other encodings are told in a line and end with exit code 2."""
    (tmp_path / "latin.yaml").write_bytes(b"app: caf\xe9")
    for name in ("missing.yaml", "latin.yaml", "."):
        with pytest.raises(FileError, match=r"read|UTF-8") as told:
            load(tmp_path / name)
        assert told.value.exit_code == 2
        assert "\n" not in str(told.value)


def test_errors_name_the_file(tmp_path: Path) -> None:
    """The path given is the first thing of the message."""
    path = tmp_path / "driftbus.yaml"
    path.write_text("\ufeff# bom\npan: 1s\n", "utf-8")
    with pytest.raises(ConfigError) as told:
        load(path)
    assert str(told.value) == f"{path}: line 2: pan: unknown key; did you mean `pane`?"


@pytest.mark.parametrize("ms", [0, 1, 999, 1_000, 90_000, 3_600_000, 86_400_000, 10**12])
def test_durations_are_written_as_they_are_read(ms: int) -> None:
    """`duration_ms` undoes `duration_text`."""
    assert duration_ms(duration_text(ms)) == ms


@pytest.mark.parametrize(
    "text", ["", "s", "-1s", "1.5h", "1h30m", "1w", "1 s", "1S", "1_0s", "\u0661s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    """One whole number and one unit, or no duration."""
    with pytest.raises(ValueError, match="duration"):
        duration_ms(text)
