"""What objects weigh is what they hold."""

import numpy as np
import pytest
from msgspec import Raw

from benchmarks.memory.walk import weigh

HELD = 100_000


@pytest.mark.parametrize(
    "held",
    [b"x" * HELD, [b"x" * HELD], Raw(b"x" * HELD), [Raw(b"x" * HELD)], np.zeros(HELD, np.int8)],
    ids=["bytes", "list", "raw", "list of raw", "array"],
)
def test_objects_weigh_their_bytes_and_little_more(held: object) -> None:
    assert HELD <= weigh(set(), held) < HELD + 1_000


def test_what_was_seen_weighs_nothing_again() -> None:
    seen, held = set[int](), [b"x" * HELD]
    assert weigh(seen, held) > HELD
    assert weigh(seen, held, list(held)) < HELD
