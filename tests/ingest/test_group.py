"""The columns of a model's events are the same whichever other models the batch has."""

import numpy as np
import orjson

from detectors.summaries.column import Column
from stream.ingest.decode import Decoder
from stream.ingest.group import group_by_model
from stream.ingest.raw import RawBatch, Source
from stream.summaries.schema import Schema, Table
from stream.words import Kind

NUMBERS = {"none": 0, "one": 1, "three": 3, "five": 5}
"""Models, and how many numeric columns each has."""


def schema(model: str) -> Schema:
    columns = [Column(f"x{j}", "number", edges=(0.0, 1.0)) for j in range(NUMBERS[model])]
    columns.append(Column("kind", "string", values=("a", "b")))
    return Schema(Kind.FEATURES, model, columns)


def event(model: str, i: int) -> bytes:
    """Make event i; every seventh lacks its first number, every fifth its category."""
    values: dict[str, object] = {f"x{j}": i + j / 8 for j in range(NUMBERS[model])}
    if i % 7 == 0 and values:
        values["x0"] = None
    if i % 5:
        values["kind"] = "ab"[i % 2]
    told = {"model": model, "version": "1", "ts": 1_767_225_600_000 + i, "features": values}
    return orjson.dumps(told)


def tables(values: list[bytes]) -> dict[str, Table]:
    decoder = Decoder(Kind.FEATURES, [schema(model) for model in NUMBERS], 100_000)
    n = len(values)
    batch = RawBatch(Source(Kind.FEATURES, "features", 0), values, np.arange(n), None)
    decoded = decoder.decode(batch, 0)
    assert not decoded.dead
    made = {}
    for group in group_by_model(decoded, np.arange(n), decoder.schema_of):
        table = group.table()
        assert table is not None
        made[group.model] = table
    return made


def test_the_columns_of_several_models_are_those_of_each_alone() -> None:
    for first in (0, 1):  # from 1 on, a short batch has no number that is missing
        order = np.random.default_rng(7).permutation(
            np.repeat(np.arange(4), 40 if first == 0 else 1)
        )
        names = list(NUMBERS)
        mixed = [(names[m], i) for i, m in enumerate(order.tolist(), first)]
        together = tables([event(model, i) for model, i in mixed])
        assert together.keys() == NUMBERS.keys()
        for name in names:
            alone = tables([event(model, i) for model, i in mixed if model == name])[name]
            assert together[name].X.shape == (len(alone.X), NUMBERS[name])
            np.testing.assert_array_equal(together[name].X, alone.X)
            assert list(together[name].others["kind"]) == list(alone.others["kind"])


def test_an_event_read_by_hand_among_them_changes_nothing_for_the_others() -> None:
    mixed = [("three", 1), ("five", 2), ("three", 3), ("one", 4)]
    values = [event(model, i) for model, i in mixed]
    odd = orjson.loads(event("three", 5))
    odd["features"]["x1"] = "no number"
    together, without = tables([*values, orjson.dumps(odd)]), tables(values)
    for name in ("five", "one"):
        np.testing.assert_array_equal(together[name].X, without[name].X)
