"""What the package says it exports is what it has."""

from types import FunctionType

import pytest

import detectors
from detectors import COMPARISONS


def test_every_exported_name_exists_once_and_in_order() -> None:
    names = detectors.__all__
    assert len(set(names)) == len(names)
    assert all(hasattr(detectors, name) for name in names)


def test_every_public_class_is_exported() -> None:
    here = {
        name
        for name, thing in vars(detectors).items()
        if isinstance(thing, type) and thing.__module__.startswith("detectors.")
    }
    assert here <= set(detectors.__all__)


def test_comparisons_have_names_of_their_own() -> None:
    names = [kind.name for kind in COMPARISONS]
    assert names == [
        "psi",
        "kolmogorov_smirnov",
        "chi_square",
        "missing",
        "invalid",
        "unseen",
        "out_of_range",
        "frozen",
        "g",
        "jensen_shannon",
        "kullback_leibler",
        "hellinger",
        "total_variation",
        "wasserstein",
        "cramer_von_mises",
        "mean_shift",
        "variance_shift",
    ]
    assert [kind.name for kind in COMPARISONS if kind.DEFAULT] == names[:8]


SHOWN = [
    name for name in detectors.__all__ if isinstance(getattr(detectors, name), type | FunctionType)
]


@pytest.mark.parametrize("name", SHOWN)
def test_every_public_name_shows_how_to_use_it(name: str) -> None:
    """A docstring with an example that runs; pytest runs them all."""
    assert ">>>" in (getattr(detectors, name).__doc__ or "")
