"""deploy/driftbus.yaml: it loads where it is used, and means the flights."""

import csv
import gzip

import pytest

from stream.config import Config, cautions, from_text
from stream.config.rules import is_loopback
from stream.errors import ConfigError
from tests.deploy.files import CONFIG, read_yaml, services
from tests.servers import ROOT

WORKER = services()["worker-1"]


@pytest.fixture(scope="module", name="config")
def loaded() -> Config:
    """The configuration under the worker's own environment, and nothing else."""
    return from_text(CONFIG.read_text(), WORKER["environment"])


def test_it_names_the_services_of_compose(config: Config) -> None:
    """Kafka is reached by the listener for containers, Redis by its name."""
    kafka = services()["kafka"]["environment"]
    assert f"INTERNAL://{config.bootstrap}" in kafka["KAFKA_ADVERTISED_LISTENERS"].split(",")
    assert config.redis.url == "redis://redis:6379/0"
    assert cautions(config) == []


def test_it_serves_the_port_that_is_published_checked_and_scraped(config: Config) -> None:
    """One port in the configuration, in compose, in the health check and in Prometheus' targets."""
    assert not is_loopback(config.http.host)
    workers = [name for name in services() if name.startswith("worker-")]
    for name in workers:
        (port,) = services()[name]["ports"]
        assert int(port.split(":")[2]) == config.http.port
    (job,) = read_yaml("prometheus/prometheus.yml")["scrape_configs"]
    (group,) = job["static_configs"]
    assert group["targets"] == [f"{name}:{config.http.port}" for name in workers]


def test_without_a_token_it_does_not_load() -> None:
    """Outside compose nobody can forget to choose one."""
    with pytest.raises(ConfigError, match="DRIFTBUS_TOKEN is not set"):
        from_text(CONFIG.read_text(), {})


def test_every_column_it_names_is_in_the_flights(config: Config) -> None:
    """The label and the rest are the file's own words, and model and version are filled."""
    with gzip.open(ROOT / "stream/data/flights-2013.csv.gz", "rt") as file:
        columns = next(csv.reader(file))
    files = config.files
    assert {files.ts, files.prediction, files.label} <= set(columns)
    assert {files.model, files.version} & set(columns) == set()
    assert set(files.constants) == {"model", "version"}
