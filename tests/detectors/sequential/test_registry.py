"""A sequential detector is made by its name, and read back by it."""

import re
from typing import Any

import pytest

from detectors import SEQUENTIAL, River
from detectors.sequential import sequential, sequential_from_bytes, sequential_settings

STREAM = [0.0, 1.0, 0.0, 1.0] * 20


def test_the_names() -> None:
    """Configurations, bytes and alerts hang on them."""
    assert [kind.name for kind in SEQUENTIAL] == [
        "adwin",
        "page_hinkley",
        "cusum",
        "ewma",
        "ddm",
        "eddm",
        "hddm_a",
        "hddm_w",
        "kswin",
    ]


@pytest.mark.parametrize("name", [*(kind.name for kind in SEQUENTIAL), "river.FHDDM"])
def test_a_name_makes_a_detector_and_reads_its_bytes(name: str) -> None:
    detector = sequential(name)
    detector.update_many(STREAM)
    again = sequential_from_bytes(name, detector.to_bytes())
    assert type(again) is type(detector)
    assert again.to_bytes() == detector.to_bytes()


@pytest.mark.parametrize("kind", SEQUENTIAL)
def test_settings_are_the_constructors_arguments(kind: Any) -> None:
    """Those that are kept are among them."""
    assert set(kind.SETTINGS) <= set(sequential_settings(kind.name))


def test_settings_reach_the_detector() -> None:
    assert repr(sequential("cusum", {"threshold": 7.0})).startswith(
        "CUSUM(min_instances=30, delta=0.005, threshold=7.0"
    )
    river = sequential("river.FHDDM", {"sliding_window_size": 7})
    assert isinstance(river, River)
    assert river.wrapped.sliding_window_size == 7


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("kswn", {}, "no detector 'kswn', known: adwin, page_hinkley"),
        ("river.kswin", {}, "river has no drift detector 'kswin'"),
        ("kswin", {"windw": 1}, "kswin has no setting 'windw', it has: alpha, window_size"),
        ("river.ADWIN", {"windw": 1}, "river.ADWIN has no setting 'windw', it has: delta"),
        ("cusum", {"threshold": "x"}, "threshold must be a finite number, not 'x'"),
        ("cusum", {"threshold": -1.0}, "threshold"),
    ],
)
def test_what_cannot_be_made_is_told(name: str, settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        sequential(name, settings)


def test_bytes_of_another_detector_are_refused() -> None:
    data = sequential("cusum").to_bytes()
    with pytest.raises(ValueError, match="bytes of a cusum"):
        sequential_from_bytes("ewma", data)
    with pytest.raises(ValueError, match=r"river\.ADWIN, not of a river\.DDM"):
        sequential_from_bytes("river.DDM", sequential("river.ADWIN").to_bytes())
