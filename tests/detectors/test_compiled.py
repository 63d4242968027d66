"""Compiled functions compute what they say and keep their type, and no machine code outlives what it was made of."""

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from detectors.arrays import Floats
from detectors.compiled import compiled

Outcome = tuple[int, bool]
"""What a function gave, and whether its machine code came from the cache."""

CALLER = """
from detectors.compiled import compiled
from drawn_callee import SIZES, STEP, scaled
import drawn_callee

BOTH = drawn_callee.STEP + 1

@compiled
def asked(x):
    return _passed_on(x)

@compiled
def _passed_on(x):
    return scaled(x) + STEP + BOTH + SIZES[1]
"""
CALLEE = """
import numpy as np
from detectors.compiled import compiled
from drawn_depth import deep

STEP, SIZES = 10, np.array([100, 200])

@compiled
def scaled(x, by={by}):
    return deep(x) * by
"""
DEPTH = """
from detectors.compiled import compiled

@compiled
def deep(x):
    return x + 1
"""


def add_up(values: Floats) -> float:
    total = 0.0
    for value in values:
        total += value
    return total


def test_a_compiled_function_answers_as_the_plain_one() -> None:
    values = np.random.default_rng(0).normal(size=100)
    fast = compiled(add_up)
    assert fast(values) == add_up(values)


def test_it_works_where_no_cache_can_be_written() -> None:
    namespace: dict[str, object] = {"__name__": "nowhere"}
    exec("def twice(x):\n    return x + x", namespace)  # noqa: S102 a function without a file
    twice = namespace["twice"]
    assert callable(twice)
    assert compiled(twice)(21) == 42


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Outcome]]:
    """Write three files, each of which calls the next one, and ask the first as a new process would."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # else files would have to differ in size
    names = ("drawn_caller", "drawn_callee", "drawn_depth")

    def forget() -> None:
        importlib.invalidate_caches()
        for name in names:
            sys.modules.pop(name, None)

    def asked(caller: str = CALLER, callee: str = CALLEE, depth: str = DEPTH) -> Outcome:
        for name, text in zip(names, (caller, callee.replace("{by}", "2"), depth), strict=True):
            (tmp_path / f"{name}.py").write_text(text)
        forget()
        function = importlib.import_module(names[0]).asked
        return function(3), bool(function.stats.cache_hits)

    yield asked
    forget()


def test_machine_code_is_loaded_where_nothing_has_changed(ask: Callable[..., Outcome]) -> None:
    assert [ask(), ask()] == [(229, False), (229, True)]


def test_machine_code_is_kept_with_the_user_where_the_folder_cannot_be_written(
    ask: Callable[..., Outcome], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "__pycache__").write_text("stands in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    assert [ask(), ask()] == [(229, False), (229, True)]
    assert list((tmp_path / "home").rglob("drawn_caller.asked-*.nbi"))


@pytest.mark.parametrize(
    ("changed", "given"),
    [
        ({"callee": CALLEE.replace("{by}", "2").replace("* by", "* by * 3")}, 245),
        ({"callee": CALLEE.replace("{by}", "4")}, 237),
        ({"callee": CALLEE.replace("STEP, SIZES = 10", "STEP, SIZES = 20")}, 249),
        ({"callee": CALLEE.replace("200", "300")}, 329),
        ({"depth": DEPTH.replace("x + 1", "x + 2")}, 231),
        ({"depth": DEPTH.replace("return x", "return -x")}, 217),
    ],
    ids=["a callee", "a default", "a constant", "an array", "its callee", "its callee's sign"],
)
def test_machine_code_is_made_anew_where_another_file_has_changed(
    ask: Callable[..., Outcome], changed: dict[str, str], given: int
) -> None:
    ask()
    assert ask(**changed) == (given, False)
    assert ask(**changed) == (given, True)


def test_what_is_reached_through_a_module_is_known(ask: Callable[..., Outcome]) -> None:
    """Though the function's own file knows it by no name."""
    caller = CALLER.replace("SIZES, STEP, scaled", "SIZES")
    caller = caller.replace("scaled(x) + STEP", "drawn_callee.scaled(x) + drawn_callee.STEP")
    ask(caller)
    assert ask(caller, depth=DEPTH.replace("x + 1", "x + 2")) == (231, False)
    assert ask(caller, CALLEE.replace("= 10", "= 20")) == (249, False)


@pytest.mark.parametrize(
    ("text", "one", "other"),
    [
        ("import numpy as np\n" + DEPTH.replace("x + 1", "NAME(x / 2) * 2"), "np.floor", "np.ceil"),
        ("from math import NAME as cut\n" + DEPTH.replace("x + 1", "cut(x / 2) * 2"), "floor", "ceil"),
        (DEPTH.replace("x + 1", "complex(x - 1, x + 1).NAME"), "real", "imag"),
    ],
    ids=["a name of numpy's", "a name of its file's", "an attribute"],
)  # fmt: skip
def test_which_function_of_a_library_is_called_is_known(
    ask: Callable[..., Outcome], text: str, one: str, other: str
) -> None:
    assert ask(depth=text.replace("NAME", one)) == (225, False)
    assert ask(depth=text.replace("NAME", other)) == (229, False)


def test_what_an_inner_function_names_is_known(ask: Callable[..., Outcome]) -> None:
    caller = CALLER.replace("scaled(x) + STEP", "scaled(x) + sum([STEP for _ in range(1)])")
    ask(caller)
    assert ask(caller, CALLEE.replace("STEP, SIZES = 10", "STEP, SIZES = 20")) == (249, False)


def test_what_is_called_like_an_attribute_need_not_be_a_constant(
    ask: Callable[..., Outcome],
) -> None:
    """A lock cannot be digested, nor is it in the machine code."""
    caller = "import threading\nreal = threading.Lock()\n" + CALLER.replace(
        "scaled(x)", "scaled(x.real)"
    )
    assert [ask(caller), ask(caller)] == [(229, False), (229, True)]


def test_another_numpy_makes_its_own(
    ask: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    ask()
    monkeypatch.setattr(np, "__version__", "1,000")
    assert ask() == (229, False)
