"""What a worker asks of Kafka beside its consumer is answered before the process ends, or not at all."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient

from stream.config import from_text
from stream.run.work import worker as of_worker
from stream.run.work.brokers import Brokers
from stream.run.work.faust_app import FaustProcess
from stream.run.work.worker import Worker

NOBODY: dict[str, str | int | float | bool] = {"bootstrap.servers": "127.0.0.1:9", "log_level": 0}
ENDS_WHILE_IT_ASKS = f"""
import ctypes
import threading
import time
from types import SimpleNamespace
from confluent_kafka.admin import AdminClient
from stream.run.work import brokers

brokers.ANSWER_S = 0.8
libc = ctypes.CDLL(None)
libc.on_exit(libc.sleep, None)  # for as many seconds as the exit code says, when the interpreter is gone
runtime = SimpleNamespace(logs={{"features": "known"}}, know_logs=lambda logs: None)
asking = brokers.Brokers(AdminClient({NOBODY}), ["features"], runtime, None)
threading.Thread(target=asking.settle_logs, daemon=True).start()
time.sleep(0.1)
asking.close()
print("ends")
raise SystemExit(1)
"""
ENDS_WHILE_IT_WARNS = """
import ctypes
import time
from types import SimpleNamespace
from confluent_kafka.admin import AdminClient
from stream.config import from_text
from stream.run.fleet import retention
from stream.run.work.one_thread import OneThread

AdminClient.list_topics = lambda *_, **more: SimpleNamespace(topics=["features"])
retention.ANSWER_S = 0.8
libc = ctypes.CDLL(None)
libc.on_exit(libc.sleep, None)
asking = OneThread("driftbus-backup")
asking.submit(retention.too_short, from_text("bootstrap: 127.0.0.1:9", {}))
time.sleep(0.3)
asking.shutdown(wait=False)
print("ends")
raise SystemExit(1)
"""


@pytest.mark.parametrize(
    "program", [ENDS_WHILE_IT_ASKS, ENDS_WHILE_IT_WARNS], ids=["which topics", "how long they keep"]
)
def test_a_process_may_end_while_it_asks(program: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", program], check=False, timeout=60, stdout=subprocess.PIPE
    )
    assert (ended.returncode, ended.stdout) == (1, b"ends\n")


def test_who_is_closed_asks_no_more() -> None:
    learned: list[Any] = []
    runtime: Any = SimpleNamespace(logs={"features": "known"}, know_logs=learned.append)
    consumer: Any = SimpleNamespace()
    brokers = Brokers(AdminClient(NOBODY), ["features"], runtime, consumer)
    brokers.close()
    brokers.settle_logs()
    assert learned == []


@pytest.mark.parametrize("ending", [SystemExit(3), KeyboardInterrupt()], ids=["told", "at once"])
def test_a_worker_that_has_ended_asks_no_more(
    ending: BaseException, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However it ends."""
    worker = Worker(from_text("bootstrap: 127.0.0.1:9", {}), [])
    worker.runtime.logs = {"features": "known"}
    learned: list[Any] = []
    monkeypatch.setattr(worker.runtime, "know_logs", learned.append)
    monkeypatch.setattr(of_worker, "Worker", lambda *_: worker)
    monkeypatch.setattr(of_worker, "_set_up_logging", lambda: None)  # for the whole process

    def end(_: FaustProcess) -> None:
        raise ending

    monkeypatch.setattr(FaustProcess, "execute_from_commandline", end)
    with worker._folder:
        if isinstance(ending, SystemExit):
            assert of_worker.run(worker.config, []) == 3
        else:
            with pytest.raises(KeyboardInterrupt):
                of_worker.run(worker.config, [])
    worker.brokers.settle_logs()
    assert learned == []
