"""The section `detectors`: which names there are, what runs, and what the evaluation is told of it."""

import pytest

from detectors import COMPARISONS, SEQUENTIAL
from detectors.alarms.signals import COLUMN_TESTS, VOLUME_TEST
from stream.config import from_text
from stream.config.detector_names import (
    BROKEN_DETECTORS,
    DETECTORS_BY_DEFAULT,
    DETECTORS_ON_REQUEST,
    LAYERED_DETECTORS,
    SEQUENTIAL_DETECTORS,
)
from stream.config.values import parsed
from stream.config.watching import Setting
from stream.errors import ConfigError
from stream.evaluate.judging.scores import BROKEN_SHARE, enabled
from stream.run.fleet.rules import model_rules


def test_the_names_are_those_of_the_registries() -> None:
    """They are written out so that a file is checked without the detectors being imported."""
    sequential = {kind.name for kind in SEQUENTIAL}
    comparisons = {kind.name for kind in COMPARISONS}
    layered = {test.name for test in COLUMN_TESTS} | {VOLUME_TEST.name}
    known = [*DETECTORS_BY_DEFAULT, *DETECTORS_ON_REQUEST]
    assert len(known) == len(set(known))
    assert set(known) == sequential | comparisons | layered
    assert set(SEQUENTIAL_DETECTORS) == sequential
    assert set(LAYERED_DETECTORS) == layered
    assert set(BROKEN_DETECTORS) == set(BROKEN_SHARE)
    assert set(DETECTORS_BY_DEFAULT) == {k.name for k in COMPARISONS if k.DEFAULT} | layered


def test_what_is_not_named_runs_by_default_or_not_at_all() -> None:
    config = from_text("", {})
    assert all(config.runs(name) for name in DETECTORS_BY_DEFAULT)
    assert not any(config.runs(name) for name in (*DETECTORS_ON_REQUEST, "river.ADWIN"))


@pytest.mark.parametrize("name", ["psi", "location", "hellinger", "adwin", "cusum", "river.FHDDM"])
@pytest.mark.parametrize(
    ("said", "runs"),
    [
        ("", True),
        ("{}", True),
        ("{enabled: true}", True),
        ("{enabled: null}", True),
        ("{enabled: false}", False),
        ("{enabled: no, floor: 0.3}", False),
    ],
)
def test_a_detector_that_is_named_runs_unless_it_is_switched_off(
    name: str, said: str, runs: bool
) -> None:
    """And the evaluation hears of it."""
    config = from_text(f"detectors:\n  {name}: {said}\n", {})
    assert config.runs(name) is runs
    rules = model_rules(config).judging
    assert (name in rules.on, name in rules.off) == (runs, not runs)
    kinds = [kind.name for kind in enabled(rules)]
    if name in ("psi", "hellinger"):
        assert (name in kinds) is runs
    else:
        assert name not in kinds
    extra = [rule.name for rule in rules.extra]
    assert extra == ([name] if runs and name in ("adwin", "cusum", "river.FHDDM") else [])


def test_what_is_set_reaches_the_evaluation() -> None:
    """Settings, floors and thresholds, by the detector's name."""
    text = """
detectors:
  page_hinkley: {settings: {threshold: 5}}
  adwin: {floor: 0.3}
  location: {floor: 0.25}
  psi: {threshold: 0.2, floor: 0.1}
"""
    rules = model_rules(from_text(text, {})).judging
    assert rules.extra == (("adwin", {}), ("page_hinkley", {"threshold": 5}))
    assert rules.off == frozenset()
    assert rules.floors == {"adwin": 0.3, "location": 0.25, "psi": 0.1}
    assert rules.fixed == {"psi": 0.2}


@pytest.mark.parametrize("name", [*LAYERED_DETECTORS, *BROKEN_DETECTORS, "cusum"])
def test_a_floor_is_taken_where_it_decides_something(name: str) -> None:
    """A score has none without a threshold; one that is switched off may keep it."""
    assert from_text(f"detectors: {{{name}: {{floor: 0.3}}}}", {}).detector(name).floor == 0.3
    assert from_text("detectors: {psi: {floor: 0.3, enabled: false}}", {}).runs("psi") is False


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("5.0", 5.0),
        ("1e-3", 0.001),
        ("true", True),
        ("False", False),
        ("up", "up"),
        ("yes", "yes"),
        ("inf", "inf"),
        ("nan", "nan"),
    ],
)
def test_a_setting_is_read_as_what_it_looks_like(text: str, value: object) -> None:
    """Only finite numbers are numbers: a detector will say what it thinks of the text `inf`."""
    found = parsed(text, Setting)
    assert (found, type(found)) == (value, type(value))


def test_variables_fill_settings_too() -> None:
    text = "detectors: {cusum: {settings: {threshold: '${T}', mode: '${M:-up}'}}}"
    assert from_text(text, {"T": "7"}).detector("cusum").settings == {"threshold": 7, "mode": "up"}


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("river.KSWIN: {settings: {window_size: 30, stat_size: 20}}", "river's KSWIN fails"),
        ("river.KSWIN: {settings: {window_size: 300, stat_size: 200}}", "river's KSWIN fails"),
        ("adwin: {settings: {clock: 1.5}}", "clock must be a whole number"),
        ("adwin: {settings: {clock: 99999999999999999999}}", "clock must be a whole number"),
        ("page_hinkley: {settings: {restart: 2}}", "restart must be true or false"),
    ],
)
def test_settings_that_fail_later_are_told_at_once(said: str, words: str) -> None:
    """River looks at some of them only when a window is full."""
    with pytest.raises(ConfigError, match=words):
        from_text(f"detectors:\n  {said}\n", {})


@pytest.mark.parametrize("name", ["river.KSWIN", "river.HDDMW", "river.ADWIN", "kswin", "ddm"])
def test_what_is_usable_passes_its_trial(name: str) -> None:
    assert from_text(f"detectors:\n  {name}: {{}}\n", {}).runs(name)
