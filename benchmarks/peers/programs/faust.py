"""Faust and river: an agent that gets one event after the other, over Faust's own Kafka client."""

from pathlib import Path

import faust
from faust.types import StreamT

from benchmarks.peers.programs.river_work import PACKAGES, RiverWork
from benchmarks.peers.programs.tell import Count, Tell, job

__all__: list[str] = []


def main() -> None:
    """Run a Faust worker until the process is ended."""
    Tell().versions("faust-streaming", "aiokafka", *PACKAGES)
    told = job()
    work = RiverWork(Path(told["reference"]), Count(Path(told["count"])))
    app = faust.App(
        "peer",
        broker=f"kafka://{told['bootstrap']}",
        datadir=told["folder"],
        autodiscover=False,
        web_enabled=False,
        topic_disable_leader=True,
        topic_partitions=told["partitions"],
        consumer_auto_offset_reset="earliest",
    )
    topic = app.topic(told["topic"], value_type=bytes, value_serializer="raw")

    @app.agent(topic)
    async def watch(events: StreamT[bytes]) -> None:
        async for value in events:
            work.event(value)

    faust.Worker(app, loglevel="WARNING").execute_from_commandline()


if __name__ == "__main__":
    main()
