"""Messages as a topic brings them: good, late, ahead of time, half broken and hostile."""

import orjson
from hypothesis import strategies as st

from tests.events import T0

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from([0, 1, 2.5, -0.0, 0.0, 1e308, -1e308, "web", "app", "", "é"])
)
VALUES = (
    SCALARS
    | st.lists(SCALARS, max_size=2)
    | st.dictionaries(st.text(max_size=2), SCALARS, max_size=2)
)
TIMES = st.integers(T0 - 60_000, T0 + 120_000) | st.sampled_from(
    [
        "2026-01-01T00:00:10Z",
        "2026-01-01T01:00:20.5+01:00",
        "yesterday",
        str(T0),
        None,
        True,
        1.5,
        7,
        2**64,
        T0 + 10**9,
    ]
)
NAMES = st.sampled_from(["m", "m", "m", "n", "", 7, None, "x" * 300])
VERSIONS = st.sampled_from(["1", "1", "1", "2", "", None])
SEGMENTS = st.sampled_from(
    [None, None, {}, {"c": "DE"}, {"c": "FR", "a": "1"}, {"c": 1}, "DE", {"c": "x" * 300}]
)
COLUMNS = st.sampled_from(["amount", "channel", "member", "other", 'a"b', "n\0l"])

HOSTILE: list[bytes | None] = [
    None,
    b"",
    b"not json",
    b"[]",
    b"null",
    b"7",
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":NaN}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1e999}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1},"more":-1e999}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1},"more":[1e999]}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":18446744073709551616}}' % T0,
    b'{"model":"m","version":"1","ts":18446744073709551616,"features":{"amount":1}}',
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1,"amount":"x"}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":"x","amount":1}}' % T0,
    b'{"model":"m","model":"n","version":"1","ts":%d,"features":{"amount":1}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"n\\u0000l":1,"amount":3}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"channel":"\\ud800"}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"channel":"\xff"}}' % T0,
    b'{"model":"m","version":"\xff","ts":%d,"features":{"amount":1}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1},"more":"\xff"}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1},"\xed\xa0\x80":1}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":1},"more":%b}'
    % (T0, b"[" * 5000 + b"]" * 5000),
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":%b}}' % (T0, b"[" * 5000),
    b'{"model":"m","version":"1","ts":%d,"features":{"amou' % T0,
    b'\xef\xbb\xbf{"model":"m","version":"1","ts":%d,"features":{"amount":1}}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":{"channel":"%b"}}' % (T0, b"x" * 2_000_000),
    b'{"model":"m","version":"1","ts":%d,"features":{"amount":%b}}' % (T0, b"9" * 5000),
    b'{"model":"m","version":"1","ts":%d,"features":null}' % T0,
    b'{"model":"m","version":"1","ts":%d,"features":[]}' % T0,
    b'{"model":"m","version":"1","id":7,"ts":%d,"features":{"amount":1}}' % T0,
    b"\x00\x01\x02",
]
"""What has hurt somebody; none may hurt us."""


def _drop_none(event: dict[str, object]) -> bytes:
    return orjson.dumps(
        {name: value for name, value in event.items() if value is not None or name == "label"}
    )


features = st.builds(
    lambda model, version, ts, segment, values: _drop_none(
        {"model": model, "version": version, "ts": ts, "segment": segment, "features": values}
    ),
    NAMES, VERSIONS, TIMES.filter(lambda t: t != 2**64), SEGMENTS, st.dictionaries(COLUMNS, VALUES, max_size=4),
)  # fmt: skip
"""Feature events, many of which are wrong somewhere."""

IDS = st.sampled_from(["a", "b", "c", "d", "e", "", 7, None, "x" * 300])
JOINED = SCALARS | st.lists(SCALARS, max_size=1)
predictions = st.builds(
    lambda version, identity, ts, segment, fields: orjson.dumps(
        {"model": "m", "version": version, "id": identity, "ts": ts, "segment": segment} | fields
    ),
    VERSIONS, IDS, st.integers(T0 - 60_000, T0 + 120_000), SEGMENTS,
    st.dictionaries(st.sampled_from(["prediction", "score", "label"]), JOINED, max_size=3),
)  # fmt: skip
"""Events with predictions and labels, many of which are wrong somewhere: for either topic."""

HONEST = st.builds(
    lambda ts, model, version, segment, amount, channel: orjson.dumps({
        "model": model, "version": version, "ts": ts, "segment": segment,
        "features": {"amount": amount, "channel": channel},
    }),
    st.integers(T0, T0 + 20_000), st.sampled_from(["m", "n"]), st.sampled_from(["1", "2"]),
    st.sampled_from([{}, {"c": "DE"}]), st.none() | st.floats(-50, 150), st.sampled_from(["web", "app", "new", None]),
)  # fmt: skip
"""Feature events without a fault, all of them in time."""

RAW = st.sampled_from(HOSTILE) | features
