"""What is stored or sent is data and never code: nothing unpickles, evaluates, or reads YAML with tags."""

import ast
import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from detectors import binary_form
from stream.config import from_text
from stream.errors import CodecError, ConfigError
from stream.state.codec import unpack
from tests.servers import ROOT

SOURCES = sorted(
    path for room in ("stream", "detectors", "sinks") for path in (ROOT / room).rglob("*.py")
)
MODULES = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve"}
CALLS = {"eval", "exec", "compile", "__import__", "unsafe_load", "full_load", "system", "popen"}


def offences(tree: ast.Module) -> Iterator[str]:
    """Find what makes code of data."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (a.name for a in node.names if a.name.partition(".")[0] in MODULES)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in MODULES:
            yield node.module or ""
        elif isinstance(node, ast.Call):
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            of_re = (
                isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") == "re"
            )
            if name in CALLS and not of_re:
                yield name
            yield from (k.arg or "" for k in node.keywords if k.arg in ("allow_pickle", "shell"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_source_makes_code_of_data(path: Path) -> None:
    assert list(offences(ast.parse(path.read_text()))) == []


def test_the_search_finds_what_it_looks_for() -> None:
    """Else the tests above would prove nothing."""
    text = "import pickle\nfrom dill import loads\neval('1')\nre.compile('x')\n"
    text += "np.load(f, allow_pickle=True)\nos.system('x')"
    assert list(offences(ast.parse(text))) == ["pickle", "dill", "eval", "allow_pickle", "system"]


class Bomb:
    """Goes off when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return pytest.fail, ("it was unpickled",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_in_the_state_is_refused_unread(protocol: int) -> None:
    """Whoever can write to the store still cannot run anything here."""
    blob = pickle.dumps(Bomb(), protocol)
    with pytest.raises(CodecError):
        unpack(blob, "pane", 9)
    with pytest.raises(ValueError, match="no"):
        binary_form.unpack(blob, "summary", range(9))


def test_a_tag_of_yaml_makes_no_object() -> None:
    with pytest.raises(ConfigError):
        from_text("app: !!python/object/apply:os.system ['true']", {})
