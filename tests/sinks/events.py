"""Drift events to try sinks with: one maker, and a strategy for hostile ones."""

from typing import Any, get_args

from hypothesis import strategies as st

from sinks import DriftEvent, Phase, Severity, rfc3339

HOUR_MS = 3_600_000
YEAR_2000_MS, YEAR_2100_MS = 946_684_800_000, 4_102_444_800_000


def drift_event(number: int, **changes: Any) -> DriftEvent:
    """Make the number-th event of a series: id and window end follow the number."""
    fields: dict[str, Any] = {
        "id": f"{number:032x}",
        "time_ms": 1_372_636_800_000 + number * HOUR_MS,
        "model": "flights",
        "version": "1",
        "segment": {},
        "column": "temp",
        "detector": "psi",
        "phase": "started",
        "severity": "warning",
        "kind": "data_drift",
    } | changes
    details = {"summary": f"temp moved, finding {number}", **fields.pop("data", {})}
    return DriftEvent(data=alert(fields) | details, **fields)


def alert(fields: dict[str, Any]) -> dict[str, object]:
    """Build the part of a `driftbus.alert/1` object that repeats the event's fields."""
    return {
        "schema": "driftbus.alert/1",
        "phase": fields["phase"],
        "kind": fields["kind"],
        "severity": fields["severity"],
        "model": fields["model"],
        "version": fields["version"],
        "column": fields["column"],
        "segment": fields["segment"],
        "detector": {"name": fields["detector"]},
        "window": {"end": rfc3339(fields["time_ms"])},
    }


def series(count: int) -> list[DriftEvent]:
    """Make that many events of one model, in order."""
    return [drift_event(number) for number in range(count)]


# Names as unkind as JSON allows: quotes, line ends, separators, controls, any plane of Unicode.
names = st.text(max_size=12) | st.sampled_from(
    [
        'say "hi"',
        "two\nlines",
        "a/b",
        "a,b=c",
        "50%",
        "\x1b[31mred",
        "\u2028",
        "Zürich",
        "气温",
        "🛫",
    ]
)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | names,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
drift_events = st.builds(
    drift_event,
    st.integers(0, 2**64),
    time_ms=st.integers(YEAR_2000_MS, YEAR_2100_MS),
    model=names,
    version=names,
    segment=st.dictionaries(names, names, max_size=3),
    column=st.none() | names,
    detector=names,
    phase=st.sampled_from(get_args(Phase)),
    severity=st.sampled_from(get_args(Severity)),
    kind=names,
    source=names.filter(bool),
    data=st.fixed_dictionaries({"explain": json_values, "summary": names}),
)
