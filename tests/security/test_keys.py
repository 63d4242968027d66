"""Names that events bring are hashed into keys and fields, so none can reach another's state."""

import re

import pytest

from stream.state.store import model_key, partition_key
from stream.words import Kind
from tests.evaluate.streams import CONFIG, Pipeline
from tests.events import T0, feature

ODD = ["}{x}", "a:b", "*", "../x", "é", "\n", "{app}", "x" * 256, "epoch", "base", "p:1"]
FIELD = re.compile(rb"epoch|base|commit|state|models|log|[bqy]|[a-z]:[a-z0-9:]+")
KEY = re.compile(r"\{test:(src:[a-z]+:0|model:[0-9a-f]{32}|fleet)\}")


def test_no_name_of_an_event_stands_in_a_key_or_a_field() -> None:
    """Models, versions, segments, columns and ids of every odd form."""
    pipeline = Pipeline(CONFIG)
    values = [
        feature(at, model=name, version=name, segment={name: name}).replace(
            b'"features":{}', b'"features":{"x":1}'
        )
        for at in (T0, T0 + 36_000_000)
        for name in ["m", *ODD]
    ]
    pipeline.fold([(Kind.FEATURES, value) for value in values])
    pipeline.step()
    hashes = pipeline.store._hashes
    assert len(hashes) > 1
    for key, fields in hashes.items():
        assert KEY.fullmatch(key), key
        assert [field for field in fields if not FIELD.fullmatch(field)] == []


def test_the_braces_that_choose_a_slot_are_only_ours() -> None:
    """And no two models share a key, however alike their names are."""
    assert len({model_key("a", name) for name in ODD}) == len(ODD)
    keys = [model_key("a", name) for name in ODD]
    assert all(key.count("{") == key.count("}") == 1 for key in keys)
    for name in ("a}", "{a", "a:b", "", "a b"):
        with pytest.raises(ValueError, match="cannot be part of a key"):
            partition_key("a", name, 0)
