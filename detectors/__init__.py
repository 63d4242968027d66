"""Drift detectors: pure functions of counts and numbers, one algorithm a file.

Two families. *Comparisons* hold the counts of a window against those of a reference and judge by
how the reference's own windows wander (`Comparison` is their shape, `Cells` what they read,
`Verdict` what they say). *Sequential* detectors (`ADWIN`, `PageHinkley`) take one number after
the other. Nothing here knows a clock, a file, a socket, a log or a configuration.
"""

from detectors.adwin import ADWIN
from detectors.cells import Cells, baseline
from detectors.chi_square import ChiSquare, chi_square
from detectors.comparison import Comparison
from detectors.frozen import Frozen
from detectors.invalid import Invalid
from detectors.kolmogorov_smirnov import KolmogorovSmirnov, kolmogorov_smirnov
from detectors.location import Location
from detectors.missing import Missing
from detectors.out_of_range import OutOfRange
from detectors.page_hinkley import PageHinkley
from detectors.psi import Psi, psi
from detectors.unseen import Unseen
from detectors.verdict import Verdict
from detectors.volume import Silence, Volume
from detectors.wander import EVENTS_MIN, WINDOWS_MIN, Wander

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
