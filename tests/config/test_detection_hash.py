"""The detection hash changes with what decides detections, and with nothing else."""

import pytest

from stream.config import Config, detection_hash, from_text

DECIDES = [
    "pane: 5s",
    "windows: [1h]",
    "windows: [{size: 1h, every: 10m}, 1d]",
    "lateness: 31s",
    "sample: 0.5",
    "sample: {models: {m: 0.5}}",
    "sample: {adaptive: {}}",
    "sample: {key: model}",
    "detectors: {psi: {enabled: false}}",
    "detectors: {location: {enabled: false}}",
    "detectors: {location: {floor: 0.3}}",
    "detectors: {psi: {threshold: 0.2}}",
    "detectors: {psi: {threshold: 0.2, floor: 0.3}}",
    "detectors: {volume: {threshold: 2}}",
    "detectors: {hellinger: {}}",
    "detectors: {hellinger: {threshold: 0.3}}",
    "detectors: {page_hinkley: {}}",
    "detectors: {cusum: {}}",
    "detectors: {cusum: {settings: {threshold: 5}}}",
    "detectors: {cusum: {settings: {threshold: 6}}}",
    "detectors: {page_hinkley: {settings: {threshold: 5}}}",
    "detectors: {river.ADWIN: {}}",
    "alarms: {budget_per_week: 2}",
    "alarms: {events_min: 31}",
    "alarms: {clear_after: 4}",
    "alarms: {ongoing_every: 2d}",
    "alarms: {ongoing_every: null}",
    "alarms: {cooldown: 2d}",
    "alarms: {cooldown: 0}",
    "alarms: {confirm_within: 7d}",
    "alarms: {refit: 1d}",
    "alarms: {exclude: [{from: 12-24, to: 12-27, name: holidays}]}",
    "alarms: {exclude: [{from: 12-24, to: 12-28, name: holidays}]}",
    "reference: {compare: rolling}",
    "reference: {compare: last_week}",
    "reference: {history: 7d}",
    "reference: {learn_events: 1}",
    "reference: {bins: 21}",
    "reference: {categories_max: 51}",
    "reference: {windows_min: 11}",
    "labels: {wait: 1d}",
    "labels: {waiting_max: 1}",
]
RUNS = [
    "bootstrap: other:9092",
    "app: other",
    "topics: {features: f, alerts: a, labels: null}",
    "kafka: {client.id: x}",
    "redis: {url: redis://h}",
    "max_future: 1m",
    "idle_timeout: 1s",
    "commit_interval: 2s",
    "pane_retention: 2h",
    "sinks: [{type: console}]",
    "files: {label: y}",
    "http: {port: 1}",
    "shutdown_timeout: 1s",
    "limits: {outbox_max: 1}",
    "windows: [1d, 1h]",
    "windows: [1h, {size: 24h, every: 24h}]",
    "detectors: {psi: {enabled: true, floor: null}, location: {}}",
    "detectors: {cusum: {enabled: false}, river.ADWIN: {enabled: false}}",
    "detectors: {psi: , shape: {settings: {}}}",
    "sample: 1",
    "sample: {default: 1}",
    "alarms: {exclude: []}",
    "reference: {compare: fixed, history: 28d}",
    "alarms: {ongoing_every: 168h, cooldown: 24h, confirm_within: 1d, refit: 168h}",
]


@pytest.mark.parametrize("text", DECIDES)
def test_what_decides_changes_the_hash(text: str) -> None:
    """Each setting by itself."""
    assert detection_hash(from_text(text, {})) != detection_hash(Config())


def test_every_deciding_setting_changes_it_in_its_own_way() -> None:
    """No two of them collide."""
    assert len({detection_hash(from_text(text, {})) for text in DECIDES}) == len(DECIDES)


@pytest.mark.parametrize("text", RUNS)
def test_where_and_how_it_runs_leaves_the_hash_alone(text: str) -> None:
    """Brokers, state, names, sinks, limits; defaults written out; the order of windows."""
    assert detection_hash(from_text(text, {})) == detection_hash(Config())


def test_the_hash_is_the_same_in_every_release() -> None:
    """Ids of alerts hang on it, so that of the defaults is held fast: 128 bits."""
    assert detection_hash(Config()).hex() == "5a168f425b9482ed93074b5a14d294b0"
