"""whylogs: a profile of every 10,000 rows, in the bytes that are kept. It is compared with nothing."""

import pandas as pd
import whylogs

from benchmarks.peers.programs.frames import PACKAGES, REPORT_EVERY, Judge, watch
from benchmarks.peers.programs.tell import Tell, job

__all__: list[str] = []


def learn(_: pd.DataFrame) -> Judge:
    """Learn nothing: a profile has no reference."""

    def judge(frame: pd.DataFrame) -> int:
        assert whylogs.log(frame).view().serialize()
        return 1

    return judge


if __name__ == "__main__":
    tell = Tell()
    tell.versions("whylogs", "whylogs-sketching", *PACKAGES)
    watch(job(), tell, learn, REPORT_EVERY)
