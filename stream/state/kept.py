"""One hash of the state as a value: whose it is, how far it is, and its fields, but not who owns it."""

from collections.abc import Mapping
from typing import NamedTuple

from stream.errors import CodecError
from stream.state.store import BASE, META, fleet_key, model_key, models_key, partition_key
from stream.state.versions import dump, load, making_sense

__all__ = [
    "FLEET", "SEVERAL_MODELS", "Kept", "What", "kept_of", "key_of", "model_of", "pack_kept", "partition_of",
    "unpack_kept",
]  # fmt: skip

What = tuple[str, str, int]
"""Whose hash it is: ("partition", topic, number), ("model", name, 0), `SEVERAL_MODELS` or `FLEET`. Sorts by kind."""

FLEET: What = ("fleet", "", 0)
"""The hash that all models share."""
SEVERAL_MODELS: What = ("models", "", 0)
"""The hash of what several models tell together."""
KINDS = ("fleet", "model", "models", "partition")


class Kept(NamedTuple):
    """The contents of a hash; `base` is b"" for one that has none."""

    what: What
    base: bytes
    fields: Mapping[bytes, bytes]


def partition_of(topic: str, number: int) -> What:
    """Name the hash of a source partition."""
    return ("partition", topic, number)


def model_of(name: str) -> What:
    """Name the hash of a model."""
    return ("model", name, 0)


def key_of(app: str, what: What) -> str:
    """Tell the key of a hash in the store of an app."""
    kind, name, number = what
    if kind == "partition":
        return partition_key(app, name, number)
    if kind == "model":
        return model_key(app, name)
    return models_key(app) if kind == "models" else fleet_key(app)


def kept_of(what: What, found: Mapping[bytes, bytes]) -> Kept:
    """Make a value of a hash as `Store.peek` gives it; epoch and commit id are its owner's and left out."""
    fields = {field: value for field, value in found.items() if field not in META}
    return Kept(what, found.get(BASE, b""), fields)


def pack_kept(kept: Kept) -> bytes:
    """Give the bytes of a hash: equal contents, equal bytes."""
    return dump(
        "kept", [list(kept.what), kept.base, [list(f) for f in sorted(kept.fields.items())]]
    )


@making_sense("kept")
def unpack_kept(blob: bytes) -> Kept:
    """Read what `pack_kept` gave; CodecError when it is something else."""
    (kind, name, number), base, fields = load(blob, "kept")
    if kind not in KINDS:
        raise CodecError(f"{kind!r} is no kind of a hash", "kept")
    # `%b` takes bytes only: `bytes` of a number would make that many of them.
    read = {b"%b" % field: b"%b" % value for field, value in fields}
    return Kept((str(kind), str(name), int(number)), b"%b" % base, read)
