"""What a partition leaves out of its log before it is decoded, and what the events that stay stand for."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stream.ingest.arrow.messages import arrow_among
from stream.ingest.ladder import rate_of
from stream.ingest.pace import Pace
from stream.ingest.raw import RawBatch, Source
from stream.ingest.sample import Key, SampleRules, below, draws
from stream.ingest.schedule import Schedule
from stream.words import Kind

__all__ = ["Chosen", "Sieve", "Thinning"]


class Chosen:
    """The events of a batch that stay, each with its draw, the ladder's rate, and the floor of its key."""

    def __init__(
        self,
        rules: SampleRules,
        offsets: NDArray[np.int64],
        drawn: NDArray[np.uint64],
        step: NDArray[np.float64],
        floor: NDArray[np.float64],
    ) -> None:
        self._rules = rules
        self._offsets = offsets
        self._drawn = drawn
        self._step = step
        self._floor = floor

    def at(self, offsets: NDArray[np.int64]) -> "Chosen":
        """Give those at some of the offsets: the ones that could be decoded."""
        if len(offsets) == len(self._offsets):
            return self
        where = np.searchsorted(self._offsets, offsets)
        return Chosen(
            self._rules, offsets, self._drawn[where], self._step[where], self._floor[where]
        )

    @cached_property
    def rate(self) -> float | None:
        """The one rate at which all of them count, in their whole and in their segment; None where they differ."""
        if self._rules.uneven or not len(self._step) or self._floor.any():
            return None
        first = self._step[0]
        return float(self._rules.default * first) if (self._step == first).all() else None

    @property
    def highest_of_rows(self) -> float:
        """The rate by which rows of the one message may be left out whatever their model."""
        return self._rules.highest * float(self._step[0])

    def of_rows(self, drawn: NDArray[np.uint64]) -> "Chosen":
        """Give rows of the one message as events with draws of their own; they have no floor.

        A key names the series of one event; a message of many has rows of any.
        """
        n = len(drawn)
        offsets, step = np.full(n, self._offsets[0]), np.full(n, self._step[0])
        return Chosen(self._rules, offsets, drawn, step, np.zeros(n))

    def counted(
        self, model: str, at: NDArray[np.int64], *, whole: bool
    ) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        """Tell which of a model's events at some positions count in their whole, or in their segment, and their rates.

        A key's floor counts for the series that the key names: the whole would lean towards its rare segments.
        """
        if self.rate is not None:
            return np.ones(len(at), dtype=np.bool_), np.full(len(at), self.rate)
        rate = self._rules.of(model) * self._step[at]
        key = self._rules.key
        if key is Key.MODEL or (key is Key.SERIES and not whole):
            rate = np.maximum(rate, self._floor[at])
        return below(self._drawn[at], rate), rate


class Sieve:
    """What can be left out of topics as soon as it is read: what `Thinning` leaves out of them at any load."""

    def __init__(self, rules: SampleRules) -> None:
        self._rate = 1.0 if rules.floored else rules.highest

    def stays(self, source: Source, offsets: NDArray[np.int64]) -> NDArray[np.bool_] | None:
        """Tell which offsets of a partition some series may want, or that it is an Arrow message's; None for all."""
        if self._rate >= 1.0 or source.kind is not Kind.FEATURES:
            return None
        return below(draws(source, offsets), self._rate)


class Thinning:
    """The sample of one partition: the steps of its rate and, where the record key names series, the keys' pace.

    Only features are thinned by where they stand in the log.
    """

    def __init__(self, source: Source, rules: SampleRules) -> None:
        self.source = source
        self.rules = rules
        self.schedule = Schedule()
        features = source.kind is Kind.FEATURES
        self._idle = not features
        floored = features and rules.floored
        self.pace = Pace(rules.floor, rules.keys_max) if floored else None
        self._asks_keys = floored or (rules.key is Key.MODEL and rules.uneven)

    def rate(self, offset: int) -> float:
        """Tell the rate that holds at an offset for a model of which nothing else is said."""
        return 1.0 if self._idle else self.rules.default * rate_of(self.schedule.rung(offset))

    def thin(self, batch: RawBatch) -> tuple[RawBatch, Chosen | None]:
        """Leave out what no series wants; None where every event counts everywhere.

        Arrow messages all stay: it is their rows that are thinned, once they are read.
        """
        if self._idle or not len(batch):
            return batch, None
        keys = (batch.keys or [None] * len(batch)) if self._asks_keys else ()
        floor: NDArray[np.float64] | float = 0.0
        if self.pace is not None and batch.stamps is not None:
            floor = self.pace.take(keys, batch.stamps)
        step = self.schedule.rates(batch.offsets)
        highest = self._highest(keys, len(batch)) * step
        if np.min(highest) >= 1.0 and not self.rules.uneven:
            return batch, None
        drawn = draws(self.source, batch.offsets)
        stays = below(drawn, np.maximum(highest, floor))
        steps, floors = (np.broadcast_to(of, stays.shape) for of in (step, floor))
        if stays.all():  # as where all that can be left out was left out when it was read
            return batch, Chosen(self.rules, batch.offsets, drawn, steps, floors)
        stays[arrow_among(~stays, batch.lengths(), batch.values.__getitem__)] = True
        offsets = batch.offsets[stays]
        chosen = Chosen(self.rules, offsets, drawn[stays], steps[stays], floors[stays])
        return batch.take(stays), chosen

    def _highest(self, keys: Sequence[bytes | None], n: int) -> NDArray[np.float64] | float:
        """Give the fixed rates by which messages may be left out unread: their models', where the key names one."""
        rules = self.rules
        if rules.key is not Key.MODEL or not rules.uneven or not keys:
            return rules.highest
        of = {name.encode(): rate for name, rate in rules.models.items()}
        of_key = (rules.highest if key is None else of.get(key, rules.default) for key in keys)
        return np.fromiter(of_key, np.float64, n)

    def payload(self, offset: int) -> list[object]:
        """Give the state as of an offset, the next one to be read."""
        pace = None if self.pace is None else self.pace.payload()
        return [self.schedule.until(offset), pace]

    def restore(self, payload: Any) -> None:
        """Take what `payload` gave; the pace of keys only where it is still asked for."""
        steps, pace = payload
        self.schedule = Schedule(steps)
        if self.pace is not None and pace is not None:
            self.pace.restore(pace)
