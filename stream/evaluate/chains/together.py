"""Judges windows of many chains as one: their columns lie side by side, and every step is one call for all of them.

Judged together is judged alone, to the last bit, whoever else is there. Only windows in which all is as usual are
finished here: what is kept of them is known, and nobody asks for words. Where something alarms, the chain is judged
again alone; and alone from the beginning where it has a story that goes on, or the window is no plain one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from detectors.arrays import Counts
from stream.evaluate.chains.case import Case, Judges
from stream.evaluate.chains.chain import Chain
from stream.evaluate.chains.kept import Entry, kept_scores
from stream.evaluate.judging.alarm_judge import AlarmJudge
from stream.evaluate.judging.findings import Findings, Said
from stream.evaluate.judging.scores import Scores
from stream.evaluate.judging.side_by_side import behind
from stream.evaluate.judging.signals import Signals
from stream.evaluate.judging.track import recent_of
from stream.words import Kind

__all__ = ["judge_ahead", "portions"]

COLUMNS_MAX = 500
"""Columns that are judged together: what they need beside each other is some 6 KB each."""
SERIES: Counts = np.array([-1])


def portions(chains: Sequence[Chain]) -> Iterator[list[Chain]]:
    """Part chains, in their order, into so many that are judged together."""
    portion: list[Chain] = []
    columns = 0
    for chain in chains:
        columns += len(chain.reference.columns)
        if portion and columns > COLUMNS_MAX:
            yield portion
            portion, columns = [], len(chain.reference.columns)
        portion.append(chain)
    if portion:
        yield portion


def judge_ahead(chains: Sequence[Chain], until_ms: Callable[[Chain], int]) -> None:
    """Judge the windows of chains of one kind that end up to a time; each then gives them when it is closed.

    They may be of several models that are judged by the same rules.

    Cost: of many chains of 10 columns a third of what each costs alone, of 100 columns two thirds: what is left are the
    steps of the alarm layer, 6 us a signal.
    """
    if len(chains) == 1:  # it is as well judged when it is closed
        return
    due = [(chain, chain.due(until_ms(chain))) for chain in chains]
    for turn in range(max(len(windows) for _, windows in due)):
        open_ = [
            (chain, chain.open(*windows[turn])) for chain, windows in due if turn < len(windows)
        ]
        found: dict[int, Findings] = {}
        for seats in _alike([seat for chain, case in open_ if (seat := _seated(chain, case))]):
            if len(seats) > 1:
                cases = [id(seat.case) for seat in seats]
                found |= zip(cases, _findings(seats), strict=True)
        for chain, case in open_:
            findings = found.get(id(case)) or chain.hear(case)
            chain.ahead.append(chain.conclude(case, findings))


class _Seat(NamedTuple):
    """A chain whose window is judged beside those of others."""

    chain: Chain
    case: Case
    judges: Judges


def _seated(chain: Chain, case: Case) -> _Seat | None:
    """Give a chain its seat, if it has no story to go on with and its window is a plain one."""
    plain = case.closed.whole and not case.excluded and not chain.rules.extra
    story = chain.incidents or chain.cooling
    if case.judges is None or not plain or story or not chain.reference.columns:
        return None
    return _Seat(chain, case, case.judges)


def _alike(seats: Sequence[_Seat]) -> list[list[_Seat]]:
    """Gather whom one call can judge: of windows of the same time and share, of which the same is known."""
    groups: dict[object, list[_Seat]] = {}
    for seat in seats:
        case = seat.case
        known = case.summary is None, case.own is None
        key = case.window, case.closed.start_ms, case.share, known
        groups.setdefault(key, []).append(seat)
    return list(groups.values())


def _findings(seats: Sequence[_Seat]) -> Iterator[Findings]:
    sheet = _Sheet(len(seats))
    if seats[0].chain.kind is not Kind.ERRORS:
        volumes = Scores.volumes_beside([seat.judges.scores for seat in seats])
        for said in volumes.volumes([seat.judges.arrivals for seat in seats]):
            sheet.add_series(said, range(len(seats)))
    _score(seats, sheet)
    _hear(seats, sheet)
    for k, seat in enumerate(seats):
        yield sheet.findings(k, seat)


def _score(seats: Sequence[_Seat], sheet: "_Sheet") -> None:
    """Tell the scores that people know."""
    windows = [seat.case.summary for seat in seats if seat.case.summary is not None]
    if not windows:
        return
    parts = [seat.judges.scores for seat in seats]
    batches = [(k, batch) for k, scores in enumerate(parts) for batch in scores.batches]
    owners, places = [k for k, _ in batches], [np.array(b, np.int64) for _, b in batches]
    share = seats[0].case.share
    for said in Scores.beside(parts, windows).columns(behind(windows), share):
        sheet.add(said, owners, places)


def _hear(seats: Sequence[_Seat], sheet: "_Sheet") -> None:
    """Let the alarm layers take the windows in, then judge them."""
    windows = [seat.case.own for seat in seats if seat.case.own is not None]
    signals = [seat.judges.alarms.signals for seat in seats]
    together = Signals.beside(signals, windows) if windows else None
    wide = behind(windows) if windows else None
    firsts = np.cumsum([0, *(len(of.used) for of in signals)]).tolist()
    read = None if together is None else together.read(wide)
    for seat, of, first, end in zip(seats, signals, firsts[:-1], firsts[1:], strict=True):
        own = of.read(None) if read is None else read.columns(slice(first, end))
        seat.chain.enter(seat.case, own)
    groups: dict[object, list[int]] = {}
    judges = [seat.judges.alarms.judging for seat in seats]
    for k, judge in enumerate(judges):
        groups.setdefault(judge.alike, []).append(k)
    for members in groups.values():
        held, window, of_all = windows, wide, together
        if len(members) < len(seats):
            own_of = [seats[k].case.own for k in members]
            held, of_all = [own for own in own_of if own is not None], None
            window = behind(held) if held else None
        one = AlarmJudge.beside([judges[k] for k in members], held, of_all)
        tracks = [seats[k].judges.alarms.track for k in members]
        recent, volume = recent_of(tracks, one.reach)
        places = [np.arange(len(signals[k].used)) for k in members]
        case = seats[0].case
        for said in one.judge(recent, volume, window, case.closed.start_ms, case.share):
            if len(said.columns) and said.columns[0] < 0:
                sheet.add_series(said, members)
            else:
                sheet.add(said, members, places)


class _Sheet:
    """What is said of K chains: which of them alarm, and what is to be kept of each."""

    def __init__(self, chains: int) -> None:
        self.loud = np.zeros(chains, np.bool_)
        self.entries: list[list[Entry]] = [[] for _ in range(chains)]

    def add(self, said: Said, owners: Sequence[int], places: Sequence[Counts]) -> None:
        """Take in what is said of columns that are numbered through.

        They are those of several parts, one after the other: whose each is, and which columns of that chain.
        """
        starts = np.cumsum([0, *map(len, places)])
        rows, told = said.columns, said.told
        if not told.any():
            return
        loud = rows[said.loud]
        if len(loud):
            parts = np.searchsorted(starts, loud, side="right") - 1
            self.loud[np.asarray(owners)[parts]] = True
        bounds, firsts = np.searchsorted(rows, starts).tolist(), starts.tolist()
        name, statistic = said.verdicts.detector, said.verdicts.statistic
        every = bool(told.all())
        for p, owner in enumerate(owners):
            a, b = bounds[p], bounds[p + 1]
            if a == b:
                continue
            columns, of_part = places[p], statistic[a:b]
            if b - a < len(columns):
                columns = columns[rows[a:b] - firsts[p]]
            if not every:
                columns, of_part = columns[told[a:b]], of_part[told[a:b]]
            if len(columns):
                self.entries[owner].append((columns, name, of_part, None))

    def add_series(self, said: Said, owners: Sequence[int]) -> None:
        """Take in what is said of series as a whole."""
        name, statistic = said.verdicts.detector, said.verdicts.statistic
        told, loud = said.told.tolist(), said.loud.tolist()
        for i, owner in enumerate(owners):
            self.loud[owner] |= loud[i]
            if told[i]:
                self.entries[owner].append((SERIES, name, statistic[i : i + 1], None))

    def findings(self, k: int, seat: _Seat) -> Findings:
        """Give what is found of a chain."""
        chain, case = seat.chain, seat.case
        if self.loud[k]:
            return Findings(chain.places, chain.say(case))
        heard = seat.judges.alarms.heard()
        kept = kept_scores(self.entries[k])
        return Findings.quiet(chain.places, lambda: chain.say(case, heard), kept)
