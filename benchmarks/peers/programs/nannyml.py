"""NannyML: univariate drift of chunks of 10,000 rows.

It is told by the Jensen-Shannon distance, and by the Kolmogorov-Smirnov or the chi-squared test.
"""

import pandas as pd
from nannyml import UnivariateDriftCalculator

from benchmarks.peers.programs.frames import PACKAGES, REPORT_EVERY, Judge, watch
from benchmarks.peers.programs.tell import Tell, job

__all__: list[str] = []

ROWS = 5 * REPORT_EVERY
"""Rows a call: it cuts them into chunks itself, and what it does once a call is shared by these."""


def learn(reference: pd.DataFrame) -> Judge:
    """Fit the calculator, which sets its thresholds by chunks of the reference."""
    calculator = UnivariateDriftCalculator(
        column_names=list(reference),
        treat_as_categorical=list(reference.select_dtypes(exclude="number")),
        continuous_methods=["jensen_shannon", "kolmogorov_smirnov"],
        categorical_methods=["jensen_shannon", "chi2"],
        chunk_size=REPORT_EVERY,
    ).fit(reference)

    def judge(frame: pd.DataFrame) -> int:
        return len(calculator.calculate(frame).filter(period="analysis").to_df())

    return judge


if __name__ == "__main__":
    tell = Tell()
    tell.versions("nannyml", "scipy", *PACKAGES)
    watch(job(), tell, learn, ROWS)
