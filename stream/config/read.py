"""From YAML nodes to frozen structs, with every problem told by its key and line.

The nodes are read against the types of the fields, so one walk serves every section. Aliases are
refused, so that a small file cannot unfold into a big one.
"""

import re
import typing
from collections.abc import Iterable, Mapping

import msgspec
import yaml

from stream.config.nodes import child, filled, is_null, line_of
from stream.config.secret import is_secret
from stream.config.values import choices_of, is_struct, parsed, suggestion, wanted_form
from stream.config.watching import Window
from stream.errors import ConfigError

__all__ = ["BAD", "Reader"]

BAD: typing.Final = object()
"""Stands for a value that could not be read; its problem is noted."""


class Reader:
    """Reads nodes against types and keeps what is wrong.

    Args:
        source: the file's name, for the messages.
        env: the variables that `${VAR}` may name.

    Attributes:
        problems: what was wrong, as it was met.
    """

    def __init__(self, source: str, env: Mapping[str, str]) -> None:
        self.problems: list[ConfigError] = []
        self._source = source
        self._env = env
        self._lines: dict[str, int] = {}
        self._seen: set[int] = set()

    def problem(self, key: str, what: str, todo: str = "") -> object:
        """Note a problem at a key, on the line of the nearest key that the file has."""
        near = key
        while near and near not in self._lines:
            near = re.sub(r"[.\[]?[^.\[]*$", "", near)
        line = self._lines.get(near, 0)
        self.problems.append(ConfigError(what, self._source, todo, key=key, line=line))
        return BAD

    def read(self, node: yaml.Node, wanted: object, key: str = "") -> object:
        """Read a node as a value of a type, `BAD` if it is none."""
        self._lines.setdefault(key, line_of(node))
        if id(node) in self._seen:
            return self.problem(key, "aliases are not read", "write the value out")
        self._seen.add(id(node))
        choices = choices_of(wanted)
        base = typing.get_origin(choices[0])
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, wanted, key)
        structs = tuple(filter(is_struct, choices))
        if isinstance(node, yaml.MappingNode) and structs:
            return self._section(node, structs, key)
        if isinstance(node, yaml.MappingNode) and base is Mapping:
            return self._mapping(node, choices[0], key)
        if isinstance(node, yaml.SequenceNode) and base is tuple:
            return self._sequence(node, wanted, key)
        shape = "a list" if isinstance(node, yaml.SequenceNode) else "a section"
        return self.problem(key, f"expected {wanted_form(wanted)}, got {shape}")

    def _section(self, node: yaml.MappingNode, structs: tuple[typing.Any, ...], key: str) -> object:
        struct = self._of_type(node, structs, key)
        if struct is None:
            return BAD
        tag = struct.__struct_config__.tag_field
        fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
        values: dict[str, object] = {}
        for name, inner in self._entries(node, [*fields, *filter(None, [tag])], key):
            if name != tag:
                values[fields[name].name] = self.read(inner, fields[name].type, _dot(key, name))
        if struct is Window:
            values.setdefault("every_ms", values.get("size_ms", BAD))
        missing = [f for f in fields.values() if f.required and f.name not in values]
        for field in missing:
            self.problem(_dot(key, field.encode_name), "this key is missing", "give it a value")
        bad = missing or any(value is BAD for value in values.values())
        return BAD if bad else struct(**values)

    def _of_type(
        self, node: yaml.MappingNode, structs: tuple[typing.Any, ...], key: str
    ) -> typing.Any:
        """Tell which struct a section is, by its tag where there are several."""
        if len(structs) == 1:
            return structs[0]
        tags = {struct.__struct_config__.tag: struct for struct in structs}
        field = structs[0].__struct_config__.tag_field
        inner = child(node, field)
        if inner is None:
            self.problem(_dot(key, field), "this key is missing", suggestion("", tags))
            return None
        tag = self.read(inner, str, _dot(key, field))
        if tag is not BAD and tag not in tags:
            self.problem(_dot(key, field), "no such type", suggestion(str(tag), tags))
        return tags.get(tag)

    def _mapping(self, node: yaml.MappingNode, wanted: object, key: str) -> object:
        names, inner = typing.get_args(wanted)
        known = typing.get_args(names) or None
        entries = self._entries(node, known, key)
        values = {name: self.read(value, inner, _dot(key, name)) for name, value in entries}
        return BAD if any(value is BAD for value in values.values()) else values

    def _entries(
        self, node: yaml.MappingNode, known: Iterable[str] | None, key: str
    ) -> list[tuple[str, yaml.Node]]:
        """Tell the entries of a section whose names are known and stand there once."""
        found: dict[str, yaml.Node] = {}
        for name_node, inner in node.value:
            name = name_node.value if isinstance(name_node, yaml.ScalarNode) else "?"
            dotted = _dot(key, name)
            first = self._lines.get(dotted, 0)
            self._lines[dotted] = line_of(name_node)
            if name in found:
                todo = f"it stands on line {first} already; keep one"
                self.problem(dotted, "this key stands there twice", todo)
            elif known is not None and name not in known:
                self.problem(dotted, "unknown key", suggestion(name, known))
            else:
                found[name] = inner
        return list(found.items())

    def _sequence(self, node: yaml.SequenceNode, wanted: object, key: str) -> object:
        inner = typing.get_args(choices_of(wanted)[0])[0]
        items = [self.read(item, inner, f"{key}[{at}]") for at, item in enumerate(node.value)]
        if any(item is BAD for item in items):
            return BAD
        try:
            return msgspec.convert(tuple(items), typing.cast("type[object]", wanted))
        except msgspec.ValidationError:
            return self.problem(key, f"expected {wanted_form(wanted)}, got {len(items)} items")

    def _scalar(self, node: yaml.ScalarNode, wanted: object, key: str) -> object:
        text, unset = filled(node, self._env)
        for name in unset:
            remedy = f"set it, or write ${{{name}:-default}}"
            self.problem(key, f"the environment variable {name} is not set", remedy)
        if unset:
            return BAD
        if is_null(node, text):
            return self._null(wanted, key)
        try:
            if wanted is Window:
                size = parsed(text, msgspec.structs.fields(Window)[0].type)
                return Window(typing.cast("int", size), typing.cast("int", size))
            return parsed(text, wanted)
        except ValueError:
            shown = "what is not shown here" if is_secret(key) else f"'{text[:80]}'"
            return self.problem(key, f"expected {wanted_form(wanted)}, got {shown}")

    def _null(self, wanted: object, key: str) -> object:
        """Read a key without value: an empty section is the default one."""
        choices = choices_of(wanted)
        if type(None) in choices:
            return None
        if len(choices) == 1 and (is_struct(wanted) and wanted is not Window):
            return self._section(yaml.MappingNode("", []), choices, key)
        if typing.get_origin(choices[0]) is Mapping:
            return {}
        return self.problem(key, "has no value", f"write {wanted_form(wanted)}, or take it out")


def _dot(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
