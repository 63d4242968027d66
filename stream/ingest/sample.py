"""Thins a stream by hashes: the same events whenever the same log is read at the same rates.

Every event has a *draw*, a number of 53 bits made of where it stands in the log, and is kept at a rate if the draw
lies below it; so a lower rate keeps a subset of what a higher one keeps. What is joined is drawn by the id instead, so
that a prediction and its label share their fate, whatever partitions they come by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b

import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from stream.ingest.ladder import LadderRules
from stream.ingest.raw import Source

__all__ = ["Key", "SampleRules", "below", "draws", "kept", "kept_ids"]

DRAW_BITS = 53
ID_SEED = np.uint64(0x6A09E667F3BCC909)
"""Sets the draw of an id apart from the id's hash, by whose size the join lets rows go."""


class Key(StrEnum):
    """What the records' key names: nothing that helps, the model (by its very name), or the series."""

    NONE = "none"
    MODEL = "model"
    SERIES = "series"


@dataclass(frozen=True, slots=True)
class SampleRules:
    """What the configuration says of sampling.

    `default` and `models`: the share of a model's events that counts, in (0, 1]. `ladder`: how far, and when, it goes
    down from there, None for never. `key` tells what the record's key names, and `floor` how many events a minute it
    keeps whatever the rate; at most `keys_max` keys are told apart.
    """

    default: float = 1.0
    models: Mapping[str, float] = field(default_factory=dict)
    ladder: LadderRules | None = None
    key: Key = Key.NONE
    floor: float = 0.0
    keys_max: int = 10_000

    def of(self, model: str) -> float:
        """Tell the fixed rate of a model."""
        return self.models.get(model, self.default)

    @property
    def highest(self) -> float:
        """The highest fixed rate: what is left out by it is left out whatever the model."""
        return max(self.default, *self.models.values()) if self.models else self.default

    @property
    def floored(self) -> bool:
        """Whether a record's key may keep what the rate would leave out."""
        return self.key is not Key.NONE and self.floor > 0

    @property
    def uneven(self) -> bool:
        """Whether models differ, so that some are thinned further once their events are decoded."""
        return any(rate != self.default for rate in self.models.values())


def draws(source: Source, offsets: NDArray[np.int64]) -> NDArray[np.uint64]:
    """Give the draws of offsets, mixed by splitmix64 with a seed of the source. Cost: about 1 ns an offset."""
    return _mixed(offsets.astype(np.uint64), _seed(source))


def below(drawn: NDArray[np.uint64], rate: float | NDArray[np.float64]) -> NDArray[np.bool_]:
    """Tell which draws lie below a rate, or each below its own."""
    if isinstance(rate, float):
        return drawn < np.uint64(round(rate * 2.0**DRAW_BITS))
    return np.asarray(drawn < np.round(rate * 2.0**DRAW_BITS).astype(np.uint64))


def kept(source: Source, offsets: NDArray[np.int64], rate: float) -> NDArray[np.bool_]:
    """Tell which of the offsets are kept at a rate between 0 and 1; a lower rate keeps a subset."""
    return below(draws(source, offsets), rate)


def kept_ids(identity: NDArray[np.uint64], rate: float) -> NDArray[np.bool_]:
    """Tell which hashed ids are kept at a rate; the same on every topic, and a lower rate keeps a subset."""
    return below(_mixed(identity, ID_SEED), rate)


@lru_cache(maxsize=1_000)
def _seed(source: Source) -> np.uint64:
    told = blake2b(f"{source.topic}:{source.partition}".encode(), digest_size=8).digest()
    return np.uint64(int.from_bytes(told, "little"))


@compiled
def _mixed(numbers: NDArray[np.uint64], seed: np.uint64) -> NDArray[np.uint64]:
    mixed = np.empty_like(numbers)
    for i in range(len(numbers)):
        z = numbers[i] * np.uint64(0x9E3779B97F4A7C15) + seed
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        mixed[i] = (z ^ (z >> np.uint64(31))) >> np.uint64(64 - DRAW_BITS)
    return mixed
