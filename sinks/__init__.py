"""Where drift events go: the event, the contract of a sink, one destination a file.

This package looks outward only. It knows nothing of input, state or detectors, and its sinks know
nothing of each other; `Courier` brings the events to each of them.
"""

from .console import ConsoleSink
from .courier import Courier
from .event import DriftEvent, Phase, Severity, binary, order, parse, rfc3339, structured, subject
from .jsonl import JsonlSink, write_sorted
from .kafka import KafkaSink
from .memory import MemorySink
from .sink import Remembering, Sink, SinkError

__all__ = [
    "ConsoleSink",
    "Courier",
    "DriftEvent",
    "JsonlSink",
    "KafkaSink",
    "MemorySink",
    "Phase",
    "Remembering",
    "Severity",
    "Sink",
    "SinkError",
    "binary",
    "order",
    "parse",
    "rfc3339",
    "structured",
    "subject",
    "write_sorted",
]
