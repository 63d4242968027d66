"""Families of texts and names: bytes that are no text, texts that trip programs up, names too long or too many."""

from collections.abc import Iterator

from stream.words import Kind
from tests.hostile.good import Case, good, json_object, put

__all__ = ["names", "texts"]


BAD_UTF8 = {
    "ff": b"\xff",
    "lone continuation": b"\x80",
    "cut": b"\xc3",
    "overlong nul": b"\xc0\x80",
    "overlong slash": b"\xe0\x80\xaf",
    "surrogate": b"\xed\xa0\x80",
    "surrogate pair": b"\xed\xa0\xbd\xed\xb8\x80",
    "beyond unicode": b"\xf4\x90\x80\x80",
    "five bytes": b"\xf8\x88\x80\x80\x80",
    "latin-1": "é".encode("latin-1"),
    "windows-1252": b"\x93x\x94",
}
ODD_TEXT = {
    "nul": b"\\u0000",
    "bell": b"\\u0007",
    "escape": b"\\u001b[31m",
    "newline": b"\\n",
    "del": b"\x7f",
    "c1": b"\xc2\x85",
    "line separator": b"\xe2\x80\xa8",
    "bom inside": b"\xef\xbb\xbf",
    "right to left": "\u202eweb".encode(),
    "zero width": "we\u200bb".encode(),
    "cyrillic": "w\u0435b".encode(),
    "fullwidth": "\uff57\uff45\uff42".encode(),
    "combining": "e\u0301".encode(),
    "emoji": "🧨".encode(),
    "emoji escaped": b"\\ud83e\\udde8",
    "noncharacter": b"\\uffff",
    "private": b"\\ue000",
    "last plane": "\U0010ffff".encode(),
    "zalgo": ("e" + "\u0301" * 60).encode(),
    "blank": b" ",
    "script": b"<script>alert(1)</script>",
    "sql": b"'; DROP TABLE x; --",
    "path": b"../../etc/passwd",
    "braces": b"{}:{app}",
    "format": b"%s%n{0}",
    "lua": b"]] redis.call()",
    "jndi": b"${jndi:ldap://x}",
    "proto": b"__proto__",
    "other": b"__other__",
    "quote": b'\\"',
    "backslash": b"\\\\",
}
SURROGATES = {
    "high": b"\\ud800",
    "low": b"\\udc00",
    "swapped": b"\\udc00\\ud800",
    "high high": b"\\ud83e\\ud83e",
    "cut pair": b"\\ud83ex",
}


def texts() -> Iterator[Case]:
    """Give the family."""
    for name, raw in BAD_UTF8.items():
        for where, message in {
            "value": good(Kind.FEATURES, {"channel": b'"%b"' % raw}),
            "model": good(Kind.FEATURES, model=b'"%b"' % raw),
            "beside": good(Kind.FEATURES, more=b',"more":"%b"' % raw),
            "name beside": good(Kind.FEATURES, more=b',"%b":1' % raw),
        }.items():
            yield f"{where} bad utf-8 {name}", Kind.FEATURES, message, "no UTF-8"
        yield f"id bad utf-8 {name}", Kind.LABELS, good(Kind.LABELS, id=b'"%b"' % raw), "no UTF-8"
    for name, raw in SURROGATES.items():
        for where, message in {
            "value": good(Kind.FEATURES, {"channel": b'"%b"' % raw}),
            "model": good(Kind.FEATURES, model=b'"%b"' % raw),
            "beside": good(Kind.FEATURES, more=b',"more":"%b"' % raw),
        }.items():
            yield f"{where} lone surrogate {name}", Kind.FEATURES, message, "no JSON"
        yield (
            f"label lone surrogate {name}",
            Kind.LABELS,
            good(Kind.LABELS, label=b'"%b"' % raw),
            "no JSON",
        )
    for name, raw in ODD_TEXT.items():
        yield f"value {name}", Kind.FEATURES, good(Kind.FEATURES, {"channel": b'"%b"' % raw}), None
        yield f"label {name}", Kind.LABELS, good(Kind.LABELS, label=b'"%b"' % raw), None
        yield f"model {name}", Kind.FEATURES, good(Kind.FEATURES, model=b'"%b"' % raw), None
        yield f"id {name}", Kind.PREDICTIONS, good(Kind.PREDICTIONS, id=b'"%b"' % raw), None
        yield (
            f"column {name}",
            Kind.FEATURES,
            good(Kind.FEATURES, more=b"").replace(b'"few":1', b'"%b":1' % raw),
            None,
        )
        yield (
            f"segment {name}",
            Kind.FEATURES,
            good(Kind.FEATURES, segment=b'{"%b":"%b"}' % (raw, raw)),
            None,
        )


def names() -> Iterator[Case]:
    """Give the family."""
    for name in (
        "prediction",
        "score",
        "label",
        "error",
        "model",
        "version",
        "ts",
        "features",
        "constructor",
        "toString",
        "",
        ".",
        "c0",
    ):
        yield f"column {name!r}", Kind.FEATURES, good(Kind.FEATURES, {name: b"1"}), None
    for field, kind in (
        ("model", Kind.FEATURES),
        ("version", Kind.PREDICTIONS),
        ("id", Kind.LABELS),
    ):
        yield (
            f"{field} of 257",
            kind,
            put(kind, field, b'"%b"' % (b"x" * 257)),
            f"{field} is longer",
        )
        yield (
            f"{field} of 129 umlauts",
            kind,
            put(kind, field, '"{}"'.format("ü" * 129).encode()),
            f"{field} is longer",
        )
    for name in ("Model", "MODEL", " model", "model ", "m\u043edel", "\uff4dodel", "mod\\u0000el"):
        yield (
            f"key {name!r}",
            Kind.FEATURES,
            good(Kind.FEATURES, without="model", more=b',"%b":"m"' % name.encode()),
            "model is missing",
        )
    for size, fate in {256: None, 257: "segment has a text longer"}.items():
        yield (
            f"segment value of {size}",
            Kind.FEATURES,
            good(Kind.FEATURES, segment=b'{"c":"%b"}' % (b"x" * size)),
            fate,
        )
        yield (
            f"segment name of {size}",
            Kind.PREDICTIONS,
            good(Kind.PREDICTIONS, segment=b'{"%b":"c"}' % (b"x" * size)),
            fate,
        )
    for many, fate in {16: None, 17: "over 16", 1_000: "over 16"}.items():
        names = json_object({f"s{i}": b'"a"' for i in range(many)})
        yield f"segment of {many} names", Kind.FEATURES, good(Kind.FEATURES, segment=names), fate
    yield "blank segment", Kind.FEATURES, good(Kind.FEATURES, segment=b'{"":""}'), None
    yield "blanks around", Kind.FEATURES, b" \n" + good(Kind.FEATURES) + b"\r\n\t", None
