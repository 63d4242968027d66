"""What the alarm layer looks back on: bounded, without gaps in time, and only what was in control is history."""

from collections.abc import Iterable, Sequence

import numpy as np
import pytest

from detectors.alarms.memory import REACH
from detectors.alarms.signals import Readings, read_volume
from stream.errors import StoreUnavailable
from stream.evaluate.judging.shelf import Shelf
from stream.evaluate.judging.track import BLOCK, KEPT, Track, recent_of
from stream.state.codec import pack, unpack

EVERY, OWN = 1000, 5


def readings(value: float, windows: int = 1) -> Readings:
    """Two signals of three columns that all hold one value, of single precision."""
    x = np.full((2, 3, windows), np.float32(value)).astype(np.float64)
    counts = np.full((3, windows), 50 + int(value), np.int64)
    return Readings(x, counts, counts + 1)


OWN_WINDOWS = Shelf.of(
    readings(-1.0, OWN),
    read_volume(np.full(OWN, 90)),
    EVERY * np.arange(OWN, dtype=np.int64),
    np.full(OWN, True),
)


def take(track: Track, i: int) -> None:
    """Take the window i windows after the reference, whose signals are i + 0.1."""
    track.append((OWN + i) * EVERY, readings(i + 0.1), read_volume(np.array([100 + i])))


def tracked(windows: Iterable[int]) -> Track:
    track = Track(OWN_WINDOWS, EVERY, lambda _: False)
    for i in windows:
        take(track, i)
    return track


def test_the_latest_windows_are_kept_and_no_more() -> None:
    track = tracked(range(KEPT + 9))
    assert len(track) == KEPT
    columns, _, starts = track.history(OWN_WINDOWS)
    assert starts.tolist() == [EVERY * i for i in (*range(OWN), *range(OWN + 9, OWN + 9 + KEPT))]
    assert columns.readings.x[0, 0, OWN:].tolist() == [np.float32(i + 9 + 0.1) for i in range(KEPT)]


def test_looking_back_begins_in_the_reference_and_a_gap_tells_nothing() -> None:
    """As many windows as the layer reaches back, by time: where there was no window there are no events."""
    columns, volume = (past.readings for past in recent_of([tracked([0, 3])], REACH))
    assert len(columns) == len(volume) == REACH
    told = [*[-1.0] * OWN, np.float32(0.1), 0.0, 0.0, np.float32(3.1)]
    assert columns.x[0, 0, -len(told) :].tolist() == told
    assert columns.valid[0, -4:].tolist() == [50, 0, 0, 53]
    assert volume.events[0, -4:].tolist() == [101, 0, 0, 104]
    assert not columns.events[:, : REACH - len(told)].any()


@pytest.mark.parametrize("windows", [[], [0, 3], range(1, 9)])
@pytest.mark.parametrize("reach", [1, 3, OWN + 4])
def test_own_windows_that_are_let_go_are_not_looked_back_on(
    windows: Iterable[int], reach: int
) -> None:
    """Neither now nor later; and the history has them as long as they are brought along."""
    whole, near = tracked(windows), tracked(windows)
    near.let_go(reach)
    for i in range(20, 25):
        for track in (whole, near):
            take(track, i)
        pairs = [recent_of([whole], reach), recent_of([near], reach)]
        pairs += [of.history(OWN_WINDOWS)[:2] for of in (whole, near)]
        for of_whole, of_near in zip(*pairs[:2], strict=True):
            assert (of_whole.readings.x == of_near.readings.x).all()
            assert (of_whole.readings.events == of_near.readings.events).all()
        assert (pairs[2][0].readings.x == pairs[3][0].readings.x).all()


def test_own_windows_take_no_room_once_none_is_looked_back_on() -> None:
    track = tracked(range(4))
    assert track.own is OWN_WINDOWS
    track.let_go(OWN + 4)
    assert track.own is OWN_WINDOWS
    track.let_go(2)
    assert track.own is None
    assert len(track._near.starts) == 0


def test_a_column_out_of_control_is_no_history_and_its_neighbours_are() -> None:
    track = tracked([0, 1])
    track.disturb(np.array([-1, 0, -1, -1]))
    take(track, 2)
    track.disturb(np.array([-1, -1, -1, 0]))
    columns, volume, starts = track.history(OWN_WINDOWS)
    assert starts.tolist() == [EVERY * i for i in range(OWN + 3)]
    assert columns.calm[:, :OWN].all()
    assert volume.calm[:, :OWN].all()
    assert columns.calm[:, OWN:].tolist() == [[True] * 3, [True, False, True], [True] * 3]
    assert volume.calm[0, OWN:].tolist() == [True, True, False]


@pytest.mark.parametrize("windows", [0, 1, BLOCK, 5 * BLOCK + 7, KEPT, KEPT + 5 * BLOCK + 3])
def test_a_track_goes_round_as_bytes_block_by_block(windows: int) -> None:
    """And what it looks back on, and its history, are the same to the bit; so are its blocks again."""
    track, again = tracked(range(windows)), tracked([])
    if windows:
        track.disturb(np.array([-1, 0, 20, 3]))
    stored = [pack("track", 1, track.block(place)) for place in track.blocks()]
    again.restore(track.taken, [unpack(blob, "track", 1)[1] for blob in stored])
    assert [pack("track", 1, again.block(place)) for place in again.blocks()] == stored
    looks = [(track.history(OWN_WINDOWS)[:2], again.history(OWN_WINDOWS)[:2])]
    looks += [(recent_of([track], REACH), recent_of([again], REACH))] if windows else []
    for of_track, of_again in looks:
        for one, other in zip(of_track, of_again, strict=True):
            assert (one.readings.x == other.readings.x).all()
            assert (one.readings.valid == other.readings.valid).all()
            assert (one.readings.events == other.readings.events).all()
            assert (one.calm == other.calm).all()


class Stored:
    """A track whose blocks are stored as they change, every so many windows; with `apart` old ones stay there."""

    def __init__(self, every: int, *, apart: bool) -> None:
        self.blocks: dict[int, bytes] = {}
        self.every, self.apart = every, apart
        self.track = self.new()

    def new(self) -> Track:
        return Track(OWN_WINDOWS, EVERY, lambda _: False, 0, self.find if self.apart else None)

    def find(self, _: int, places: Sequence[int]) -> list[object]:
        return [unpack(self.blocks[place], "track", 1)[1] for place in places]

    def take(self, i: int) -> None:
        take(self.track, i)
        if i == OWN:
            self.track.let_go(REACH)
        if i % 29 == 0:
            self.track.disturb(np.array([-1, min(i, REACH - 1), i % 3, -1]))
        if i % self.every == 0:
            self.store()

    def store(self) -> None:
        changed = {place: pack("track", 1, self.track.block(place)) for place in self.track.changed}
        self.blocks |= changed
        self.track.settle()

    def restart(self) -> None:
        """Go on with what is stored."""
        self.store()
        taken, self.track = self.track.taken, self.new()
        self.track.restore(taken, self.find(0, sorted(self.blocks)))
        self.track.let_go(REACH)
        self.track.settle()


@pytest.mark.parametrize("every", [1, 7, 2 * BLOCK + 3, KEPT])
def test_windows_that_are_left_where_they_are_stored_are_in_the_history(every: int) -> None:
    """However seldom it is stored, over restarts, and as the oldest go; no more is held than is looked back on."""
    whole, apart = Stored(every, apart=False), Stored(every, apart=True)
    for i in range(KEPT + 6 * BLOCK):
        for stored in (whole, apart):
            stored.take(i)
            if i in (5, 3 * BLOCK + 1, KEPT - 1, KEPT + BLOCK):
                stored.restart()
        if i % 97 == 0 or i > KEPT + 5 * BLOCK:
            looks = [
                (recent_of([of.track], REACH), of.track.history(OWN_WINDOWS)[:2])
                for of in (whole, apart)
            ]
            for pair in zip(*looks, strict=True):
                for one, other in zip(*pair, strict=True):
                    assert (one.readings.x == other.readings.x).all()
                    assert (one.readings.valid == other.readings.valid).all()
                    assert (one.calm == other.calm).all()
                    assert (one.told == other.told).all()
            for place in whole.track.blocks():
                blocks = (pack("track", 1, of.track.block(place)) for of in (whole, apart))
                assert next(blocks) == next(blocks)
        held = len(apart.track._since.starts) + BLOCK * len(apart.track._laid_by)
        assert held <= REACH + 3 * BLOCK + every


def test_a_history_that_another_owner_has_moved_on_is_no_history() -> None:
    """Who reads it there has lost the chain, and is to load it anew."""
    stored = Stored(1, apart=True)
    for i in range(KEPT):
        stored.take(i)
    stored.blocks[0] = stored.blocks[BLOCK]
    with pytest.raises(StoreUnavailable, match="has moved"):
        stored.track.history(OWN_WINDOWS)


@pytest.mark.parametrize("more", [0, 1, 40, 2 * REACH])
def test_a_view_shows_the_windows_as_they_were_whatever_comes_after(more: int) -> None:
    """Neither windows taken later, nor that some are known later to have been out of control."""
    track = tracked(range(3))
    track.let_go(REACH)
    view, before = track.view(), recent_of([track], REACH)
    for i in range(3, 3 + more):
        take(track, i)
    track.disturb(np.full(4, min(2 + more, REACH - 1)))
    for was, now in zip(before, recent_of([view], REACH), strict=True):
        assert (was.readings.x == now.readings.x).all()
        assert (was.readings.events == now.readings.events).all()
        assert (was.calm == now.calm).all()


def test_what_is_to_be_stored_of_a_window_is_one_block_whatever_is_kept() -> None:
    """And what an incident is found to have begun in, as long as it was not known to be out of control."""
    track = tracked([])
    for i in range(KEPT + 40):
        track.changed.clear()
        take(track, i)
        assert len(track.changed) == 1
    track.changed.clear()
    for changed in (4, 0):
        track.disturb(np.array([-1, 3 * BLOCK, -1, -1]))
        assert len(track.changed) == changed
        track.changed.clear()


def test_the_blocks_stored_as_they_changed_make_the_track() -> None:
    """Whatever was written between, and windows come and go."""
    track = tracked([])
    stored: dict[int, list[object]] = {}
    for i in range(KEPT + 5 * BLOCK):
        take(track, i)
        if i % 29 == 0:
            track.disturb(np.array([-1, 25, i % 3, -1]))
        if i % 7 == 0 or i == KEPT + 5 * BLOCK - 1:
            stored |= {place: track.block(place) for place in track.changed}
            track.changed.clear()
    again = tracked([])
    again.restore(track.taken, stored.values())
    for place in track.blocks():
        assert pack("track", 1, again.block(place)) == pack("track", 1, track.block(place))
        assert pack("track", 1, stored[place]) == pack("track", 1, track.block(place))


def test_a_block_that_is_missing_is_told() -> None:
    track = tracked(range(3 * BLOCK))
    blocks = [track.block(place) for place in (0, 2)]
    with pytest.raises(ValueError, match=f"{2 * BLOCK} windows are there of {3 * BLOCK}"):
        tracked([]).restore(track.taken, blocks)


@pytest.mark.parametrize("many", [65_535, 65_536, 2**32 - 2, 2**32, 2**62])
def test_however_many_events_are_kept_exactly(many: int) -> None:
    track, again = tracked(range(2)), tracked([])
    counts = np.full((3, 1), many, np.int64)
    track.append(
        (OWN + 2) * EVERY,
        Readings(np.zeros((2, 3, 1)), counts, counts + 1),
        read_volume(np.array([many])),
    )
    again.restore(track.taken, [track.block(0)])
    for one in (track, again):
        columns, volume, _ = one.history(OWN_WINDOWS)
        assert columns.readings.valid[0, -2:].tolist() == [51, many]
        assert columns.readings.events[0, -2:].tolist() == [52, many + 1]
        assert volume.readings.events[0, -1] == many + 1
