"""A broker that is restarted under load, with its topics of events and of alerts, leaves no trace."""

import os
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest

from stream.files.source import FileEvent
from tests.integration.oracle import Oracle
from tests.integration.story import story
from tests.servers import kafka_missing, kafka_server, need

pytestmark = pytest.mark.servers


def test_a_broker_that_goes_and_comes_back_is_waited_for(
    tmp_path: Path, redis_url: str, events: list[FileEvent], oracle: Oracle
) -> None:
    """Once it is ended and once killed; the two workers stay, and so does all they had told."""
    need(kafka_missing())
    with ExitStack() as servers:
        bootstrap, pid = servers.enter_context(kafka_server(tmp_path))
        port = int(bootstrap.rpartition(":")[2])
        with story(tmp_path, events, bootstrap, redis_url, workers=2) as told:

            def restart(how: signal.Signals) -> None:
                nonlocal pid
                told.flows()
                os.kill(pid, how)
                servers.pop_all().close()
                _, pid = servers.enter_context(kafka_server(tmp_path, port))
                told.recovers(f"a broker's {how.name}")

            told.goes_on(
                told.flows, lambda: restart(signal.SIGTERM), lambda: restart(signal.SIGKILL)
            )
            told.ends_like(
                oracle, repeats=True
            )  # what it had taken as it was killed, nobody was told
            assert len(told.workers.workers) == 2, "no worker was started again"
