"""The measurement of an overload tells whether a worker kept up, and on a real Kafka it does."""

from pathlib import Path

import orjson
import pytest
from click.testing import CliRunner

from benchmarks.overload import Seen, judged, main, overloaded
from stream.config import Sampling, from_text


def seen(phase: str, at_s: float, lag: float, consumed: float, rate: float) -> Seen:
    return Seen(phase, at_s, lag, consumed, 0.0, rate, 200.0 + at_s)


STORY = [
    seen("flood", 1.0, 200.0, 100.0, 1.0),
    seen("flood", 2.0, 400.0, 200.0, 0.5),
    seen("flood", 3.0, 300.0, 600.0, 0.25),
    seen("calm", 4.0, 10.0, 920.0, 0.25),
    seen("calm", 7.0, 5.0, 970.0, 1.0),
]


def test_what_came_is_what_was_consumed_and_what_waits_and_lags_are_in_seconds() -> None:
    told = judged(STORY, carried=100.0)
    assert told["input_times_carried"] == pytest.approx(3.0)
    assert (told["lag_most_s"], told["lag_flood_end_s"], told["lag_end_s"]) == (4.0, 3.0, 0.05)
    assert (told["rate_least"], told["rate_end"], told["recovered_s"]) == (0.25, 1.0, 4.0)
    assert told["rss_mb_most"] == 207.0


def test_a_worker_that_does_not_come_back_never_recovers() -> None:
    assert judged(STORY[:-1], carried=100.0)["recovered_s"] == float("inf")


def test_the_workers_sample_follows_the_load() -> None:
    config = from_text(overloaded(5_000).settings(), {})
    assert isinstance(config.sample, Sampling)
    assert config.sample.adaptive is not None
    assert config.sample.default == 1.0


@pytest.mark.servers
def test_on_a_real_kafka_three_times_its_load_is_thinned_and_made_up_for(
    kafka_bootstrap: str, tmp_path: Path
) -> None:
    out = tmp_path / "figures.json"
    asked = ["--bootstrap", kafka_bootstrap, "--flood", "20", "--json", str(out)]
    ran = CliRunner().invoke(main, asked, catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    told = orjson.loads(out.read_bytes())["figures"]
    assert told["input_times_carried"] > 2
    assert told["rate_least"] < 0.5
    assert told["lag_most_s"] < 3 * 20
    assert told["lag_end_s"] < 1
    assert told["rate_end"] == 1
