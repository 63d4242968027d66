"""The way back: a configuration as plain values, as YAML to be shown, as a digest."""

import hashlib
from collections.abc import Callable, Mapping

import msgspec
import orjson
import yaml

from stream.config.detector_names import DETECTORS_BY_DEFAULT
from stream.config.durations import duration_text
from stream.config.intake import Sampling
from stream.config.schema import Config
from stream.config.secret import Secret
from stream.config.watching import Window

__all__ = ["detection_hash", "masked", "plain"]


def plain(value: object, duration: Callable[[int], object] = duration_text) -> object:
    """Turn a configuration, or a part of one, into plain dicts, lists and scalars.

    Args:
        value: a struct, or anything in one.
        duration: how ms are written; by default as people do. Secrets are always masked.
    """
    if isinstance(value, Window) and value.tumbling:
        return duration(value.size_ms)
    if isinstance(value, msgspec.Struct):
        config = value.__struct_config__
        tag = {config.tag_field: config.tag} if config.tag_field else {}
        return tag | {
            field.encode_name: (
                duration(getattr(value, field.name))
                if field.name.endswith("_ms") and getattr(value, field.name) is not None
                else plain(getattr(value, field.name), duration)
            )
            for field in msgspec.structs.fields(value)
        }
    if isinstance(value, Mapping):
        return {name: plain(inner, duration) for name, inner in value.items()}
    if isinstance(value, tuple):
        return [plain(inner, duration) for inner in value]
    return value.masked if isinstance(value, Secret) else value


def masked(config: Config) -> str:
    """Tell the whole configuration as YAML, secrets masked.

    `from_text` reads it back, to the same configuration where there are no secrets.
    """
    return yaml.safe_dump(plain(config), sort_keys=False, allow_unicode=True)


def detection_hash(config: Config) -> bytes:
    """Digest what decides detections, and nothing of where or how the system runs.

    BLAKE2b-128 over panes, windows, lateness, references, labels, sampling, alarms and detectors
    in canonical form: a default that is written out changes nothing, nor does a detector that the
    file switches off and that would not run without the file. Settings that came after the first
    release of the hash count only where they are not the default.
    """
    names = {*DETECTORS_BY_DEFAULT, *filter(config.runs, config.detectors)}
    decides = {
        "pane": config.pane_ms,
        "windows": [(window.size_ms, window.every_ms) for window in config.windows],
        "lateness": config.lateness_ms,
        "reference": _section(config.reference, {"compare", "history_ms"}),
        "labels": plain(config.labels, int),
        "sample": _sample(config.sampling),
        "alarms": _section(
            config.alarms,
            {
                "weights",
                "exclude",
                "ongoing_every_ms",
                "cooldown_ms",
                "confirm_within_ms",
                "refit_ms",
            },
        ),
        "detectors": {name: _detector(config, name) for name in names},
    }
    canonical = orjson.dumps(decides, option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(canonical, digest_size=16).digest()


def _section(section: msgspec.Struct, later: set[str]) -> dict[str, object]:
    """Give a section's settings; those that came `later` only where they are not the default."""
    default = type(section)()
    return {
        field.encode_name: plain(value, int)
        for field in msgspec.structs.fields(section)
        if (value := getattr(section, field.name)) != getattr(default, field.name)
        or field.name not in later
    }


def _sample(sampling: Sampling) -> object:
    """Give the default rate where nothing else is said, else all that is said."""
    alone = sampling == Sampling(sampling.default)
    return sampling.default if alone else plain(sampling, int)


def _detector(config: Config, name: str) -> dict[str, object]:
    told = config.detector(name)
    settings = {"settings": plain(told.settings)} if told.settings else {}
    runs = {"enabled": config.runs(name), "floor": told.floor, "threshold": told.threshold}
    return runs | settings
