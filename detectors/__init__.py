"""Drift detectors: pure functions of counts and numbers, one algorithm a file.

Three rooms. *Comparisons* hold the counts of a window against those of a reference and judge by
how the reference's own windows wander (`Comparison` is their shape, `Cells` what they read,
`Verdict` what they say). *Sequential* detectors (`ADWIN`, `PageHinkley`, `CUSUM`, `EWMA`, `DDM`,
`EDDM`, `HDDMA`, `HDDMW`, `KSWIN`, and river's own by `River`) take one number after the other.
*Summaries* count columns in bounded memory and merge (`Summary`, `Reservoir`, `UnseenValues`, and
DataSketches' as `DistinctCount`, `HeavyHitters`, `Quantiles`; `Mergeable` is their shape). Nothing
here knows a clock, a file, a socket, a log or a configuration.
"""

from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.chi_square import ChiSquare, chi_square
from detectors.comparisons.comparison import Comparison
from detectors.comparisons.counting import count
from detectors.comparisons.cramer_von_mises import CramerVonMises, cramer_von_mises
from detectors.comparisons.frozen import Frozen
from detectors.comparisons.g import G, g_test
from detectors.comparisons.hellinger import Hellinger, hellinger
from detectors.comparisons.invalid import Invalid
from detectors.comparisons.jensen_shannon import JensenShannon, jensen_shannon
from detectors.comparisons.kolmogorov_smirnov import KolmogorovSmirnov, kolmogorov_smirnov
from detectors.comparisons.kullback_leibler import KullbackLeibler, kullback_leibler
from detectors.comparisons.location import Location
from detectors.comparisons.mean_shift import MeanShift
from detectors.comparisons.missing import Missing
from detectors.comparisons.out_of_range import OutOfRange
from detectors.comparisons.psi import Psi, psi
from detectors.comparisons.total_variation import TotalVariation, total_variation
from detectors.comparisons.unseen import Unseen
from detectors.comparisons.variance_shift import VarianceShift
from detectors.comparisons.verdict import Verdict, Verdicts
from detectors.comparisons.volume import Silence, Volume
from detectors.comparisons.wander import EVENTS_MIN, WINDOWS_MIN, Wander
from detectors.comparisons.wasserstein import Wasserstein, wasserstein
from detectors.sequential import SEQUENTIAL
from detectors.sequential.adwin import ADWIN
from detectors.sequential.cusum import CUSUM
from detectors.sequential.ddm import DDM
from detectors.sequential.eddm import EDDM
from detectors.sequential.ewma import EWMA
from detectors.sequential.hddm_a import HDDMA
from detectors.sequential.hddm_w import HDDMW
from detectors.sequential.kswin import KSWIN
from detectors.sequential.page_hinkley import PageHinkley
from detectors.sequential.river import River
from detectors.summaries import (
    SUMMARIES,
    Column,
    DistinctCount,
    HeavyHitters,
    Layout,
    Mergeable,
    Quantiles,
    Reservoir,
    Summary,
    UnseenValues,
    learn_column,
)
from detectors.summaries.binning import quantile_edges

__all__ = [
    "ADWIN",
    "COMPARISONS",
    "CUSUM",
    "DDM",
    "EDDM",
    "EVENTS_MIN",
    "EWMA",
    "HDDMA",
    "HDDMW",
    "KSWIN",
    "SEQUENTIAL",
    "SUMMARIES",
    "WINDOWS_MIN",
    "Cells",
    "ChiSquare",
    "Column",
    "Comparison",
    "CramerVonMises",
    "DistinctCount",
    "Frozen",
    "G",
    "HeavyHitters",
    "Hellinger",
    "Invalid",
    "JensenShannon",
    "KolmogorovSmirnov",
    "KullbackLeibler",
    "Layout",
    "Location",
    "MeanShift",
    "Mergeable",
    "Missing",
    "OutOfRange",
    "PageHinkley",
    "Psi",
    "Quantiles",
    "Reservoir",
    "River",
    "Silence",
    "Summary",
    "TotalVariation",
    "Unseen",
    "UnseenValues",
    "VarianceShift",
    "Verdict",
    "Verdicts",
    "Volume",
    "Wander",
    "Wasserstein",
    "baseline",
    "chi_square",
    "count",
    "cramer_von_mises",
    "g_test",
    "hellinger",
    "jensen_shannon",
    "kolmogorov_smirnov",
    "kullback_leibler",
    "learn_column",
    "psi",
    "quantile_edges",
    "total_variation",
    "wasserstein",
]

COMPARISONS: tuple[type[Comparison], ...] = (
    Psi,
    KolmogorovSmirnov,
    ChiSquare,
    Missing,
    Invalid,
    Unseen,
    OutOfRange,
    Frozen,
    G,
    JensenShannon,
    KullbackLeibler,
    Hellinger,
    TotalVariation,
    Wasserstein,
    CramerVonMises,
    MeanShift,
    VarianceShift,
)
"""What columns are asked, as far as it applies: those with DEFAULT always, the others by name. Location,
Volume and Silence are asked of what they are meant for."""
