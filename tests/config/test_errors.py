"""Every error is one line with a place and a remedy, and knows the exit code it ends with."""

import pytest

from stream import errors
from stream.errors import ConfigError, DriftbusError

EXIT_CODES = {
    "DriftbusError": 1,
    "UsageError": 2,
    "ConfigError": 2,
    "FileError": 2,
    "ReferenceMismatch": 2,
    "BusUnavailable": 1,
    "LogLost": 1,
    "StoreUnavailable": 1,
    "StoreRefused": 1,
    "CodecError": 1,
}


def test_the_tree_is_whole() -> None:
    """Each error has its exit code, all have one root, and none is left out of the list."""
    assert set(errors.__all__) == set(EXIT_CODES)
    for name, code in EXIT_CODES.items():
        error = getattr(errors, name)
        assert issubclass(error, DriftbusError)
        assert error.exit_code == code


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (DriftbusError("broken"), "broken"),
        (DriftbusError("broken", "here"), "here: broken"),
        (DriftbusError("broken", todo="mend it"), "broken; mend it"),
        (DriftbusError("two\nlines", "here", "mend\n it"), "here: two lines; mend it"),
        (ConfigError("bad", "f", "mend", key="a.b", line=3), "f: line 3: a.b: bad; mend"),
        (ConfigError("bad", key="a.b"), "a.b: bad"),
    ],
)
def test_an_error_is_one_line(error: DriftbusError, text: str) -> None:
    """Where, what, what to do; parts that are not known leave no trace."""
    assert str(error) == text
