"""Typed events as arrays, without a look at each of them from Python.

msgspec writes structs as MessagePack, in which a number is eight bytes behind a tag and a text its bytes behind their
number. One compiled pass walks over what is written of many events and tells what stands where: a third of what it
costs to ask each struct for each of its fields.
"""

from collections.abc import Sequence
from operator import attrgetter
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from detectors.compiled import compiled
from stream.summaries.texts import Spans, Texts, eight, find

__all__ = ["NO_TIME", "Form", "Forms", "Written", "party_of"]

FEW_FIELDS, FIXED_TEXT, NIL, FLOAT, UINT_8, UINT_64, TEXT_8, MANY_FIELDS, NEGATIVE = (
    0x80, 0xA0, 0xC0, 0xCB, 0xCC, 0xCF, 0xD9, 0xDF, 0xE0,
)  # fmt: skip
"""How the values begin that are met. What JSON writes begins with a byte below all of these."""
NAN = 0x7FF8_0000_0000_0000
NO_TIME = -(2**63)
"""Stands for a time that is no number, or that is small or negative, which none is."""

Ints = NDArray[np.int64]
_ENCODER = msgspec.msgpack.Encoder()
MODEL, SEGMENT = len(_ENCODER.encode("model")), len(_ENCODER.encode("segment"))
_SEGMENT = attrgetter("segment")


class Form(NamedTuple):
    """The fields of a type in the order in which its structs have them.

    First the tag `model`, the fields `passed`, which are not read, and the columns: those of `numbers` are floats or
    None, the `others` texts, booleans or None. They are fields of a struct of their own, in the field `inside`, unless
    that is empty. Last `ts`, `version` and, where events of the kind have one, `segment`, as JSON.
    """

    model: str
    passed: Sequence[str]
    inside: str
    numbers: Sequence[str]
    others: Sequence[str]
    segment: bool


class Written(NamedTuple):
    """What n events are: their forms, their times or NO_TIME, and the texts of their versions and segments.

    The numbers of event i stand in `flat` from first[i] on, its other values are `words` from word[i] on.
    """

    of: Ints
    ts: Ints
    parties: Spans
    first: Ints
    word: Ints
    words: Spans
    flat_end: int


class Forms:
    """How structs of some types are written: a head, then the name and the value of each field."""

    def __init__(self, forms: Sequence[Form]) -> None:
        self.numbers_max = max((len(form.numbers) for form in forms), default=0)
        self.others_max = max((len(form.others) for form in forms), default=0)
        models = [_ENCODER.encode(form.model) for form in forms]
        lengths = np.array(list(map(len, models)), dtype=np.int64)
        self._models = Texts()
        self._models.number(
            Spans(np.frombuffer(b"".join(models), np.uint8), np.cumsum(lengths) - lengths, lengths)
        )
        fields = [[len(f.passed), len(f.numbers), len(f.others), f.segment] for f in forms]
        self._fields = np.array(fields, dtype=np.int64).reshape(-1, 4)
        skips = [_skips(form) for form in forms]
        self._skip_at = np.cumsum([0, *map(len, skips)], dtype=np.int64)
        self._skips = np.array([skip for of in skips for skip in of], dtype=np.int64)
        self._alike = all(pair == (fields[0], skips[0]) for pair in zip(fields, skips, strict=True))

    def read(
        self, events: Sequence[Any], buffer: bytearray, flat: NDArray[np.float64], begin: int
    ) -> Written:
        """Read structs of these types; their numbers go to flat[begin:], None becomes NaN.

        They are written to `buffer`, which what is given looks into. Cost: about 15 ns a number, 60 ns an event.
        """
        n = len(events)
        _ENCODER.encode_into(events, buffer)
        data = np.frombuffer(buffer, dtype=np.uint8)
        of, ts, first, word, starts, lengths = np.empty((6, n), dtype=np.int64)
        words, tags = (np.empty((2, n * m), dtype=np.int64) for m in (self.others_max, 1))
        lengths_of = np.zeros(0, dtype=np.int64)
        while True:
            end, flat_end, words_end = _walk(
                data, _head(n), n, *self._models.table, self._fields, self._skip_at, self._skips, self._alike,
                lengths_of, begin, of, tags, ts, first, word, starts, lengths, words, flat.view(np.uint64),
            )  # fmt: skip
            if end >= 0:
                break
            lengths_of = np.fromiter(map(len, map(_SEGMENT, events)), np.int64, n)
        assert end == len(data)  # noqa: S101 - structs are written as their forms say
        if self._alike and len(self._fields) > 1:  # by itself, as no place hangs on it
            of = self._models.number(Spans(data, *tags))
        of_words = Spans(data, words[0, :words_end], words[1, :words_end])
        return Written(of, ts, Spans(data, starts, lengths), first, word, of_words, int(flat_end))


def _name(name: str) -> int:
    return len(_ENCODER.encode(name))


def _skips(form: Form) -> list[int]:
    """Tell how many bytes stand before the value of each field, from the value of the field before on."""
    columns = [*form.numbers, *form.others]
    skips = [_name(name) for name in [*form.passed, *columns, "ts", "version", "segment"]]
    if form.inside:
        skips[len(form.passed)] += _name(form.inside) + _head(len(columns))
    return skips


def _head(n: int) -> int:
    """Tell how many bytes stand before the n elements of a list or fields of a struct."""
    return 1 if n < 2**4 else 3 if n < 2**16 else 5


def party_of(text: bytes) -> tuple[str, bytes]:
    """Give the version and the segment of the text of a party."""
    end = int(_width(np.frombuffer(text, np.uint8), np.int64(0)))
    return msgspec.msgpack.decode(text[:end], type=str), text[end + SEGMENT :]


@compiled
def _walk(
    data: NDArray[np.uint8], at: int, n: int, seed: np.uint64, slots: NDArray[np.int32], hashes: NDArray[np.uint64],
    ends: Ints, models: NDArray[np.uint8], fields: Ints, skip_at: Ints, skips: Ints, alike: bool, segments: Ints,
    begin: int, of: Ints, tags: Ints, ts: Ints, first: Ints, word: Ints, starts: Ints, lengths: Ints, words: Ints,
    bits: NDArray[np.uint64],
) -> tuple[np.int64, np.int64, np.int64]:  # fmt: skip
    """Walk over n events that are written from data[at] on, and note what stands where.

    If all forms are `alike`, events are read by the first, and `of` is not told; `tags` are the places and the lengths
    of their models.
    `segments` are the lengths of their segments; where there are none, -1 is given as soon as an event has a segment.
    Otherwise the places behind the last event, behind its numbers and behind its words.
    """
    place, number, at_word = np.int64(at), np.int64(begin), np.int64(0)
    for i in range(n):
        place += MODEL + (1 if data[place] < NIL else 3 if data[place] < MANY_FIELDS else 5)
        end = place + _width(data, place)
        tags[0, i], tags[1, i] = place, end - place
        form = np.int64(0)
        if not alike:
            form = find(data, place, end - place, seed, slots, hashes, ends, models)
            if form < 0:  # behind it nothing would stand where it should
                return place, number, at_word
        place, skip, of[i] = end, skip_at[form], form
        for _ in range(fields[form, 0]):
            place += skips[skip]
            place += _width(data, place)
            skip += 1
        first[i] = number
        for _ in range(fields[form, 1]):
            place += skips[skip]
            there = data[place] == FLOAT
            bits[number] = eight(data, place + 1) if there else np.uint64(NAN)
            place += 9 if there else 1
            number += 1
            skip += 1
        word[i] = at_word
        for _ in range(fields[form, 2]):
            place += skips[skip]
            long = _width(data, place)
            words[0, at_word], words[1, at_word] = place, long
            place += long
            at_word += 1
            skip += 1
        place += skips[skip]
        ts[i] = np.int64(eight(data, place + 1)) if data[place] == UINT_64 else NO_TIME
        place += _width(data, place) + skips[skip + 1]
        start = place
        place += _width(data, place)
        if fields[form, 3]:
            place += skips[skip + 2]
            if len(segments):
                place += segments[i]
            elif place < len(data) and data[place] < FEW_FIELDS:
                return np.int64(-1), number, at_word
        starts[i], lengths[i] = start, place - start
    return place, number, at_word


@compiled
def _width(data: NDArray[np.uint8], at: np.int64) -> np.int64:
    """Tell how many bytes the number, text, boolean or nil at a place takes."""
    tag = np.int64(data[at])
    if FIXED_TEXT <= tag < NIL:
        return tag - FIXED_TEXT + 1
    if tag < FLOAT or tag >= NEGATIVE:
        return np.int64(1)
    if tag == FLOAT:
        return np.int64(9)
    if tag < TEXT_8:
        return np.int64(1 + (1 << ((tag - UINT_8) & 3)))
    length, long = np.int64(0), 1 << (tag - TEXT_8)
    for k in range(1, 1 + long):
        length = (length << 8) | np.int64(data[at + k])
    return length + long + 1
