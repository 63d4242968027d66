"""Families of single values: numbers, wrong types, keys that are there twice."""

from collections.abc import Iterator

from stream.words import Kind
from tests.hostile.good import KINDS, Case, good, put

__all__ = ["numbers", "twice", "types"]


NUMBERS: dict[str, tuple[bytes, bool]] = {
    "1e999": (b"1e999", False),
    "-1e999": (b"-1e999", False),
    "1E+400": (b"1E+400", False),
    "2^1024": (b"1.7976931348623159e308", False),
    "largest": (b"1.7976931348623157e308", True),
    "1e-999": (b"1e-999", True),
    "denormal": (b"5e-324", True),
    "-denormal": (b"-5e-324", True),
    "-0.0": (b"-0.0", True),
    "-0": (b"-0", True),
    "2^53+1": (b"9007199254740993", True),
    "2^63-1": (b"9223372036854775807", True),
    "2^63": (b"9223372036854775808", True),
    "-2^63-1": (b"-9223372036854775809", True),
    "2^64-1": (b"18446744073709551615", True),
    "2^64": (b"18446744073709551616", True),
    "10^400": (b"1" + b"0" * 400, False),
    "-10^400": (b"-1" + b"0" * 400, False),
    "10^5000": (b"1" + b"0" * 5000, False),
    "400 decimals": (b"0." + b"3" * 400, True),
    "0e99999": (b"0e99999", True),
    "1e-99999": (b"1e-99999", True),
}
NO_NUMBERS = {
    "NaN": b"NaN",
    "Infinity": b"Infinity",
    "-Infinity": b"-Infinity",
    "nan": b"nan",
    "inf": b"inf",
    "01": b"01",
    "+1": b"+1",
    ".5": b".5",
    "1.": b"1.",
    "0x10": b"0x10",
    "1_000": b"1_000",
    "1e": b"1e",
    "--1": b"--1",
    "-": b"-",
    "arabic": "\u0661".encode(),
    "fullwidth": "\uff11".encode(),
    "True": b"True",
    "nothing": b"",
}


def numbers() -> Iterator[Case]:
    """Give the family."""
    for name, (token, is_float) in NUMBERS.items():
        fates = {c: None if is_float else frozenset({c}) for c in ("amount", "few", "score")}
        for column in ("amount", "few"):
            yield (
                f"{column} {name}",
                Kind.FEATURES,
                good(Kind.FEATURES, {column: token}),
                fates[column],
            )
        yield f"score {name}", Kind.PREDICTIONS, good(Kind.PREDICTIONS, score=token), fates["score"]
        yield (
            f"beside {name}",
            Kind.FEATURES,
            good(Kind.FEATURES, more=b',"more":[%b]' % token),
            None,
        )
        for column in ("channel", "member"):
            yield (
                f"{column} {name}",
                Kind.FEATURES,
                good(Kind.FEATURES, {column: token}),
                frozenset({column}),
            )
    for name, token in NO_NUMBERS.items():
        yield f"no number {name}", Kind.FEATURES, good(Kind.FEATURES, {"amount": token}), "no JSON"
        yield f"no label {name}", Kind.LABELS, good(Kind.LABELS, label=token), "no JSON"


WRONG = {
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "fraction": b"1.5",
    "empty": b'""',
    "text": b'"x"',
    "array": b"[]",
    "array of text": b'["x"]',
    "object": b"{}",
    "object of text": b'{"x":"y"}',
    "1e999": b"1e999",
    "2^64": b"18446744073709551616",
}


def types() -> Iterator[Case]:
    """Give the family."""
    for kind in KINDS:
        names = ("model", "version") if kind is Kind.FEATURES else ("model", "version", "id")
        for field in names:
            yield f"{field} gone", kind, good(kind, without=field), f"{field} is missing"
            for name, token in WRONG.items():
                if name != "text":
                    yield (
                        f"{field} {name}",
                        kind,
                        put(kind, field, token),
                        f"{field} is missing or no text",
                    )
        own = {Kind.FEATURES: "features", Kind.PREDICTIONS: "prediction", Kind.LABELS: "label"}[
            kind
        ]
        yield f"{own} gone", kind, good(kind, without=own), f"{own} is missing"
    for name, token in WRONG.items():
        if "object" not in name:
            yield (
                f"features {name}",
                Kind.FEATURES,
                good(Kind.FEATURES, features=token),
                "no object",
            )
        for column, right in {
            "amount": ("number", "fraction", "2^64"),
            "channel": ("text", "empty"),
            "member": ("true",),
        }.items():
            fate = None if name in (*right, "null") else frozenset({column})
            yield f"{column} {name}", Kind.FEATURES, good(Kind.FEATURES, {column: token}), fate
        for column, kind, right in (
            ("prediction", Kind.PREDICTIONS, ("number", "fraction", "2^64")),
            ("score", Kind.PREDICTIONS, ("number", "fraction", "2^64")),
            ("label", Kind.LABELS, ("text", "empty")),
        ):
            fate = None if name in (*right, "null") else frozenset({column})
            yield f"{column} {name}", kind, put(kind, column, token), fate
        for kind in (Kind.FEATURES, Kind.PREDICTIONS):
            fine = name in ("null", "object", "object of text")
            yield (
                f"segment {name}",
                kind,
                good(kind, segment=token),
                None if fine else "segment is no map",
            )
        yield f"carried {name}", Kind.LABELS, good(Kind.LABELS, prediction=token), None


def twice() -> Iterator[Case]:
    """Give the family."""
    for name, (first, second) in {
        "good then bad": (b"1.5", b'"x"'),
        "null last": (b"1.5", b"null"),
        "object last": (b"1.5", b"{}"),
    }.items():
        both = {"amount": first + b',"amount":' + second}
        fate = None if second == b"null" else frozenset({"amount"})
        yield f"column {name}", Kind.FEATURES, good(Kind.FEATURES, both), fate
    yield (
        "column bad then good",
        Kind.FEATURES,
        good(Kind.FEATURES, {"amount": b'"x","amount":1'}),
        None,
    )
    yield (
        "features, the last empty",
        Kind.FEATURES,
        good(Kind.FEATURES, more=b',"features":{}'),
        None,
    )
    yield (
        "features, the last no object",
        Kind.FEATURES,
        good(Kind.FEATURES, more=b',"features":7'),
        "no object",
    )
    yield (
        "escaped alike",
        Kind.FEATURES,
        good(Kind.FEATURES, {"amount": b'1,"\\u0061mount":"x"'}),
        frozenset({"amount"}),
    )
    for kind in KINDS:
        yield (
            "version, the last no text",
            kind,
            good(kind, more=b',"version":7'),
            "version is missing or no text",
        )
        yield "ts, the last too old", kind, good(kind, more=b',"ts":7'), "before the year 2000"
        yield "same again", kind, good(kind, more=b',"version":"1"'), None
