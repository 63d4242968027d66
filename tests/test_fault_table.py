"""The fault table of the tests' own page: every fault has its row, and every test that it names is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

TESTS = Path(__file__).resolve().parent
FAULTS = 28
ROW = re.compile(r"^\| (F\d+) \| (.+) \| (.+) \| (.+) \|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


class Row(NamedTuple):
    """A fault: what it is, the tests that cover it, and what came out last."""

    fault: str
    tests: list[tuple[str, str]]
    result: str


def table() -> dict[str, Row]:
    """Read the table, row by row."""
    rows = ROW.findall((TESTS / "README.md").read_text())
    assert len({number for number, *_ in rows}) == len(rows), "a row is there twice"
    return {
        number: Row(fault, NAMED.findall(tests), result) for number, fault, tests, result in rows
    }


@cache
def names_in(file: str) -> frozenset[str]:
    """List the tests of a file; none if it is not there."""
    path = TESTS / file
    tree = ast.parse(path.read_text() if path.exists() else "")
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return frozenset(function.name for function in functions if function.name.startswith("test_"))


def test_no_fault_is_missing() -> None:
    assert list(table()) == [f"F{number}" for number in range(1, FAULTS + 1)]


@pytest.mark.parametrize("number", [f"F{number}" for number in range(1, FAULTS + 1)])
def test_every_named_test_is_there_and_what_is_not_run_says_why(number: str) -> None:
    row = table()[number]
    assert [test for test in row.tests if test[1] not in names_in(test[0])] == []
    assert row.tests or row.result.startswith("not run in CI: ")
    assert row.fault
    assert row.result
