"""The names of detectors, by when they run and what they look at."""

__all__ = [
    "BROKEN_DETECTORS",
    "DETECTORS_BY_DEFAULT",
    "DETECTORS_ON_REQUEST",
    "LAYERED_DETECTORS",
    "RIVER",
    "SEQUENTIAL_DETECTORS",
]

DETECTORS_BY_DEFAULT = (
    "location",
    "spread",
    "shape",
    "psi",
    "kolmogorov_smirnov",
    "chi_square",
    "missing",
    "invalid",
    "unseen",
    "out_of_range",
    "frozen",
    "volume",
)
"""Detectors that run unless they are switched off."""
DETECTORS_ON_REQUEST = (
    "page_hinkley",
    "adwin",
    "g",
    "jensen_shannon",
    "kullback_leibler",
    "hellinger",
    "total_variation",
    "wasserstein",
    "cramer_von_mises",
    "mean_shift",
    "variance_shift",
    "cusum",
    "ewma",
    "ddm",
    "eddm",
    "hddm_a",
    "hddm_w",
    "kswin",
)
"""Detectors that run where they are named; so do river's."""
LAYERED_DETECTORS = ("location", "spread", "shape", "missing", "volume")
"""Those that hold a column against its own history; the first three can do nothing else, so they have no threshold."""
BROKEN_DETECTORS = ("invalid", "unseen", "out_of_range", "frozen")
"""Those that look for broken values, on a part of the budget or by a hard rule."""
SEQUENTIAL_DETECTORS = (
    "page_hinkley",
    "adwin",
    "cusum",
    "ewma",
    "ddm",
    "eddm",
    "hddm_a",
    "hddm_w",
    "kswin",
)
"""Those of both that take one value a window and have settings of their own; so have river's."""
RIVER = "river."
"""What the names of river's detectors begin with; a class of river follows."""
