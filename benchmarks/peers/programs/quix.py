"""Quix Streams and river: a streaming data frame whose rows are the bytes of an event."""

from collections.abc import Sequence
from pathlib import Path

from quixstreams import Application
from quixstreams.models import TopicAdmin, TopicConfig, TopicManager

from benchmarks.peers.programs.river_work import PACKAGES, RiverWork
from benchmarks.peers.programs.tell import Count, Tell, job

__all__: list[str] = []

GROUP = "peer"


def admin(bootstrap: str) -> TopicAdmin:
    """Make what tells Quix of a topic, once, before the first event: here it tells what is in the metadata.

    The embedded broker knows nothing of a topic's settings, for which it would be asked, too.
    """
    made = TopicAdmin(bootstrap)

    def inspect_topics(names: Sequence[str], timeout: float = 30.0) -> dict[str, TopicConfig]:
        there = made.list_topics(timeout)
        return {
            name: TopicConfig(len(there[name].partitions), replication_factor=1, extra_config={})
            for name in names
        }

    made.inspect_topics = inspect_topics
    return made


def main() -> None:
    """Run a Quix application until the process is ended."""
    Tell().versions("quixstreams", "confluent-kafka", *PACKAGES)
    told = job()
    work = RiverWork(Path(told["reference"]), Count(Path(told["count"])))
    app = Application(
        broker_address=told["bootstrap"],
        consumer_group=GROUP,
        auto_offset_reset="earliest",
        topic_manager=TopicManager(admin(told["bootstrap"]), GROUP, auto_create_topics=False),
        state_dir=told["folder"],
        loglevel="WARNING",
    )
    topic = app.topic(told["topic"], value_deserializer="bytes")
    app.dataframe(topic).update(work.event)
    app.run()


if __name__ == "__main__":
    main()
