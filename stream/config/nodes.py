"""YAML text as a tree of nodes that know their lines, with variables and overrides put in.

`${VAR}` and `${VAR:-default}` are filled in after the YAML is composed: whatever characters a
variable holds, it cannot change the shape of the file. Within {} and [] YAML itself wants quotes
around them; a value that a variable leaves empty is null.
"""

import re
from collections.abc import Mapping

import yaml
from yaml.composer import ComposerError
from yaml.representer import SafeRepresenter

from stream.errors import ConfigError

__all__ = ["child", "compose", "filled", "is_null", "line_of", "overlay"]

_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}")
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_MAP = "tag:yaml.org,2002:map"
_TEXT = "tag:yaml.org,2002:str"


def compose(text: str, source: str) -> yaml.Node | None:
    """Turn YAML text into its tree of nodes, None for an empty text.

    Raises:
        ConfigError: the text is not one YAML document. The message does not quote the text, which
            may hold a secret.
    """
    try:
        return yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        quotes = isinstance(error, ComposerError)
        told = "an alias, an anchor or a second document" if quotes else error.problem
        raise ConfigError(
            f"cannot be read as YAML: {told}",
            source,
            "check indentation, colons and quotes",
            line=mark.line + 1 if mark else 0,
        ) from None
    except yaml.YAMLError:
        raise ConfigError("holds characters that YAML does not allow", source) from None


def overlay(root: yaml.Node | None, overrides: Mapping[str, object]) -> yaml.Node:
    """Put values given from outside over the file's; a dotted key reaches into sections."""
    if root is not None and not isinstance(root, yaml.MappingNode):
        return root
    top = root or yaml.MappingNode(_MAP, [])
    for key, value in overrides.items():
        *sections, last = key.split(".", 1 if key.startswith("kafka.") else -1)
        node = top
        for section in sections:
            inner = child(node, section)
            if not isinstance(inner, yaml.MappingNode):
                inner = yaml.MappingNode(_MAP, [])
                _put(node, section, inner)
            node = inner
        _put(node, last, SafeRepresenter().represent_data(value))
    return top


def _put(node: yaml.MappingNode, name: str, inner: yaml.Node) -> None:
    rest = [(key, value) for key, value in node.value if key.value != name]
    node.value = [*rest, (yaml.ScalarNode(_TEXT, name), inner)]


def child(node: yaml.MappingNode, name: str) -> yaml.Node | None:
    """Tell the node under a name, None if there is none."""
    found: list[yaml.Node] = [inner for key, inner in node.value if key.value == name]
    return found[0] if found else None


def line_of(node: yaml.Node) -> int:
    """Tell the line a node starts on, from 1; 0 for one that is not of the file."""
    return node.start_mark.line + 1 if node.start_mark else 0


def filled(node: yaml.ScalarNode, env: Mapping[str, str]) -> tuple[str, list[str]]:
    """Tell a scalar's text with its variables filled in, and the variables that are not set.

    As in the shell, a default serves for a variable that is not set or empty. Values that are not
    of the file stay as they are.
    """
    text = str(node.value)
    if not node.start_mark:
        return text, []
    missing = [
        found[1] for found in _VARIABLE.finditer(text) if found[2] is None and found[1] not in env
    ]
    return _VARIABLE.sub(lambda found: env.get(found[1], "") or found[2] or "", text), missing


def is_null(node: yaml.ScalarNode, text: str) -> bool:
    """Tell whether a scalar is null, `text` being what it holds with its variables filled in."""
    if not node.start_mark:
        return str(node.tag).endswith(":null")
    emptied = text == "" != node.value  # by a variable, whatever the quotes
    return emptied or (node.style is None and text in _NULLS)
