"""confluent-kafka and river: batches from the client, then one event after the other."""

from pathlib import Path

from confluent_kafka import Consumer

from benchmarks.peers.programs.river_work import PACKAGES, RiverWork
from benchmarks.peers.programs.tell import Count, Tell, job

__all__: list[str] = []


def main() -> None:
    """Consume until the process is ended."""
    Tell().versions("confluent-kafka", *PACKAGES)
    told = job()
    work = RiverWork(Path(told["reference"]), Count(Path(told["count"])))
    consumer = Consumer({
        "bootstrap.servers": told["bootstrap"],
        "group.id": "peer",
        "auto.offset.reset": "earliest",
    })  # fmt: skip
    consumer.subscribe([told["topic"]])
    while True:
        for message in consumer.consume(10_000, 0.1):
            if message.error() is None and (value := message.value()) is not None:
                work.event(value)


if __name__ == "__main__":
    main()
