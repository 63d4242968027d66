"""The JSON Schema takes what the reader takes and refuses what it refuses, value by value."""

import typing

import pytest
import yaml
from jsonschema import Draft202012Validator

from stream.config import Config, json_schema, masked
from tests.config.test_reading import WHOLE

Schema = dict[str, typing.Any]


def _errors(text: str) -> list[str]:
    found = Draft202012Validator(json_schema()).iter_errors(yaml.safe_load(text))
    return [error.message for error in found]


def _objects(schema: Schema) -> list[Schema]:
    return [schema, *schema["$defs"].values()]


def test_it_is_a_schema_of_2020_12() -> None:
    """It passes the metaschema, and every reference in it leads somewhere."""
    schema = json_schema()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    "text",
    [
        WHOLE,
        masked(Config()),
        "{}",
        "http: {port: '${PORT}'}\npane: ${PANE:-10s}\ndetectors: {psi: {enabled: '${ON}'}}",
        "files: {constants: {version: 1}}",
        "detectors: {river.FHDDM: {settings: {sliding_window_size: 50}}, g: {enabled: null}}",
        "detectors: {cusum: {settings: {mode: up, threshold: 5.5, mean: '${MEAN}'}}}",
    ],
)
def test_good_files_pass(text: str) -> None:
    """All keys, all defaults, none, variables in place of numbers."""
    assert _errors(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "pan: 1s",
        "http: {prot: 1}",
        "http: {port: 70000}",
        "http: {port: eighty}",
        "pane: soon",
        "pane: 0",
        "windows: []",
        "windows: [{every: 1h}]",
        "windows: [{size: 1h, evry: 1h}]",
        "sample: 2",
        "detectors: {spi: {}}",
        "detectors: {psi: {floor: -1}}",
        "detectors: {river.: {}}",
        "detectors: {river: {}}",
        "detectors: {cusum: {settings: 5}}",
        "detectors: {cusum: {settings: {mode: [up]}}}",
        "sinks: [{type: jsonl}]",
        "sinks: [{type: mail}]",
        "sinks: [{mode: binary}]",
        "kafka: {plugin.library.paths: x}",
        "topics: {alerts: null}",
    ],
)
def test_bad_files_fail(text: str) -> None:
    """What is wrong with a single value is seen by an editor too."""
    assert _errors(text)


def test_every_key_is_closed_and_described() -> None:
    """No section takes unknown keys, and every key says what it is for."""
    for section in _objects(json_schema()):
        assert section["additionalProperties"] is False
        for name, key in section["properties"].items():
            assert key.get("description") or "$ref" in key or name == "type" or "items" in key, name


def test_defaults_are_written_as_people_write_them() -> None:
    """Durations stand there as text."""
    schema = json_schema()
    assert schema["properties"]["pane"]["default"] == "10s"
    assert schema["properties"]["windows"]["default"] == ["1h", "1d"]
    assert schema["$defs"]["LabelsConfig"]["properties"]["wait"]["default"] == "7d"
