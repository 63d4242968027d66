"""`python -m tests.hostile.fuzz --seconds N [--seed S]`: decoder and fold under messages made at random.

Each round makes a log of a kind from a seed: messages of the corpus, good ones with bytes flipped, cut, doubled and
spliced, JSON of random shape, and noise. The log is read typed, by hand and with nothing known, in random batches.
What must hold is `check`'s to say. A round that fails prints its seed; `--seed S --rounds 1` makes it again.
"""

import random
import time
from collections.abc import Callable, Sequence
from functools import cache

import click
import numpy as np
import orjson

from stream.ingest.decode import Decoder
from stream.ingest.raw import RawBatch, Source
from stream.reference.book import Book
from stream.words import Kind
from tests.events import FEATURES, LABELS, PREDICTIONS, T0, Log, rules
from tests.hostile.corpus import BYTES_MAX, corpus
from tests.hostile.good import KINDS, good
from tests.ingest.books import BOOKS

__all__ = ["check", "main", "messages", "small"]

SOURCES: dict[Kind, Source] = {
    Kind.FEATURES: FEATURES,
    Kind.PREDICTIONS: PREDICTIONS,
    Kind.LABELS: LABELS,
}
RULES = rules(
    event_bytes_max=BYTES_MAX,
    models_max=4,
    series_max=6,
    partition_series_max=9,
    columns_max=8,
    raw_rows_max=20,
    join_rows_max=20,
)
"""Small limits, so that these are reached."""
TOKENS = (
    b'"',
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"\\",
    b"\\u",
    b"\xff",
    b"\x00",
    b"null",
    b"1e999",
    b"-",
    b'"ts"',
    b'"model"',
)
NAMES = (
    "model",
    "version",
    "id",
    "ts",
    "segment",
    "features",
    "prediction",
    "label",
    "score",
    "amount",
    "x",
    "",
)


@cache
def small(kind: Kind) -> list[bytes | None]:
    """Give the shorter values of a kind that the corpus has."""
    return [h.value for h in corpus() if h.kind is kind and len(h.value or b"") < 20_000]


def check(kind: Kind, log: Sequence[bytes | None], cuts: Sequence[int]) -> None:
    """Hold a log to the laws; AssertionError tells which one is broken.

    No error; every message is counted once and either folded, late or dead; its letter has its bytes and place; typed
    and by hand, whatever batches, and whoever takes over between these, give the same fields and the same letters.
    """
    for known in BOOKS.values():
        first: tuple[object, object] | None = None
        for schemas in ((), known.schemas(kind)):
            for ends, restarts in (((), False), (cuts, False), (cuts, True)):
                decoder = Decoder(kind, schemas, BYTES_MAX)
                read = _read(kind, log, known, decoder, ends, restarts=restarts)
                counters = read.partition.fold_state.counters
                told = counters.folded + counters.late + counters.malformed
                assert counters.seen == len(log) == told, "a message was not counted"
                assert len(read.dead) == counters.malformed, "a dead letter is missing"
                assert all(letter.value is log[letter.offset] for letter in read.dead), (
                    "other bytes"
                )
                told_now = read.fields(), read.dead
                first = first or told_now
                assert told_now[0] == first[0], "the reading hangs on batches, types or restarts"
                assert told_now[1] == first[1], "the letters hang on batches, types or restarts"


def _read(
    kind: Kind,
    log: Sequence[bytes | None],
    known: Book,
    decoder: Decoder,
    cuts: Sequence[int],
    *,
    restarts: bool,
) -> Log:
    read = Log(SOURCES[kind], known, RULES)
    for part in np.split(np.arange(len(log)), sorted(cuts)):
        stamps = np.full(len(part), T0 + 60_000, dtype=np.int64)
        values = [log[i] for i in part.tolist()]
        of_part = RawBatch(read.source, values, part.astype(np.int64), stamps)
        read.dead += read.partition.fold(of_part, decoder, known)
        if restarts:
            read.commit()
            read.crash()
    read.commit()
    return read


def messages(draw: random.Random, kind: Kind, n: int) -> list[bytes | None]:
    """Make messages of a kind."""
    makers: list[Callable[[], bytes | None]] = [
        lambda: draw.choice(small(kind)),
        lambda: _damaged(draw, draw.choice(small(kind)) or b""),
        lambda: _damaged(draw, good(kind, version=b'"%d"' % draw.randrange(9))),
        lambda: orjson.dumps(_event(draw, kind)),
        lambda: orjson.dumps(_value(draw, 4)),
        lambda: draw.randbytes(draw.randrange(60)),
    ]
    return [draw.choice(makers)() for _ in range(n)]


def _damaged(draw: random.Random, message: bytes) -> bytes:
    """Flip, cut, double, insert or splice, a few times."""
    for _ in range(draw.randrange(4)):
        at, to = sorted(draw.randrange(len(message) + 1) for _ in range(2))
        part = message[at:to]
        new = draw.choice(
            (b"", part * 2, draw.choice(TOKENS), draw.randbytes(2), part[::-1], message[: to - at])
        )
        message = message[:at] + new + message[to:]
    return message


def _event(draw: random.Random, kind: Kind) -> object:
    event = orjson.loads(good(kind))
    for _ in range(draw.randrange(4)):
        inner = event.get("features")
        into = inner if isinstance(inner, dict) and draw.random() < 0.5 else event
        into[draw.choice(NAMES)] = _value(draw, 3)
    return event


def _value(draw: random.Random, depth: int) -> object:
    if depth and draw.random() < 0.3:
        inner = [_value(draw, depth - 1) for _ in range(draw.randrange(4))]
        return inner if draw.random() < 0.5 else {draw.choice(NAMES): v for v in inner}
    return draw.choice(
        (None, True, False, 0, -1, 2**63, T0, T0 + draw.randrange(10**5), 1.5, -0.0, 1e308, "", "web", "yes", "m", "n",
         "é" * draw.randrange(200), "1", "2026-01-01T00:00:10Z", draw.random())
    )  # fmt: skip


def play(seed: int) -> int:
    """Play the round of a seed; give the number of its messages."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    kind = draw.choice(KINDS)
    log = messages(draw, kind, draw.randrange(1, 60))
    check(kind, log, sorted(draw.randrange(len(log) + 1) for _ in range(draw.randrange(6))))
    return len(log)


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True)
@click.option("--seed", type=int, default=None, help="Of the first round; default: the time.")
@click.option("--rounds", type=click.IntRange(min=1), default=None, help="At most so many.")
def main(seconds: float, seed: int | None, rounds: int | None) -> None:
    """Play rounds until the time is up; the first that fails ends it with its seed."""
    first = time.time_ns() // 1_000_000 if seed is None else seed
    end, played, made = time.monotonic() + seconds, 0, 0
    while played != rounds and (time.monotonic() < end or not played):
        try:
            made += play(first + played)
        except Exception:
            click.echo(f"seed {first + played} fails: --seed {first + played} --rounds 1", err=True)
            raise
        played += 1
    click.echo(f"{played:,} rounds from seed {first}, {made:,} messages: nothing found")


if __name__ == "__main__":
    main()
