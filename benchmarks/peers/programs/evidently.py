"""Evidently: a report of the PSI of every feature for every 10,000 rows.

Its preset for data drift draws more pictures and costs twice as much.
"""

import pandas as pd
from evidently import DataDefinition, Dataset, Report
from evidently.metrics import ValueDrift

from benchmarks.peers.programs.frames import PACKAGES, REPORT_EVERY, Judge, watch
from benchmarks.peers.programs.tell import Tell, job

__all__: list[str] = []


def learn(reference: pd.DataFrame) -> Judge:
    """Keep the reference: every report has it beside the rows."""
    numbers = list(reference.select_dtypes("number"))
    columns = DataDefinition(
        numerical_columns=numbers, categorical_columns=list(reference.columns.difference(numbers))
    )
    before = Dataset.from_pandas(reference, columns)
    report = Report([ValueDrift(column=name, method="psi") for name in reference])

    def judge(frame: pd.DataFrame) -> int:
        snapshot = report.run(Dataset.from_pandas(frame, columns), before)
        assert len(snapshot.dict()["metrics"]) == frame.shape[1]
        return 1

    return judge


if __name__ == "__main__":
    tell = Tell()
    tell.versions("evidently", *PACKAGES)
    watch(job(), tell, learn, REPORT_EVERY)
