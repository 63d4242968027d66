"""What a verdict of the alarm layer was made of, for the alert that tells it: see `detectors.alarms.account`."""

from collections.abc import Mapping

from detectors import Verdict
from detectors.alarms.account import account
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST
from detectors.alarms.tail import cautious
from detectors.summaries.summary import Summary
from stream.evaluate.alarms import Alarms
from stream.evaluate.finding import is_hard
from stream.evaluate.track import recent_of

__all__ = ["Account", "account_of"]

Account = Mapping[str, object]
PLACES = {test.name: s for s, test in enumerate(COLUMN_TESTS)}


def account_of(
    alarms: Alarms, share: float, column: int, verdict: Verdict, window: Summary | None
) -> Account | None:
    """Give the account of a verdict on the window taken last; None where it is no chance that the layer told.

    `share` and `window` are as they were judged by, `column` is its place, -1 the series. It is to be asked before
    windows are said to be out of control. Cost: as much as to judge the window.
    """
    judge, name = alarms.judging, verdict.detector
    volume = name == VOLUME_TEST.name and column < 0
    if not (volume or name in PLACES) or verdict.p_value is None or is_hard(verdict):
        return None
    of_columns, of_volume = recent_of([alarms.track], alarms.baseline.reach)
    start = alarms.track.newest_ms
    if volume:
        s, c, test, layer, past = 0, 0, VOLUME_TEST, judge.volume_layer, of_volume
        seen = judge.volumes_seen(past)
        counted = int(verdict.statistic), 1
    else:
        s, c, layer, past = PLACES[name], column, judge.layer, of_columns
        test, seen = COLUMN_TESTS[s], judge.columns_seen(past, start)
        missing = 0 if window is None else int(judge.signals.missing(window)[c])
        counted = missing, int(past.readings.events[c, -1])
    step = test.name not in ("missing", "volume")
    here = past.readings.events if test.name == "missing" or volume else past.readings.valid
    alpha = cautious(share) * test.share
    return account(
        layer, s, c, seen.x[s, c], seen.worth[s, c], seen.base[s, c], here[c, -seen.x.shape[2] :], start, alpha,
        None if step else counted,
    )  # fmt: skip
