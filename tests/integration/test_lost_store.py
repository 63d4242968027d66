"""Redis loses everything in the middle: the state is restored from a copy on Kafka, and nothing is missing or twice."""

import time
from pathlib import Path

import pytest
from redis import Redis

from stream.files.source import FileEvent
from stream.run.copies.export import read_export
from tests.cli.command import driftbus
from tests.integration.fleet import Fleet, fleet
from tests.integration.oracle import SETTINGS, Oracle, differing
from tests.servers import redis_server

pytestmark = pytest.mark.servers


def wait_for_end(workers: Fleet, seconds: float) -> tuple[int, str]:
    """Wait until the last worker ends by itself; give its exit code and its log, and forget it."""
    worker = workers.workers.pop()
    log = workers.folder / f"worker-{workers.ports[len(workers.workers)]}.log"
    code = worker.wait(seconds)
    workers.ports.pop()
    return code, log.read_text()


def test_a_redis_that_is_flushed_is_restored_and_ends_in_the_state_of_a_replay(
    tmp_path: Path, kafka_bootstrap: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Workers stop and say so, before and after a restart; then the same alerts, none twice, and the same state."""
    expected = set(oracle.alerts)
    name = f"flushed-{time.monotonic_ns()}"
    data = tmp_path / "redis"
    data.mkdir()
    with redis_server(data) as (url, _), Redis.from_url(url) as redis:
        text = f"""{SETTINGS}
bootstrap: {kafka_bootstrap}
redis: {{url: "{url}"}}
app: {name}
backup: {{every: 1s}}
kafka: {{heartbeat.interval.ms: 500, session.timeout.ms: 6000}}
topics: {{features: f.{name}, predictions: p.{name}, labels: l.{name}, alerts: a.{name}}}
"""
        with fleet(tmp_path, text, None) as workers:
            workers.make_topics()
            workers.start()
            config = tmp_path / f"worker-{workers.ports[0]}.yaml"
            third = len(events) // 3
            workers.produce(events[:third])
            workers.wait("a third", lambda: workers.consumed() == third, 180)

            def copies() -> int:
                return workers.each_log()[0].count("of the state is taken")

            seen = copies()
            workers.wait("a copy of that", lambda: copies() > seen + 1, 180)
            workers.produce(events[third : 2 * third])
            workers.wait("alerts", lambda: workers.consumed() > third, 180)
            before = workers.alerts(1, 90)
            redis.flushall()
            code, log = wait_for_end(workers, 180)
            assert (code, "driftbus state restore" in log) == (1, True), log
            workers.start()
            code, log = wait_for_end(workers, 180)
            assert code == 1, log
            assert "the state is gone, and there is a copy" in log
            done = driftbus("state", "restore", "-c", config)
            assert done.exit_code == 0, done.output
            assert f"from copy {int(redis.hget(f'{{{name}:backup}}', 'base') or 0)}" in done.output
            assert driftbus("state", "restore", "-c", config).exit_code == 2
            began = time.monotonic()
            workers.start()
            workers.start()
            workers.produce(events[2 * third :])
            workers.wait("everything", lambda: workers.consumed() == len(events), 180)
            print(f"recovered within {time.monotonic() - began:.1f} s")
            told = workers.alerts(len(expected), 90)
            assert all(code == 0 for code in workers.end()), workers.logs()
            assert before
            assert {event["id"] for event in told} == expected, workers.logs()
            assert len(told) == len(expected), "an alert was told twice"
            exported = driftbus("state", "export", "-c", config, tmp_path / "state")
            assert "sha256" in exported.output
            shown = driftbus("state", "show", "-c", config)
            assert f"f.{name}/3" in shown.output
    assert differing(read_export(tmp_path / "state"), oracle.state) == []
