"""Single values of a configuration: read from text by the type that is wanted, told in words.

The type decides, not YAML's guess: for a text `version: 1.10` stays `1.10` and `app: no` stays
`no`; for a duration `10s` is 10,000 ms.
"""

import math
import types
import typing
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

import msgspec

from stream.config.durations import duration_ms
from stream.config.watching import Setting, Window

__all__ = ["choices_of", "is_struct", "parsed", "suggestion", "wanted_form"]

_BOOLEANS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}
_WORDS: dict[object, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    Window: "a duration such as 1h, or {size: 1d, every: 1h}",
    tuple: "a list",
    Mapping: "a section",
}


def is_struct(wanted: object) -> bool:
    """Tell whether a type is a section."""
    return isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)


def _peeled(wanted: object) -> tuple[typing.Any, list[msgspec.Meta]]:
    """Take the annotations off a type."""
    metas: list[msgspec.Meta] = []
    while typing.get_origin(wanted) is typing.Annotated:
        wanted, *found = typing.get_args(wanted)
        metas += found
    return wanted, metas


def _is_union(base: object) -> bool:
    return typing.get_origin(base) in (types.UnionType, typing.Union)


def choices_of(wanted: object) -> tuple[typing.Any, ...]:
    """Tell the members of a union, without annotations; of another type the type itself."""
    base, _ = _peeled(wanted)
    members = typing.get_args(base) if _is_union(base) else (base,)
    return tuple(_peeled(member)[0] for member in members)


def parsed(text: str, wanted: object) -> object:
    """Read a text as a value of the type wanted, within its bounds.

    Raises:
        ValueError: it is no such value.
    """
    value = _guess(text, wanted)
    return msgspec.convert(value, typing.cast("type[object]", wanted))


def _guess(text: str, wanted: object) -> object:
    _, metas = _peeled(wanted)
    base = choices_of(wanted)[0]
    if choices_of(wanted) == choices_of(Setting):
        return _looks_like(text)
    if any(meta.extra for meta in metas):
        return duration_ms(text)
    if base is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError("neither true nor false")
        return _BOOLEANS[text.lower()]
    if base is int:
        return int(text)
    if base is float:
        number = float(text)
        if not math.isfinite(number):
            raise ValueError("not a finite number")
        return number
    return text


def _looks_like(text: str) -> object:
    """Read a number or true or false as such, and all else as a text."""
    for known in (int, float):
        try:
            number = known(text)
        except ValueError:
            continue
        if math.isfinite(number):
            return number
    return {"true": True, "false": False}.get(text.lower(), text)


def wanted_form(wanted: object) -> str:
    """Say in words what a type wants.

    >>> wanted_form(typing.Annotated[int, msgspec.Meta(ge=2, le=9)] | None)
    'a whole number >= 2 and <= 9, or null'
    """
    base, metas = _peeled(wanted)
    if _is_union(base):
        members = typing.get_args(base)
        forms = dict.fromkeys(wanted_form(member) for member in members if member is not type(None))
        return " or ".join(forms) + (", or null" if type(None) in members else "")
    if any(meta.extra for meta in metas):
        form = "a duration such as 500ms, 10s, 5m, 1h or 7d,"
    elif typing.get_origin(base) is typing.Literal:
        return "one of " + ", ".join(typing.get_args(base))
    else:
        form = _WORDS.get(base) or _WORDS.get(typing.get_origin(base)) or "a section"
    return " ".join([form, " and ".join(_limits(metas))]).strip(" ,")


def _limits(metas: list[msgspec.Meta]) -> list[str]:
    signs = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}
    limits = [
        f"{sign} {getattr(meta, name)}"
        for meta in metas
        for name, sign in signs.items()
        if getattr(meta, name) is not None and getattr(meta, name) < 10**12
    ]
    lengths = [
        f"of {name.removesuffix('_length')} length {getattr(meta, name)}"
        for meta in metas
        for name in ("min_length", "max_length")
        if getattr(meta, name) is not None
    ]
    return limits + lengths


def suggestion(name: str, known: Iterable[str]) -> str:
    """Say what a misspelt name may have meant, or what there is; nothing if there is nothing."""
    names = list(known)
    near = get_close_matches(name, names, 1)
    if near:
        return f"did you mean `{near[0]}`?"
    return f"known: {', '.join(names)}" if names else ""
