"""The good message of each kind, and the same with raw JSON in some places: what the families are made from."""

from collections.abc import Mapping

from stream.words import Kind
from tests.events import T0

__all__ = ["KINDS", "NOW", "Case", "Fate", "Parts", "good", "json_object", "put"]


NOW = b"%d" % T0
Parts = Mapping[str, bytes]
_FEATURES = {"amount": b"1.5", "channel": b'"web"', "member": b"true", "few": b"1"}
_OWN: dict[Kind, Parts] = {
    Kind.FEATURES: {},
    Kind.PREDICTIONS: {"id": b'"a"', "prediction": b"1.5", "score": b"0.5"},
    Kind.LABELS: {"id": b'"a"', "label": b'"yes"'},
}
KINDS = tuple(_OWN)


def json_object(parts: Parts) -> bytes:
    """Write an object of raw JSON."""
    pairs = (b'"%b":%b' % (k.encode(), v) for k, v in parts.items())
    return b"{%b}" % b",".join(pairs)


def good(
    kind: Kind,
    inner: Parts | None = None,
    /,
    more: bytes = b"",
    without: str = "",
    **changes: bytes,
) -> bytes:
    """Write the good message of a kind, with raw JSON in place of some fields and of some features (`inner`).

    `without` names a field that is left out, `more` stands at the end.
    """
    parts = {"model": b'"m"', "version": b'"1"', "ts": NOW, **_OWN[kind]}
    if kind is Kind.FEATURES:
        parts["features"] = json_object({**_FEATURES, **(inner or {})})
    text = json_object({k: v for k, v in {**parts, **changes}.items() if k != without})
    return text[:-1] + more + b"}"


def put(kind: Kind, field: str, raw: bytes) -> bytes:
    """Write the good message with raw JSON as a field, whichever that is."""
    return good(kind, without=field, more=b',"%b":%b' % (field.encode(), raw))


Fate = str | frozenset[str] | None
"""Words of a reason, the columns that are spoilt, or None: fine."""
Case = tuple[str, Kind, bytes | None, Fate]
