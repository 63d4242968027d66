"""What verdicts of the alarm layer were made of, for the alerts that tell them: see `detectors.alarms.account`."""

from collections.abc import Iterator, Mapping, Sequence

from detectors import Verdict
from detectors.alarms.account import account
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST
from detectors.alarms.tail import cautious
from detectors.summaries.summary import Summary
from stream.evaluate.judging.alarm_judge import AlarmJudge
from stream.evaluate.judging.alarms import Alarms
from stream.evaluate.judging.baseline import Compared
from stream.evaluate.judging.finding import is_hard
from stream.evaluate.judging.track import Past, recent_of

__all__ = ["Account", "accounts_of"]

Account = Mapping[str, object]
PLACES = {test.name: s for s, test in enumerate(COLUMN_TESTS)}


def accounts_of(
    alarms: Alarms, share: float, told: Sequence[tuple[int, Verdict]], window: Summary | None
) -> Iterator[tuple[int, Account]]:
    """Give the accounts of verdicts on the window taken last, of those that are chances of the layer's, by column.

    `share` and `window` are as they were judged by, `told` are columns by their places, -1 the series, and what is told
    of each. It is to be asked before windows are said to be out of control. Cost: as much as to judge the window once
    more, and 0.6 ms each.
    """
    asked = [(column, verdict) for column, verdict in told if _is_layers(column, verdict)]
    if not asked:
        return
    judge, start = alarms.judging, alarms.track.newest_ms
    of_columns, of_volume = recent_of([alarms.track], alarms.baseline.reach)
    columns_seen, volumes_seen = (
        judge.columns_seen(of_columns, start),
        judge.volumes_seen(of_volume),
    )
    for column, verdict in asked:
        if column < 0:
            yield column, _of_volume(judge, of_volume, volumes_seen, start, share, verdict)
        else:
            lost = 0 if window is None else int(judge.signals.missing(window)[column])
            yield (
                column,
                _of_column(
                    judge, of_columns, columns_seen, start, share, column, verdict.detector, lost
                ),
            )


def _is_layers(column: int, verdict: Verdict) -> bool:
    known = {VOLUME_TEST.name} if column < 0 else PLACES.keys()
    return verdict.detector in known and verdict.p_value is not None and not is_hard(verdict)


def _of_volume(
    judge: AlarmJudge, past: Past, seen: Compared, start: int, share: float, verdict: Verdict
) -> Account:
    x, worth, base = (part[0, 0] for part in seen)
    alpha = cautious(share) * VOLUME_TEST.share
    events = past.readings.events[0, -len(x) :]
    counted = int(verdict.statistic), 1
    return account(judge.volume_layer, 0, 0, x, worth, base, events, start, alpha, counted)


def _of_column(
    judge: AlarmJudge, past: Past, seen: Compared, start: int, share: float, c: int, name: str, lost: int
) -> Account:  # fmt: skip
    s = PLACES[name]
    x, worth, base = (part[s, c] for part in seen)
    alpha = cautious(share) * COLUMN_TESTS[s].share
    of_share = name == "missing"
    events = (past.readings.events if of_share else past.readings.valid)[c, -len(x) :]
    counted = (lost, int(events[-1])) if of_share else None
    return account(judge.layer, s, c, x, worth, base, events, start, alpha, counted)
