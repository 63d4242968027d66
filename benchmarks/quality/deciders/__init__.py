"""Each decider in a file of its own, all of the same shape: `fit`, `alarms`, `settings`."""

from benchmarks.quality.deciders.decider import Decider
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.deciders.every_k import EveryK
from benchmarks.quality.deciders.kolmogorov_smirnov import KolmogorovSmirnov
from benchmarks.quality.deciders.psi import Psi
from benchmarks.quality.deciders.sequential import Adwin, RiverPageHinkley
from benchmarks.quality.deciders.three_sigma import ThreeSigma

__all__ = ["ABSENT", "MATCHED", "Decider", "all_deciders"]

MATCHED = (
    "PSI > 0.1",
    "KS p < 0.05",
    "NannyML 3 sigma",
    "ADWIN",
    "Page-Hinkley",
    "every 48 windows",
)
"""Those that are also set to driftbus' false-alarm rate; the others would be the same with another bound."""

ABSENT = {
    "alibi-detect": "too slow: its CVMDriftOnline takes 0.35 ms an update, so more than an hour and a half for a "
    "fleet-week of 100 monitors with 1,000 events an hour; and it simulates its thresholds, with at least as many "
    "streams as there are updates between two false alarms, here 17 million"
}
"""Peers that have no figures, and why."""


def all_deciders(budget: float) -> list[Decider]:
    """Make them all, driftbus first."""
    return [
        Driftbus(budget),
        Psi("PSI > 0.1", 0.1),
        Psi("PSI > 0.2", 0.2),
        KolmogorovSmirnov("KS p < 0.05", 0.05),
        KolmogorovSmirnov("KS Bonferroni", 0.05, corrected=True),
        ThreeSigma("NannyML 3 sigma", 3.0),
        Adwin(),
        RiverPageHinkley(),
        EveryK(1),
        EveryK(48),
    ]
