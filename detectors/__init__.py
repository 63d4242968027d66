"""Drift detectors: pure functions of counts and numbers, one algorithm a file.

Two families. *Comparisons* hold the counts of a window against those of a reference and judge by
how the reference's own windows wander (`Comparison` is their shape, `Cells` what they read,
`Verdict` what they say). *Sequential* detectors (`ADWIN`, `PageHinkley`) take one number after
the other. Nothing here knows a clock, a file, a socket, a log or a configuration.
"""

from detectors.comparisons.cells import Cells, baseline
from detectors.comparisons.chi_square import ChiSquare, chi_square
from detectors.comparisons.comparison import Comparison
from detectors.comparisons.frozen import Frozen
from detectors.comparisons.invalid import Invalid
from detectors.comparisons.kolmogorov_smirnov import KolmogorovSmirnov, kolmogorov_smirnov
from detectors.comparisons.location import Location
from detectors.comparisons.missing import Missing
from detectors.comparisons.out_of_range import OutOfRange
from detectors.comparisons.psi import Psi, psi
from detectors.comparisons.unseen import Unseen
from detectors.comparisons.verdict import Verdict
from detectors.comparisons.volume import Silence, Volume
from detectors.comparisons.wander import EVENTS_MIN, WINDOWS_MIN, Wander
from detectors.sequential.adwin import ADWIN
from detectors.sequential.page_hinkley import PageHinkley

__all__ = [
    "ADWIN",
    "COMPARISONS",
    "EVENTS_MIN",
    "WINDOWS_MIN",
    "Cells",
    "ChiSquare",
    "Comparison",
    "Frozen",
    "Invalid",
    "KolmogorovSmirnov",
    "Location",
    "Missing",
    "OutOfRange",
    "PageHinkley",
    "Psi",
    "Silence",
    "Unseen",
    "Verdict",
    "Volume",
    "Wander",
    "baseline",
    "chi_square",
    "kolmogorov_smirnov",
    "psi",
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
)
"""What every column is asked, as far as it applies; Location, Volume and Silence are asked of what
they are meant for."""
