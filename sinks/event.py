"""The drift event, and how it is written as a CloudEvent 1.0.

A drift event is one phase of one monitor's trouble. It travels as JSON in one of the two modes of
the CloudEvents Kafka binding: *structured* (the whole event is the value) or *binary* (attributes
are headers, the value is `data` alone). Both are pure functions of the event: the same event is
the same bytes, wherever and whenever it is written, so a repeated delivery can be recognised.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal
from urllib.parse import quote

import msgspec
import orjson

__all__ = [
    "STRUCTURED_TYPE",
    "DriftEvent",
    "Phase",
    "Severity",
    "binary",
    "milliseconds",
    "order",
    "parse",
    "rfc3339",
    "structured",
    "subject",
]

Phase = Literal["started", "ongoing", "escalated", "resolved"]
Severity = Literal["info", "warning", "error", "critical"]

STRUCTURED_TYPE = "application/cloudevents+json; charset=UTF-8"
"""The content type of `structured` bytes."""

_TYPE = "io.driftbus.alert.v1"
_DATA_TYPE = "application/json"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)

# Names and numbers of the OpenTelemetry log data model.
_SEVERITIES: dict[Severity, tuple[str, int]] = {
    "info": ("INFO", 9),
    "warning": ("WARN", 13),
    "error": ("ERROR", 17),
    "critical": ("FATAL", 21),
}

# Separators of a subject, and the control characters that CloudEvents forbids in attributes.
_RESERVED = re.compile(r"[%/,=\x00-\x1f\x7f-\x9f]")


class DriftEvent(msgspec.Struct, frozen=True):
    """A verdict worth telling, complete and ready to be written.

    The fields are what sinks sort, route and colour by. `data` is the whole `driftbus.alert/1`
    object that readers get; it repeats model, version, segment, column, detector name, phase,
    severity and kind (`parse` reads them from there) and has a `summary`: one sentence for people.

    Attributes:
        id: 32 hexadecimal digits; the same event always has the same id.
        time_ms: The window's end, event time in ms since the epoch.
        model: The model that is watched.
        version: Its version.
        segment: Name and value pairs; empty for the whole.
        column: The watched column; None for a whole series or a roll-up.
        detector: Name of the detector that spoke.
        phase: Where in its life the incident is.
        severity: How much it matters.
        kind: What drifted, e.g. `data_drift` or `concept_drift`.
        data: The alert object, JSON values only.
        source: CloudEvents `source`; with `id` it is unique for every distinct event.
    """

    id: str
    time_ms: int
    model: str
    version: str
    segment: dict[str, str]
    column: str | None
    detector: str
    phase: Phase
    severity: Severity
    kind: str
    data: dict[str, object]
    source: str = "urn:driftbus"


class _Detector(msgspec.Struct):
    name: str


class _Data(msgspec.Struct):
    """What `data` must tell for an event to be rebuilt."""

    model: str
    version: str
    detector: _Detector
    phase: Phase
    severity: Severity
    kind: str
    segment: dict[str, str] = {}
    column: str | None = None


class _Envelope(msgspec.Struct):
    """The attributes that a structured event must have."""

    specversion: Literal["1.0"]
    id: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")]
    source: Annotated[str, msgspec.Meta(min_length=1)]
    type: Literal["io.driftbus.alert.v1"]
    time: str
    data: dict[str, object]


def structured(event: DriftEvent) -> bytes:
    """Write the event as one CloudEvents JSON object on one line, without a line end.

    The attributes stand in a fixed order and `data` keeps its own. Raises TypeError when `data`
    holds something that JSON has no word for.
    """
    return orjson.dumps(_attributes(event) | {"datacontenttype": _DATA_TYPE, "data": event.data})


def binary(event: DriftEvent) -> tuple[list[tuple[str, bytes]], bytes]:
    """Write the event for the binary mode of Kafka: headers, and `data` as the value.

    Every attribute becomes a UTF-8 header `ce_<name>`, but `datacontenttype` becomes
    `content-type`. Raises TypeError as `structured` does.
    """
    attributes = [(f"ce_{name}", str(value)) for name, value in _attributes(event).items()]
    headers = [("content-type", _DATA_TYPE), *attributes]
    return [(name, value.encode()) for name, value in headers], orjson.dumps(event.data)


def parse(raw: bytes) -> DriftEvent:
    """Read what `structured` wrote; attributes it does not know are ignored.

    Raises ValueError that says which attribute or which field of `data` is wrong.
    """
    try:
        envelope = msgspec.json.decode(raw, type=_Envelope)
        data = msgspec.convert(envelope.data, _Data)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"not a drift event: {error}") from error
    return DriftEvent(
        id=envelope.id,
        time_ms=milliseconds(envelope.time),
        model=data.model,
        version=data.version,
        segment=data.segment,
        column=data.column,
        detector=data.detector.name,
        phase=data.phase,
        severity=data.severity,
        kind=data.kind,
        data=envelope.data,
        source=envelope.source,
    )


def order(event: DriftEvent) -> tuple[object, ...]:
    """Give the key by which files of alerts are sorted.

    (window end, model, version, segment, column, detector, phase), each by its plain value; a
    segment counts as its pairs sorted by name, no column comes before every column. The id stands
    last, so that the order of distinct events never hangs on the order in which they came.
    """
    return (
        event.time_ms,
        event.model,
        event.version,
        tuple(sorted(event.segment.items())),
        event.column or "",
        event.detector,
        event.phase,
        event.id,
    )


def subject(event: DriftEvent) -> str:
    """Name what the event is about: `model/version/column/segment`.

    Model and version always have their place, even when empty; a missing column and an empty
    segment are left out with their slash. A segment is its pairs sorted by name, with commas
    between; only a segment holds a bare `=`. In names `%`, `/`, `,`, `=` and control characters
    are percent-encoded, so that different monitors have different subjects.

    >>> subject(DriftEvent("", 0, "fraud", "12", {"country": "DE", "app": "a/b"}, None, "psi",
    ...     "started", "info", "volume", {}))
    'fraud/12/app=a%2Fb,country=DE'
    """
    column = [] if event.column is None else [_escape(event.column)]
    pairs = (f"{_escape(name)}={_escape(value)}" for name, value in sorted(event.segment.items()))
    segment = [",".join(pairs)] if event.segment else []
    return "/".join([_escape(event.model), _escape(event.version), *column, *segment])


def rfc3339(ms: int) -> str:
    """Write a time in ms since the epoch as RFC 3339 in UTC; whole seconds show no fraction.

    Raises OverflowError outside the years 1 to 9999.

    >>> rfc3339(1372636800000), rfc3339(1372636800125)
    ('2013-07-01T00:00:00Z', '2013-07-01T00:00:00.125Z')
    """
    moment = _EPOCH + ms * _MILLISECOND
    digits = "milliseconds" if ms % 1000 else "seconds"
    return moment.replace(tzinfo=None).isoformat(timespec=digits) + "Z"


def _attributes(event: DriftEvent) -> dict[str, object]:
    """List the context attributes, but for the content type, in the order they are written."""
    text, number = _SEVERITIES[event.severity]
    return {
        "specversion": "1.0",
        "id": event.id,
        "source": event.source,
        "type": _TYPE,
        "subject": subject(event),
        "time": rfc3339(event.time_ms),
        "severitytext": text,
        "severitynumber": number,
    }


def _escape(name: str) -> str:
    return _RESERVED.sub(lambda match: quote(match[0], safe=""), name)


def milliseconds(text: str) -> int:
    """Read a time that `rfc3339` wrote, or any other RFC 3339 with a zone.

    Raises ValueError for what is none.

    >>> milliseconds("2013-07-01T00:00:00.125Z")
    1372636800125
    """
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // _MILLISECOND
    except (ValueError, TypeError) as error:  # TypeError: a time without a zone
        raise ValueError(f"not a drift event: `time` is not RFC 3339: {text!r}") from error
