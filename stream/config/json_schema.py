"""The JSON Schema of the configuration file, for editors and for `driftbus config schema`."""

import re
import typing

import msgspec

from stream.config.detector_names import DETECTORS_BY_DEFAULT, DETECTORS_ON_REQUEST, RIVER
from stream.config.durations import DURATION_PATTERN
from stream.config.form import plain
from stream.config.kafka import ALLOWED
from stream.config.schema import Config
from stream.config.watching import Window

__all__ = ["json_schema"]

Schema = dict[str, typing.Any]

_VARIABLE = r"\$\{"
_DURATION = rf"^{DURATION_PATTERN}$|{_VARIABLE}"


def json_schema() -> Schema:
    """Tell the JSON Schema (2020-12) of the YAML file.

    It is made from the same structs that read the file, with their descriptions, bounds and
    defaults. What several keys owe one another is beyond it. Numbers may also be `${VAR}`.
    """
    made = msgspec.json.schema(Config)
    sections: dict[str, Schema] = made["$defs"]
    for section in sections.values():
        section["description"] = " ".join(section["description"].split())
        for field in section["properties"].values():
            _admit(field)
    top = sections.pop("Config")
    properties: dict[str, Schema] = top["properties"]
    for name, default in typing.cast("Schema", plain(Config())).items():
        properties[name].pop("default", None)
        if "$ref" not in properties[name]:
            properties[name]["default"] = default
    default = Config()
    for changed, of in (
        ("LabelsConfig", default.labels),
        ("Alarms", default.alarms),
        ("ReferenceConfig", default.reference),
    ):
        for name, default in typing.cast("Schema", plain(of)).items():
            sections[changed]["properties"][name]["default"] = default
    sections["Window"]["required"] = ["size"]
    size = {name: part for name, part in properties["pane"].items() if name != "default"}
    whole = size | {"description": "A tumbling window of this length."}
    properties["windows"]["items"] = {"anyOf": [whole, {"$ref": f"#/$defs/{Window.__name__}"}]}
    names = {"enum": [*DETECTORS_BY_DEFAULT, *DETECTORS_ON_REQUEST]}
    of_river = {"pattern": rf"^{re.escape(RIVER)}\w+$"}
    properties["detectors"]["propertyNames"] = {"anyOf": [names, of_river]}
    properties["kafka"]["propertyNames"] = {"enum": sorted(ALLOWED)}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "driftbus configuration",
        **{name: part for name, part in top.items() if name not in {"title", "required"}},
        "$defs": sections,
    }


def _admit(field: Schema) -> None:
    """Admit what the reader takes beyond the plain type: durations as text, `${VAR}`, numbers."""
    for part in [field, *field.get("anyOf", ())]:
        if part.pop("unit", None):
            part |= {"type": ["integer", "string"], "pattern": _DURATION}
        elif part.get("type") in {"integer", "number", "boolean"}:
            part |= {"type": [part["type"], "string"], "pattern": _VARIABLE}
        if isinstance(part.get("additionalProperties"), dict):
            texts = part["additionalProperties"]
            if texts.get("type") == "string":
                texts["type"] = ["string", "number", "boolean"]
