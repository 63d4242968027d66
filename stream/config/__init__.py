"""The configuration of driftbus: one YAML file, read once into frozen structs.

Every key has a default, so an empty file, or none, is a whole configuration. What is wrong is told
all at once, by key and line. Secrets never show themselves: not in errors, `repr` or `masked`.

    text ─▶ nodes that know their lines ─▶ values by their types ─▶ rules between keys ─▶ Config
            nodes                          read, values             rules, kafka          schema
"""

from stream.config.form import detection_hash, masked
from stream.config.intake import Adaptive, Limits, Sampling
from stream.config.json_schema import json_schema
from stream.config.load import from_text, load
from stream.config.outside import (
    BackupConfig,
    ConsoleSink,
    FilesConfig,
    HttpConfig,
    JsonlSink,
    KafkaSink,
    RedisConfig,
    Sink,
    Topics,
)
from stream.config.rules import cautions
from stream.config.schema import Config
from stream.config.watching import (
    Alarms,
    DetectorConfig,
    Exclusion,
    LabelsConfig,
    ReferenceConfig,
    Window,
)

__all__ = [
    "Adaptive",
    "Alarms",
    "BackupConfig",
    "Config",
    "ConsoleSink",
    "DetectorConfig",
    "Exclusion",
    "FilesConfig",
    "HttpConfig",
    "JsonlSink",
    "KafkaSink",
    "LabelsConfig",
    "Limits",
    "RedisConfig",
    "ReferenceConfig",
    "Sampling",
    "Sink",
    "Topics",
    "Window",
    "cautions",
    "detection_hash",
    "from_text",
    "json_schema",
    "load",
    "masked",
]
