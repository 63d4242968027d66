"""Every drift detector of river behind our interface, with a binary form that runs no code."""

# ruff: noqa: S311 - a test wants the same numbers again

import sys
from collections import deque
from random import Random
from typing import Any

import numpy as np
import pytest

from detectors import River
from detectors.binary_form import pack, unpack
from detectors.sequential.river import river_class, river_names

RANDOM = Random(5)
ERRORS = [float(RANDOM.random() < (0.2 if i < 400 else 0.8)) for i in range(800)]
CASES: list[tuple[str, dict[str, Any]]] = [
    *((name, {}) for name in river_names() if name != "KSWIN"),
    ("KSWIN", {"seed": 1, "alpha": 0.05}),
    ("ADWIN", {"delta": 0.1, "clock": 1, "max_buckets": 9, "min_window_length": 2}),
    ("PageHinkley", {"mode": "down", "threshold": 2.0}),
    ("PageHinkley", {"mode": "up", "threshold": 2.0, "delta": 0.1}),
    ("DummyDriftDetector", {"trigger_method": "random", "t_0": 30, "w": 20, "seed": 4}),
    ("DummyDriftDetector", {"t_0": 50, "w": 20, "seed": 4}),
    ("FHDDM", {"sliding_window_size": 50, "short_window_size": 10}),
    ("HDDMA", {"two_sided_test": True}),
    ("HDDMW", {"two_sided_test": True, "lambda_val": 0.2}),
]


def test_the_names_are_those_of_rivers_drift_detectors() -> None:
    """A class that only holds a detector, or the room of data sets, is none."""
    assert {"ADWIN", "KSWIN", "NoDrift", "DummyDriftDetector", "FHDDM", "HDDMW"} <= {*river_names()}
    assert "DriftRetrainingClassifier" not in river_names()


@pytest.mark.parametrize(("name", "settings"), CASES)
def test_it_answers_as_the_detector_itself(name: str, settings: dict[str, Any]) -> None:
    ours, many, theirs = River(name, settings), River(name, settings), river_class(name)(**settings)
    found = []
    for i, x in enumerate(ERRORS):
        ours.update(x)
        theirs.update(x)
        assert ours.drift_detected == bool(theirs.drift_detected)
        assert ours.warning_detected == bool(getattr(theirs, "warning_detected", False))
        if ours.drift_detected:
            found.append(i)
    assert many.update_many(ERRORS).tolist() == found


@pytest.mark.parametrize(("name", "settings"), CASES)
@pytest.mark.parametrize("cut", [0, 1, *Random(8).sample(range(2, 799), 4)])
def test_going_on_from_bytes_changes_nothing(cut: int, name: str, settings: dict[str, Any]) -> None:
    whole = River(name, settings)
    whole.update_many(ERRORS[:cut])
    again = River.from_bytes(whole.to_bytes())
    assert type(again.wrapped) is type(whole.wrapped)
    assert again.to_bytes() == whole.to_bytes()
    assert (again.drift_detected, again.warning_detected) == (
        whole.drift_detected,
        whole.warning_detected,
    )
    assert again.update_many(ERRORS[cut:]).tolist() == whole.update_many(ERRORS[cut:]).tolist()
    assert again.to_bytes() == whole.to_bytes()


def test_two_read_from_the_same_bytes_share_nothing() -> None:
    first = River("KSWIN", {"seed": 1})
    first.update_many(ERRORS[:300])
    data = first.to_bytes()
    one, other = River.from_bytes(data), River.from_bytes(data)
    one.update_many(ERRORS[300:])
    assert other.to_bytes() == data


def test_every_plain_value_has_a_form() -> None:
    """Whatever a detector of tomorrow keeps, as long as it is plain."""
    value: dict[object, Any] = {
        ("a", 1): [1, 2.5, None, True, "x", b"y", -(2**63)],
        "deque": deque([1, (2, 3)], maxlen=4),
        "endless": deque([np.float64(0.5)]),
        "array": np.arange(6.0).reshape(2, 3),
        "random": Random(3),
    }
    river = River("NoDrift")
    river.wrapped.held = value
    held: Any = River.from_bytes(river.to_bytes()).wrapped.held
    assert held.pop("random").getstate() == value.pop("random").getstate()
    assert np.array_equal(held.pop("array"), value.pop("array"))
    assert held == value
    assert (held["deque"].maxlen, held["endless"].maxlen) == (4, None)
    assert type(held["endless"][0]) is np.float64


@pytest.mark.parametrize("value", [{1, 2}, 2**63, object(), print, Random, np.array(["x"]), 1j])
def test_what_has_no_form_is_refused_by_the_name_of_its_attribute(value: object) -> None:
    river = River("NoDrift")
    river.wrapped.strange = [value]
    with pytest.raises(ValueError, match=r"NoDrift\.strange is a"):
        river.to_bytes()


def hostile(state: list[Any], detector: str = "PageHinkley") -> bytes:
    """Bytes that are whole and say something that no detector wrote."""
    fields = {"settings": {"detector": detector, "settings": {}}, "state": state}
    return pack("river", 1, fields)


@pytest.mark.parametrize(
    "value",
    [
        ["object", "os.system", ["x", 1]],
        ["object", "subprocess.Popen"],
        ["object", "river.drift.datasets.AirlinePassengers"],
        ["object", "river.stats.mean"],
        ["object", "antigravity.fly"],
        ["object", ["river.stats.mean.Mean"]],
        ["rust", "river._river_rust.stats.RsVar", b""],
        ["rust", "river._river_rust.stats.RsEWMean", b"damaged"],
        ["rust", "river._river_rust.stats.RsEWMean", 5],
        ["method", "__reduce__"],
        ["method", "_multiprocess"],
        ["method", "update"],
        ["eval", "1"],
        ["random", 3, np.zeros(3, np.uint32), None],
        ["random", 9, np.zeros(625, np.uint32), None],
        ["array", 1],
        ["dict", [1]],
        ["deque", "x", 1],
        ["object", "river.stats.mean.Mean", [1, 1]],
        [["list"]],
        [],
        {"a": 1},
    ],
    ids=str,
)
def test_hostile_bytes_are_refused_and_import_and_call_nothing(
    value: object, capfd: pytest.CaptureFixture[str]
) -> None:
    """`update` is a method of the class, yet not where one may stand."""
    loaded = set(sys.modules)
    with pytest.raises(ValueError, match=r"river|state|part"):
        River.from_bytes(hostile([["_drift_detected", False], ["x", value]]))
    assert {m for m in set(sys.modules) - loaded if not m.startswith("river")} == set()
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("name", ["os.system", "DriftRetrainingClassifier", "datasets", "", "base"])
def test_only_detectors_of_river_are_made_from_bytes(name: str) -> None:
    with pytest.raises(ValueError, match="no drift detector"):
        River.from_bytes(hostile([], name))


def test_bytes_without_a_status_are_refused() -> None:
    for state in ([], [["_drift_detected", "yes"]], [["_drift_detected"]]):
        with pytest.raises(ValueError, match="no state"):
            River.from_bytes(hostile(state))


def test_nested_bytes_do_not_exhaust_the_stack() -> None:
    deep: Any = 1
    for _ in range(20):
        deep = ["list", deep]
    with pytest.raises(ValueError, match="no value"):
        River.from_bytes(hostile([["x", deep]]))


@pytest.mark.parametrize(
    ("x", "weight", "words"),
    [(np.nan, 1, "finite"), (-np.inf, 1, "finite"), (0.5, 3, "single values"), (0.5, 0, "weight")],
)
def test_what_it_cannot_take_is_refused_and_leaves_no_trace(
    x: float, weight: int, words: str
) -> None:
    river = River("HDDMW")
    river.update_many(ERRORS[:50])
    before = river.to_bytes()
    with pytest.raises(ValueError, match=words):
        river.update(x, weight)
    with pytest.raises(ValueError, match="finite"):
        river.update_many([1.0, np.inf])
    assert river.to_bytes() == before


def test_settings_that_river_does_not_know_are_refused() -> None:
    with pytest.raises(ValueError, match=r"FHDDM cannot be made.*windw"):
        River("FHDDM", {"windw": 3})
    with pytest.raises(ValueError, match="Invalid 'mode'"):
        River("PageHinkley", {"mode": "sideways"})


def test_nobody_bounds_its_memory() -> None:
    with pytest.raises(NotImplementedError, match="bound"):
        _ = River("ADWIN").bytes_max


def test_without_river_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "river.base", None)
    with pytest.raises(ImportError, match=r"pip install 'driftbus\[river\]'"):
        River("ADWIN")


def test_the_bytes_name_the_attributes_in_plain_values() -> None:
    """What is written can be read by people, too."""
    fields = unpack(River("PageHinkley").to_bytes(), "river", range(1, 2))
    assert ["_test_drift", ["method", "_test_both"]] in fields["state"]
    assert ["_x_mean", ["object", "river.stats.mean.Mean", ["n", 0], ["_mean", 0.0]]] in fields[
        "state"
    ]


def test_what_river_raises_is_told_with_the_detectors_name() -> None:
    """A window smaller than two samples is found with the value that fills it."""
    for take in (lambda river: river.update_many([0.5] * 30), lambda river: fill(river, 30)):
        with pytest.raises(ValueError, match=r"river's KSWIN fails with 0\.5: Sample"):
            take(River("KSWIN", {"window_size": 30, "stat_size": 20}))


def fill(river: River, length: int) -> None:
    for _ in range(length):
        river.update(0.5)
