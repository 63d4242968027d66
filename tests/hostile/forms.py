"""Families of the whole message: no JSON, cut short, nested, huge."""

import gzip
import zlib
from collections.abc import Iterator

from stream.words import Kind
from tests.hostile.good import KINDS, Case, good, json_object

__all__ = ["huge", "nested", "no_json", "truncated"]


MB = 1_000_000
NO_JSON: dict[str, bytes] = {
    "words": b"not json",
    "null in capitals": b"NULL",
    "nan": b"NaN",
    "undefined": b"undefined",
    "none": b"None",
    "xml": b"<event/>",
    "yaml": b"model: m\nversion: '1'\n",
    "csv": b"m,1,17,2.5",
    "query": b"model=m&version=1",
    "msgpack": b"\x82\xa5model\xa1m\xa7version\xa11",
    "avro": b"\x00\x00\x00\x00\x07\x02m\x021",
    "protobuf": b"\x0a\x01m\x12\x011",
    "gzip": gzip.compress(good(Kind.FEATURES), mtime=0),
    "gzip cut": gzip.compress(good(Kind.FEATURES), mtime=0)[:20],
    "zlib": zlib.compress(good(Kind.FEATURES)),
    "zstd": b"\x28\xb5\x2f\xfd\x24\x00\x01\x00\x00",
    "snappy": b"\x82SNAPPY\x00\x00\x00\x00\x01",
    "bzip2": b"BZh91AY&SY",
    "png": b"\x89PNG\r\n\x1a\n",
    "elf": b"\x7fELF\x02\x01\x01",
    "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00.",
    "shell": b"$(reboot)",
    "template": b"${jndi:ldap://x/a}",
    "nul": b"\x00",
    "nuls": b"\x00" * 1000,
    "utf-16": good(Kind.FEATURES).decode().encode("utf-16"),
    "utf-16 be": good(Kind.FEATURES).decode().encode("utf-16-be"),
    "utf-32": good(Kind.FEATURES).decode().encode("utf-32"),
    "bom": b"\xef\xbb\xbf" + good(Kind.FEATURES),
    "quotes": good(Kind.FEATURES).replace(b'"', b"'"),
    "bare keys": b'{model:"m"}',
    "comment": b"/* x */" + good(Kind.FEATURES),
    "trailing comma": good(Kind.FEATURES)[:-1] + b",}",
    "trailing word": good(Kind.FEATURES) + b"x",
    "two": good(Kind.FEATURES) * 2,
    "two lines": good(Kind.FEATURES) + b"\n" + good(Kind.FEATURES),
    "nul behind": good(Kind.FEATURES) + b"\x00",
    "colon gone": good(Kind.FEATURES).replace(b":", b" ", 1),
    "brace gone": good(Kind.FEATURES)[1:],
    "brackets crossed": b'{"model":["m"}]',
    "tab in text": b'{"model":"m\t"}',
    "newline in text": b'{"model":"m\n"}',
    "escape cut": b'{"model":"\\u12"}',
    "escape unknown": b'{"model":"\\x41"}',
    "only quotes": b'"' * 99,
    "only braces": b"{" * 99,
    "only brackets": b"[" * 99,
    "commas": b"," * 99,
    "del": b"\x7f",
}
NO_OBJECT = {
    "array": b"[]",
    "of objects": b"[%b]" % good(Kind.FEATURES),
    "null": b"null",
    "true": b"true",
    "zero": b"0",
    "number": b"-1.5e300",
    "text": b'"m"',
    "event as text": b'"{\\"model\\":\\"m\\"}"',
    "deep": b"[" * 900 + b"]" * 900,
}


def no_json() -> Iterator[Case]:
    """Give the family."""
    for name, value in NO_JSON.items():
        yield name, Kind.FEATURES, value, "no "  # no JSON, or no UTF-8 text
    for kind in KINDS:
        yield "empty", kind, b"", "empty"
        yield "tombstone", kind, None, "empty"
        yield "blank", kind, b" \t\r\n", "no JSON"
        yield "nothing in it", kind, b"{}", "model is missing"
    for name, value in NO_OBJECT.items():
        yield name, Kind.LABELS, value, "no JSON object"


def truncated() -> Iterator[Case]:
    """Give the family."""
    for kind in KINDS:
        whole = good(kind, more=b',"more":[1,{"x":"\xc3\xa9\\u00e9"},-1.5e-7,null,true]')
        for end in range(1, len(whole)):
            yield f"at {end}", kind, whole[:end], "no "


def nested() -> Iterator[Case]:
    """Give the family."""
    for depth in (100, 900):
        deep = b"[" * depth + b"]" * depth
        yield (
            f"value {depth}",
            Kind.FEATURES,
            good(Kind.FEATURES, {"amount": deep}),
            frozenset({"amount"}),
        )
        yield f"beside {depth}", Kind.LABELS, good(Kind.LABELS, more=b',"more":' + deep), None
    for depth in (5_000, 100_000):
        for shape, deep in {
            "arrays": b"[" * depth + b"]" * depth,
            "objects": b'{"a":' * depth + b"1" + b"}" * depth,
            "open arrays": b"[" * depth,
            "open objects": b'{"a":' * depth,
        }.items():
            yield f"{shape} {depth}", Kind.FEATURES, deep, "no JSON"
            yield (
                f"{shape} {depth} as value",
                Kind.FEATURES,
                good(Kind.FEATURES, {"amount": deep}),
                "no JSON",
            )
            yield (
                f"{shape} {depth} beside",
                Kind.PREDICTIONS,
                good(Kind.PREDICTIONS, more=b',"more":' + deep),
                "no JSON",
            )


def huge() -> Iterator[Case]:
    """Give the family."""
    long, over = b"x" * 10 * MB, "over limits.event_bytes_max"
    yield "text of 10 MB", Kind.FEATURES, good(Kind.FEATURES, {"channel": b'"%b"' % long}), over
    yield "name of 10 MB", Kind.FEATURES, good(Kind.FEATURES, {long.decode(): b"1"}), over
    yield "number of 10 MB", Kind.PREDICTIONS, good(Kind.PREDICTIONS, score=b"9" * 10 * MB), over
    yield "blanks of 10 MB", Kind.LABELS, good(Kind.LABELS, more=b" " * 10 * MB), over
    yield "garbage of 10 MB", Kind.LABELS, b"\xfe" * 10 * MB, over
    garbage = "no Arrow stream that can be read"
    yield "garbage of 10 MB like Arrow", Kind.LABELS, b"\xff" * 10 * MB, garbage
    yield "id of 10 MB", Kind.LABELS, good(Kind.LABELS, id=b'"%b"' % long), over
    yield (
        "a million columns",
        Kind.FEATURES,
        good(Kind.FEATURES, features=b"{%b}" % b",".join(b'"x%d":1' % i for i in range(10**6))),
        over,
    )
    most = b"x" * 900_000
    yield (
        "text of 900 kB",
        Kind.FEATURES,
        good(Kind.FEATURES, {"channel": b'"%b"' % most}),
        frozenset({"channel"}),
    )
    yield (
        "text of 257 bytes",
        Kind.FEATURES,
        good(Kind.FEATURES, {"channel": b'"%b"' % most[:257]}),
        frozenset({"channel"}),
    )
    yield (
        "text of 256 bytes",
        Kind.FEATURES,
        good(Kind.FEATURES, {"channel": b'"%b"' % most[:256]}),
        None,
    )
    yield (
        "129 umlauts",
        Kind.FEATURES,
        good(Kind.FEATURES, {"channel": '"{}"'.format("ü" * 129).encode()}),
        frozenset({"channel"}),
    )
    yield (
        "prediction of 900 kB",
        Kind.PREDICTIONS,
        good(Kind.PREDICTIONS, prediction=b'"%b"' % most),
        frozenset({"prediction"}),
    )
    yield (
        "label of 900 kB",
        Kind.LABELS,
        good(Kind.LABELS, label=b'"%b"' % most),
        frozenset({"label"}),
    )
    yield "name of 900 kB", Kind.FEATURES, good(Kind.FEATURES, {most.decode(): b"1"}), None
    yield "beside of 900 kB", Kind.FEATURES, good(Kind.FEATURES, more=b',"more":"%b"' % most), None
    yield (
        "number of 900 kB",
        Kind.FEATURES,
        good(Kind.FEATURES, {"amount": b"9" * 900_000}),
        frozenset({"amount"}),
    )
    yield (
        "fraction of 900 kB",
        Kind.FEATURES,
        good(Kind.FEATURES, {"amount": b"1." + b"9" * 900_000}),
        None,
    )
    yield (
        "50,000 columns",
        Kind.FEATURES,
        good(Kind.FEATURES, {f"x{i}": b"1" for i in range(50_000)}),
        None,
    )
    yield (
        "50,000 segments",
        Kind.FEATURES,
        good(Kind.FEATURES, segment=json_object({f"s{i}": b'"a"' for i in range(50_000)})),
        "over 16",
    )
    yield (
        "list of 300,000",
        Kind.FEATURES,
        good(Kind.FEATURES, {"amount": b"[" + b"1," * 300_000 + b"1]"}),
        frozenset({"amount"}),
    )
