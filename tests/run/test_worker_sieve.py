"""What a sample leaves out at any load a worker leaves out where it reads, not only where it folds."""

from contextlib import closing
from typing import Any

import numpy as np
import pytest
from confluent_kafka import Message

from stream.bus.messages import FEW
from stream.config.load import from_text
from stream.ingest.raw import RawBatch
from stream.ingest.sample import below, draws
from stream.run.work.worker import Worker

READ = 1_000


class Client:
    """Has some messages of one partition."""

    def __init__(self) -> None:
        self._given = 0

    def consume(self, n: int, _: float) -> list[Message]:
        first, self._given = self._given, min(self._given + n, READ)
        offsets = range(first, self._given)
        return [Message(topic="features", partition=0, offset=i, value=b"{}") for i in offsets]


def read_by_a_worker(sample: str) -> RawBatch:
    """Give the batch that the thread of a worker makes of what its client has."""
    worker = Worker(from_text(f"bootstrap: 127.0.0.1:9\nsample: {sample}", {}), [])
    client: Any = Client()
    with worker._folder, closing(worker.brokers):
        worker.consumer.pace.consume = READ
        (batch,) = worker.consumer._fill(client).batches()
    return batch


@pytest.mark.parametrize(
    ("sample", "highest"),
    [("0.1", 0.1), ("{default: 0.2, models: {m: 0.5, n: 0.1}}", 0.5), ("1", 1)],
)
def test_a_worker_reads_what_some_model_may_want(sample: str, highest: float) -> None:
    every, batch = np.arange(READ), read_by_a_worker(sample)
    stays = below(draws(batch.source, every), highest)
    stays[:FEW] = True  # so few that the fold may as well leave them out
    assert batch.offsets.tolist() == every[stays].tolist()
    assert batch.passed.tolist() == every[~stays].tolist()
