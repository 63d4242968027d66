"""What the package says it offers is what it offers."""

from types import ModuleType

import sinks
from sinks import ConsoleSink, JsonlSink, KafkaSink, MemorySink, Sink


def test_all_lists_every_public_name_and_no_other() -> None:
    """Nothing is missing, nothing is only promised, and the list is sorted as people read."""
    public = {
        name
        for name, value in vars(sinks).items()
        if not name.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(sinks.__all__) == public
    assert len(sinks.__all__) == len(public)


def every_sink_is_a_sink(
    console: ConsoleSink, jsonl: JsonlSink, kafka: KafkaSink, memory: MemorySink
) -> list[Sink]:
    """Show the type checker that each destination keeps the contract."""
    return [console, jsonl, kafka, memory]
