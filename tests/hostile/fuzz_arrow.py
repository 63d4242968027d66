"""`python -m tests.hostile.fuzz_arrow --seconds N [--seed S]`: damaged Arrow messages, at random.

Each round writes rows in a random form as a batch message, flips bits, cuts, doubles and puts huge lengths where
lengths stand, and folds it. What must hold is `check`'s to say. A crash of the process is a find, too: the seed of the
round is then the last one in the file that `--log` names.
"""

import random
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from struct import pack_into
from typing import Any

import click
import pyarrow as pa

from stream.words import Kind
from tests.events import FEATURES, LABELS, PREDICTIONS, T0, Log, rules
from tests.ingest.books import BOOKS
from tests.ingest.tables import TYPES, VALUES, Form, Row, message

__all__ = ["check", "damaged", "draw_message", "main", "metered"]

SOURCES = {source.kind: source for source in (FEATURES, PREDICTIONS, LABELS)}
BYTES_MAX = 200_000
RULES = rules()
RULES = type(RULES)(
    **{name: getattr(RULES, name) for name in RULES.__dataclass_fields__}
    | {"batch_bytes_max": BYTES_MAX, "batch_rows_max": 1_000}
)
MEMORY_MAX = 8 * BYTES_MAX
"""What pyarrow may hold at once of a message."""
POOLS: list[Any] = []
LENGTHS = (0, 1, -1, 2**31 - 1, -(2**31), 2**40, 2**62, -(2**63), 2**63 - 1, 7)


def check(kind: Kind, value: bytes) -> bool:
    """Hold a message to the laws; tell whether it was read. AssertionError tells which one is broken.

    No error, and no memory beyond the bound; each row is folded, late or malformed; one letter at most, with the
    message's bytes; what is not read at all leaves no trace but its count.
    """
    read = False
    for book in BOOKS.values():
        log = Log(SOURCES[kind], book, RULES)
        with metered() as held:
            log.run([value], stamps=[T0 + 60_000])
        assert held.max_memory() < MEMORY_MAX, "memory"
        counters = log.partition.fold_state.counters
        assert counters.seen == counters.folded + counters.late + counters.malformed, "uncounted"
        assert len(log.dead) == (counters.malformed > 0), "letters"
        assert all(letter.value == value for letter in log.dead), "other bytes"
        assert log.partition.fold_state.next_offset == 1, "not passed"
        whole = not log.dead or "rows cannot be read, the others were" in log.dead[0].reason
        assert whole or (counters.seen, counters.malformed, counters.panes) == (1, 1, 0), "halves"
        read = read or whole
    return read


@contextmanager
def metered() -> Iterator[Any]:
    """Have pyarrow allocate from a pool of its own, which tells the most it held at once."""
    usual = pa.default_memory_pool()
    pool = pa.proxy_memory_pool(usual)
    POOLS.append(pool)  # whoever still holds memory of it needs it
    pa.set_memory_pool(pool)
    try:
        yield pool
    finally:
        pa.set_memory_pool(usual)


def draw_message(draw: random.Random, kind: Kind) -> bytes:
    """Write some good rows in a random form."""
    names = draw.sample(VALUES[kind], draw.randrange(1, len(VALUES[kind]) + 1))
    types = {name: draw.choice(sorted(TYPES)) for name in {*names, VALUES[kind][0]}}
    form = Form(
        types, draw.random() < 0.5, draw.choice(["text", "large text", "category"]),
        draw.choice(["ms", "naive", "micro"]), draw.choice(["columns", "struct", "map"]),
        draw.random() < 0.3, draw.randrange(1, 4), draw.choice([None, None, "lz4", "zstd"]),
    )  # fmt: skip
    return message(kind, [_row(draw, types) for _ in range(draw.randrange(6))], form)


def _row(draw: random.Random, types: dict[str, str]) -> Row:
    return {
        "model": draw.choice(["m", "n"]),
        "version": draw.choice(["1", "2", None]),
        "id": draw.choice(["a", "b", "é"]),
        "ts": T0 + draw.randrange(30_000),
        "segment": draw.choice([None, {"c": "DE"}, {"a": "1", "c": "x" * 300}]),
        "values": {name: _value(draw, of) for name, of in types.items()},
    }


def _value(draw: random.Random, of: str) -> object:
    if of == "nothing" or draw.random() < 0.2:
        return None
    if "text" in of or of == "category":
        return draw.choice(["web", "app", "", "new", "é" * 200])
    if of == "bool":
        return draw.random() < 0.5
    return draw.randrange(100)


def damaged(draw: random.Random, value: bytes) -> bytes:
    """Flip bits, put lengths that cannot be, cut, double: a few times."""
    made = bytearray(value)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        if len(made) < 24:
            break
        at = draw.randrange(4, len(made))
        match draw.randrange(6):
            case 0 | 1:
                made[at] ^= 1 << draw.randrange(8)
            case 2:
                pack_into("<q", made, min(at & ~7, len(made) - 8), draw.choice(LENGTHS))
            case 3:
                pack_into("<i", made, min(at & ~3, len(made) - 4), draw.choice(LENGTHS) & 2**30)
            case 4:
                del made[at : at + draw.choice([1, 8, 64, len(made)])]
            case _:
                made[at:at] = made[at : at + 64]
    return bytes(made)


def play(seed: int) -> bool:
    """Play the round of a seed; tell whether its message was still readable."""
    draw = random.Random(seed)  # noqa: S311 - not for secrets
    kind = draw.choice(sorted(SOURCES))
    return check(kind, damaged(draw, draw_message(draw, kind)))


@click.command()
@click.option("--seconds", type=click.FloatRange(min=0), default=60.0, show_default=True)
@click.option("--seed", type=int, default=None, help="Of the first round; default: the time.")
@click.option("--rounds", type=click.IntRange(min=1), default=None, help="At most so many.")
@click.option("--log", type=click.Path(path_type=Path, dir_okay=False), help="Seeds as they go.")
def main(seconds: float, seed: int | None, rounds: int | None, log: Path | None) -> None:
    """Play rounds until the time is up; the first that fails ends it with its seed."""
    first = time.time_ns() // 1_000_000 if seed is None else seed
    end, played, read = time.monotonic() + seconds, 0, 0
    while played != rounds and (time.monotonic() < end or not played):
        if log is not None:
            log.write_text(f"{first + played}\n")
        try:
            read += play(first + played)
        except Exception:
            click.echo(f"seed {first + played} fails: --seed {first + played} --rounds 1", err=True)
            raise
        played += 1
    click.echo(f"{played:,} rounds from seed {first}, {read:,} still readable: nothing found")


if __name__ == "__main__":
    main()
