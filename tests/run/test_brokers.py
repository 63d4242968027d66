"""What a worker asks of Kafka beside its consumer is answered before the process ends, or not at all."""

import subprocess
import sys
from types import SimpleNamespace
from typing import Any

from confluent_kafka.admin import AdminClient

from stream.run.work.brokers import Brokers

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


def test_a_process_may_end_while_it_asks() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", ENDS_WHILE_IT_ASKS], check=False, timeout=60, stdout=subprocess.PIPE
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
