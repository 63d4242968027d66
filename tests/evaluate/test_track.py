"""What the alarm layer looks back on: bounded, without gaps in time, and only what was in control is history."""

from collections.abc import Sequence

import numpy as np
import pytest

from detectors.alarms.memory import REACH
from detectors.alarms.signals import Readings, read_volume
from stream.evaluate.track import KEPT, Row, Track
from stream.state.codec import pack, unpack

EVERY, OWN = 1000, 5


def readings(value: float, windows: int = 1) -> Readings:
    """Two signals of three columns that all hold one value, of single precision."""
    x = np.full((2, 3, windows), np.float32(value)).astype(np.float64)
    counts = np.full((3, windows), 50 + int(value), np.int64)
    return Readings(x, counts, counts + 1)


def row(i: int, calm: Sequence[bool] = (True, True, True), calm_volume: bool = True) -> Row:
    """Give the window i windows after the reference, whose signals are i + 0.1."""
    start = (OWN + i) * EVERY
    return Row(
        start, readings(i + 0.1), read_volume(np.array([100 + i])), np.array(calm), calm_volume
    )


def tracked(rows: Sequence[Row]) -> Track:
    own = readings(-1.0, OWN), read_volume(np.full(OWN, 90))
    track = Track(own, EVERY * np.arange(OWN, dtype=np.int64), EVERY, lambda _: False)
    for one in rows:
        track.append(one)
    return track


def test_the_latest_windows_are_kept_and_no_more() -> None:
    track = tracked([row(i) for i in range(KEPT + 9)])
    assert len(track.rows) == KEPT
    assert track.rows[0].start_ms == (OWN + 9) * EVERY
    assert len(track.history()[2]) == OWN + KEPT


def test_looking_back_begins_in_the_reference_and_a_gap_tells_nothing() -> None:
    """As many windows as the layer reaches back, by time: where there was no window there are no events."""
    columns, volume = (past.readings for past in tracked([row(0), row(3)]).recent(REACH))
    assert len(columns) == len(volume) == REACH
    told = [*[-1.0] * OWN, np.float32(0.1), 0.0, 0.0, np.float32(3.1)]
    assert columns.x[0, 0, -len(told) :].tolist() == told
    assert columns.valid[0, -4:].tolist() == [50, 0, 0, 53]
    assert volume.events[0, -4:].tolist() == [101, 0, 0, 104]
    assert not columns.events[:, : REACH - len(told)].any()


def test_a_column_out_of_control_is_no_history_and_its_neighbours_are() -> None:
    rows = [row(0), row(1, (True, False, True)), row(2, calm_volume=False)]
    columns, volume, starts = tracked(rows).history()
    assert starts.tolist() == [EVERY * i for i in range(OWN + 3)]
    assert columns.calm[:, :OWN].all()
    assert volume.calm[:, :OWN].all()
    assert columns.calm[:, OWN:].tolist() == [[True] * 3, [True, False, True], [True] * 3]
    assert volume.calm[0, OWN:].tolist() == [True, True, False]


@pytest.mark.parametrize("windows", [0, 1, 7])
def test_a_track_goes_round_as_bytes(windows: int) -> None:
    """And what it looks back on, and its history, are the same to the bit."""
    rows = [row(i, (i % 2 == 0, True, False), i % 3 == 0) for i in range(windows)]
    track, again = tracked(rows), tracked([])
    again.restore(unpack(pack("track", 1, track.payload()), "track", 1)[1])
    assert pack("track", 1, again.payload()) == pack("track", 1, track.payload())
    looks = [(track.history()[:2], again.history()[:2])]
    looks += [(track.recent(REACH), again.recent(REACH))] if windows else []
    for of_track, of_again in looks:
        for one, other in zip(of_track, of_again, strict=True):
            assert (one.readings.x == other.readings.x).all()
            assert (one.readings.valid == other.readings.valid).all()
            assert (one.readings.events == other.readings.events).all()
            assert (one.calm == other.calm).all()
