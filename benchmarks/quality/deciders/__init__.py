"""Each decider in a file of its own, all of the same shape: `fit`, `alarms`, `settings`."""

from benchmarks.quality.deciders.alibi_detect import AlibiDetect
from benchmarks.quality.deciders.decider import Decider
from benchmarks.quality.deciders.driftbus import Driftbus
from benchmarks.quality.deciders.every_k import EveryK
from benchmarks.quality.deciders.kolmogorov_smirnov import KolmogorovSmirnov
from benchmarks.quality.deciders.psi import Psi
from benchmarks.quality.deciders.sequential import Adwin, RiverPageHinkley
from benchmarks.quality.deciders.three_sigma import ThreeSigma

__all__ = ["MATCHED", "Decider", "all_deciders", "peers"]

MATCHED = (
    "PSI > 0.1",
    "KS p < 0.05",
    "NannyML 3 sigma",
    "alibi-detect CVM",
    "ADWIN",
    "Page-Hinkley",
    "every 48 windows",
)
"""Those that are also set to driftbus' false-alarm rate; the others would be the same with another bound."""


def peers() -> list[Decider]:
    """Make all but driftbus, alibi-detect only where its environment is (`AlibiDetect.installed`)."""
    return [
        Psi("PSI > 0.1", 0.1),
        Psi("PSI > 0.2", 0.2),
        KolmogorovSmirnov("KS p < 0.05", 0.05),
        KolmogorovSmirnov("KS Bonferroni", 0.05, corrected=True),
        ThreeSigma("NannyML 3 sigma", 3.0),
        *([AlibiDetect()] if AlibiDetect.installed() else []),
        Adwin(),
        RiverPageHinkley(),
        EveryK(1),
        EveryK(48),
    ]


def all_deciders(budget: float) -> list[Decider]:
    """Make them all, driftbus first."""
    return [Driftbus(budget), *peers()]
