"""What is stored of a reference's windows judges as the windows did, under the same digest."""

from dataclasses import replace
from hashlib import blake2b

import numpy as np
import pytest

from detectors.summaries.summary import Summary
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.kept import kept_result
from stream.reference.history import History
from stream.reference.reference import Reference
from stream.state.codec import pack
from stream.state.versions import dump
from stream.words import Series
from tests.evaluate import watched
from tests.evaluate.streams import WINDOW
from tests.events import HOUR, PLAN, T0
from tests.state.golden_state import GOLDEN


def test_the_digest_is_that_of_every_release_before() -> None:
    """Ids of alerts, plans and states name it: it stays whatever becomes of the stored form."""
    old = (GOLDEN / "reference-1.bin").read_bytes()
    first = Reference.unpack(old)
    assert first.digest.hex() == "bf079014fe646e563cf7f013f7d1f7dc"
    assert first.digest == blake2b(old, digest_size=16).digest()
    assert Reference.unpack(first.packed).digest == first.digest


def test_a_reference_that_was_stored_judges_as_the_one_that_was_learned() -> None:
    """Although of the extremes of its windows no more is kept than whether they were equal."""
    learned = replace(watched.reference(), series=Series("m", "1", ()))
    stored = Reference.unpack(learned.packed)
    assert len(stored.packed) < 0.6 * len(pack("reference", 1, learned._payload(
        [h.former_payload() for h in learned.histories])))  # fmt: skip
    told = []
    for of in (learned, stored):
        chain = Chain(of.series, of.kind, of, watched.RULES, lambda _: PLAN)
        results = []
        for i in range(12):
            window = watched.window(500 + i, shift=1.5 * (i > 6), lost="word" * (i == 9))
            if i == 4:
                window = watched.window(504, scale=0.0)
            chain.take(of.end_ms + i * WINDOW, window, {})
            results += [kept_result(j) for j in chain.close(of.end_ms + (i + 1) * WINDOW)]
        told.append((results, chain.payload()))
    assert dump("result", told[0][0]) == dump("result", told[1][0])
    assert dump("chain", told[0][1]) == dump("chain", told[1][1])


@pytest.mark.parametrize("equal", [False, True])
def test_whether_a_window_held_one_value_only_is_kept(equal: bool) -> None:
    windows = [watched.window(i, scale=0.0 if equal and i == 3 else 1.0) for i in range(6)]
    windows.append(Summary.empty(watched.LAYOUT))
    history = History(np.arange(7) * HOUR + T0, windows)
    slots, numbers = watched.LAYOUT.size, len(watched.LAYOUT.numbers)
    again = History.restore(history.payload(), slots, numbers)
    ours, theirs = (
        [(s.extremes[:, 0] == s.extremes[:, 1]).tolist() for s in of.summaries]
        for of in (history, again)
    )
    assert ours == theirs
    assert equal == (True in ours[3])
    np.testing.assert_array_equal(again.counts, history.counts)
    np.testing.assert_array_equal(again.starts, history.starts)
