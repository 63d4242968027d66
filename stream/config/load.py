"""The configuration file, read: text or path in, `Config` out, or every problem at once."""

import os
import typing
from collections.abc import Mapping
from pathlib import Path

from stream.config.kafka import also_allowed
from stream.config.nodes import compose, overlay
from stream.config.read import Reader
from stream.config.rules import problems_of
from stream.config.schema import Config
from stream.errors import ConfigError, FileError

__all__ = ["from_text", "load"]

_NOTHING: Mapping[str, object] = {}


def load(path: Path | None, overrides: Mapping[str, object] = _NOTHING) -> Config:
    """Read a configuration file; without one, the defaults.

    Args:
        path: the YAML file.
        overrides: values that win over the file's, as `from_text` takes them.

    Raises:
        FileError: the file cannot be read.
        ConfigError: it says something that cannot be; all problems at once.
    """
    if path is None:
        return from_text("", os.environ, overrides=overrides)
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise FileError(what, str(path), "check the path and its permissions") from None
    except UnicodeDecodeError:
        raise FileError("is not UTF-8", str(path), "save it as UTF-8") from None
    return from_text(text, os.environ, str(path), overrides)


def from_text(
    text: str,
    env: Mapping[str, str],
    source: str = "configuration",
    overrides: Mapping[str, object] = _NOTHING,
) -> Config:
    """Read a configuration from YAML text.

    Args:
        text: one YAML document; empty for the defaults.
        env: the variables that `${VAR}` and `${VAR:-default}` may name.
        source: what messages call the text.
        overrides: dotted key (`http.port`, `kafka.ssl.ca.location`) to plain value, as it would
            stand in the YAML; a mapping replaces the whole section. Variables are not filled in.

    Raises:
        ConfigError: the text says something that cannot be; all problems at once.
    """
    root = overlay(compose(text, source), overrides)
    reader = Reader(source, env)
    config = reader.read(root, Config)
    if not reader.problems:
        for problem in problems_of(typing.cast("Config", config), also_allowed(env)):
            reader.problem(*problem)
    if reader.problems:
        raise ConfigError.all(reader.problems)
    return typing.cast("Config", config)
