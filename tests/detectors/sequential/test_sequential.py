"""What all sequential detectors refuse alike: settings, updates, arrays and states; and cloning."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from detectors import ADWIN, CUSUM, DDM, EDDM, EWMA, HDDMA, HDDMW, KSWIN, SEQUENTIAL, PageHinkley
from detectors.binary_form import pack, unpack
from detectors.sequential import sequential
from detectors.sequential.sequential import Sequential

EVERY = [*(kind.name for kind in SEQUENTIAL), "river.FHDDM", "river.KSWIN"]
WHOLE: list[tuple[Any, str]] = [
    (ADWIN, "clock"),
    (ADWIN, "max_buckets"),
    (ADWIN, "min_window_length"),
    (ADWIN, "grace_period"),
    (PageHinkley, "min_instances"),
    (CUSUM, "min_instances"),
    (EWMA, "min_instances"),
    (DDM, "warm_start"),
    (DDM, "min_errors"),
    (EDDM, "warm_start"),
    (KSWIN, "window_size"),
    (KSWIN, "stat_size"),
    (KSWIN, "seed"),
]
NUMBERS: list[tuple[Any, str]] = [
    (ADWIN, "delta"),
    *((kind, name) for kind in (PageHinkley, CUSUM) for name in ("delta", "threshold", "mean")),
    (PageHinkley, "alpha"),
    *((EWMA, name) for name in ("lambda_val", "limit", "mean", "std")),
    (DDM, "warning_threshold"),
    (DDM, "drift_threshold"),
    (EDDM, "alpha"),
    (EDDM, "beta"),
    *((kind, f"{of}_confidence") for kind in (HDDMA, HDDMW) for of in ("drift", "warning")),
    (HDDMW, "lambda_val"),
    (KSWIN, "alpha"),
    (KSWIN, "distance_min"),
]
FLAGS: list[tuple[Any, str]] = [
    (ADWIN, "restart"),
    (ADWIN, "beyond_rounding"),
    (PageHinkley, "restart"),
    (EDDM, "clear_warning"),
    (HDDMA, "two_sided_test"),
    (HDDMW, "two_sided_test"),
    (HDDMW, "exact_weights"),
    (KSWIN, "keep_recent"),
]


@pytest.mark.parametrize(("kind", "setting"), WHOLE)
@pytest.mark.parametrize(
    "value", [1.5, 64.0, np.nan, np.inf, "64", True, 10**20, -(10**20)], ids=str
)
def test_what_counts_is_a_whole_number(kind: Any, setting: str, value: Any) -> None:
    """A float that looks whole is none, and a truth is no number."""
    with pytest.raises(ValueError, match=setting):
        kind(**{setting: value})


@pytest.mark.parametrize(("kind", "setting"), WHOLE)
def test_whole_numbers_of_numpy_become_pythons(kind: Any, setting: str) -> None:
    value = 200 if setting == "window_size" else 20
    assert type(getattr(kind(**{setting: np.int16(value)}), setting)) is int


@pytest.mark.parametrize(("kind", "setting"), NUMBERS)
@pytest.mark.parametrize(
    "value", [np.nan, np.inf, "0.5", True, 10**400, 0.5j], ids=lambda x: str(x)[:9]
)
def test_what_measures_is_a_finite_number(kind: Any, setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=setting):
        kind(**{setting: value})


@pytest.mark.parametrize(("kind", "setting"), FLAGS)
@pytest.mark.parametrize("value", [2, 1, 0.0, None, "no"])
def test_a_switch_is_true_or_false(kind: Any, setting: str, value: Any) -> None:
    with pytest.raises(ValueError, match=setting):
        kind(**{setting: value})


def test_settings_are_between_the_kinds_that_are_listed_here() -> None:
    """A new setting has to be judged, too."""
    listed = {(kind, name) for kind, name in (*WHOLE, *NUMBERS, *FLAGS)}
    known = {(kind, name) for kind in SEQUENTIAL for name in kind.SETTINGS if name != "mode"}
    assert listed == known


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    ("x", "weight", "variance"),
    [
        (0.5, 1, np.nan),
        (0.5, 1, -1.0),
        (0.5, 1, np.inf),
        (0.5, 1, 10**400),
        (10**400, 1, 0.0),
        (-(10**400), 1, 0.0),
        (0.5, 10**400, 0.0),
        (0.5, np.nan, 0.0),
    ],
    ids=lambda x: str(x)[:9],
)
def test_impossible_updates_are_refused_and_leave_no_trace(
    name: str, x: float, weight: Any, variance: float
) -> None:
    detector = sequential(name)
    detector.update_many([0, 1] * 20)
    before = detector.to_bytes()
    with pytest.raises(ValueError, match=r"."):
        detector.update(x, weight, variance)
    assert detector.to_bytes() == before


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize(
    "values",
    [
        1.0,
        np.float64(1.0),
        np.zeros((2, 2)),
        ["0", "1"],
        np.array(["0", "1"], object),
        np.array([0, 1], "datetime64[s]"),
        np.array([0, 1], "timedelta64[s]"),
        np.array([0, 1j]),
        [None],
        [0, 10**400],
        [b"1"],
        {"a": 1},
    ],
    ids=str,
)
def test_what_is_no_row_of_numbers_is_refused_and_leaves_no_trace(name: str, values: Any) -> None:
    detector = sequential(name)
    before = detector.to_bytes()
    with pytest.raises(ValueError, match=r"one axis|finite|numbers"):
        detector.update_many(values)
    assert detector.to_bytes() == before


@pytest.mark.parametrize(
    "values",
    [
        [],
        [0, 1],
        [True, False],
        np.array([0, 1], np.uint8),
        np.array([0, 1], np.float16),
        np.array([0, Fraction(1, 1)], object),
        range(2),
    ],
    ids=str,
)
def test_any_row_of_numbers_is_taken(values: Any) -> None:
    for name in EVERY:
        one, other = sequential(name, {"seed": 1} if "KSWIN" in name.upper() else {}), None
        other = one.clone()
        one.update_many(values)
        for x in values:
            other.update(float(x))
        assert one.to_bytes() == other.to_bytes()


def changed(detector: Sequential, **changes: Any) -> bytes:
    fields = unpack(detector.to_bytes(), detector.name, range(1, 2)) | changes
    return pack(detector.name, 1, fields)


COUNTERS: list[tuple[type[Sequential], int]] = [
    (CUSUM, 1),
    (PageHinkley, 1),
    (EWMA, 1),
    (DDM, 2),
    (DDM, 3),
    (EDDM, 2),
    (EDDM, 3),
    (EDDM, 4),
    (HDDMA, 2),
    (HDDMA, 4),
    (HDDMA, 6),
]


@pytest.mark.parametrize(("kind", "at"), COUNTERS)
@pytest.mark.parametrize("value", [-1.0, np.nan, np.inf])
def test_a_state_counts_from_zero(kind: type[Sequential], at: int, value: float) -> None:
    """What would divide by zero later is refused when it is read."""
    detector = kind()
    detector.update_many([0, 1] * 40)
    state = unpack(detector.to_bytes(), kind.name, range(1, 2))["_state"]
    state[at] = value
    with pytest.raises(ValueError, match=kind.name):
        kind.from_bytes(changed(detector, _state=state))


def test_a_distance_between_errors_is_never_nothing() -> None:
    """EDDM divides by its longest reach, and measures from its last error."""
    detector = EDDM()
    detector.update_many([0, 1] * 40)
    for at, value in ((7, 0.0), (3, 1e6)):
        state = unpack(detector.to_bytes(), "eddm", range(1, 2))["_state"]
        state[at] = value
        with pytest.raises(ValueError, match="eddm"):
            EDDM.from_bytes(changed(detector, _state=state))


@pytest.mark.parametrize("kind", [DDM, EDDM, HDDMA, HDDMW])
def test_a_warning_is_there_or_not(kind: type[Sequential]) -> None:
    state = unpack(kind().to_bytes(), kind.name, range(1, 2))["_state"]
    state[1] = np.nan
    with pytest.raises(ValueError, match=kind.name):
        kind.from_bytes(changed(kind(), _state=state))


@pytest.mark.parametrize("kind", [kind for kind in SEQUENTIAL if kind is not ADWIN])
def test_a_state_holds_the_settings_that_are_beside_it(kind: type[Sequential]) -> None:
    """Its last number is one of them in every detector."""
    detector = kind()
    state = unpack(detector.to_bytes(), kind.name, range(1, 2))["_state"]
    state[-1] = 17
    with pytest.raises(ValueError, match=kind.name):
        kind.from_bytes(changed(detector, _state=state))


def test_a_state_says_as_its_settings_whether_adwin_restarts() -> None:
    settings = {name: getattr(ADWIN(), name) for name in ADWIN.SETTINGS} | {"restart": False}
    with pytest.raises(ValueError, match="adwin"):
        ADWIN.from_bytes(changed(ADWIN(), settings=settings))


@pytest.mark.parametrize("kind", SEQUENTIAL)
@pytest.mark.parametrize("settings", [None, 7, {"mode": []}, {"seed": 1.5}, {"clock": -(2**63)}])
def test_bytes_of_impossible_settings_are_a_value_error(
    kind: type[Sequential], settings: object
) -> None:
    with pytest.raises(ValueError, match=r"."):
        kind.from_bytes(changed(kind(), settings=settings))


def test_an_overflow_in_bytes_is_a_value_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def overflow(detector: Sequential, fields: dict[str, Any]) -> None:
        raise OverflowError("too large")

    data = CUSUM().to_bytes()
    monkeypatch.setattr(CUSUM, "_restore", overflow)
    with pytest.raises(ValueError, match="cusum"):
        CUSUM.from_bytes(data)


@pytest.mark.parametrize("name", EVERY)
def test_a_clone_is_a_new_one_with_the_same_settings(name: str) -> None:
    settings = {"seed": 3} if "KSWIN" in name.upper() else {}
    detector = sequential(name, settings)
    new = detector.to_bytes()
    detector.update_many([0, 1] * 40)
    again = detector.clone()
    assert type(again) is type(detector)
    assert again.to_bytes() == new
    assert repr(again) == repr(detector)


def test_a_forest_of_river_takes_our_detectors() -> None:
    """It clones them for its trees, and again when it is cloned itself."""
    forest: Any = pytest.importorskip("river.forest")
    model = forest.ARFClassifier(
        n_models=2, seed=1, drift_detector=ADWIN(), warning_detector=ADWIN(delta=0.1)
    )
    for made in (model, model.clone()):
        rng = np.random.default_rng(2)
        for i, x in enumerate(rng.random(400).tolist()):
            made.learn_one({"x": x}, (x > 0.5) is (i < 200))
            made.predict_one({"x": x})
        assert made.n_drifts_detected() > 0
