"""Bytewax and river: a data flow in one worker, whose only step takes one event after the other."""

from pathlib import Path

from bytewax import operators
from bytewax.connectors.kafka import KafkaSource, KafkaSourceMessage
from bytewax.dataflow import Dataflow
from bytewax.testing import TestingSink, run_main

from benchmarks.peers.programs.river_work import PACKAGES, RiverWork
from benchmarks.peers.programs.tell import Count, Tell, job

__all__: list[str] = []


def main() -> None:
    """Run a data flow until the process is ended."""
    Tell().versions("bytewax", "confluent-kafka", *PACKAGES)
    told = job()
    work = RiverWork(Path(told["reference"]), Count(Path(told["count"])))

    def watch(message: KafkaSourceMessage) -> bool:
        work.event(message.value)
        return False

    flow = Dataflow("peer")
    events = operators.input("events", flow, KafkaSource([told["bootstrap"]], [told["topic"]]))
    nothing = operators.filter("watch", events, watch)
    operators.output("nothing", nothing, TestingSink([]))
    run_main(flow)


if __name__ == "__main__":
    main()
