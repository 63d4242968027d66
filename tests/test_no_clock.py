"""What decides reads no clock and draws no chance of its own, so a clock that is wrong by years changes nothing."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ROOMS = ("detectors", *(f"stream/{name}" for name in ("evaluate", "files", "ingest", "reference")),
         *(f"stream/{name}" for name in ("state", "summaries")))  # fmt: skip
MODULES = {"secrets", "time", "uuid"}
ASKED = {"default_rng", "fromtimestamp", "localtime", "now", "today", "urandom", "utcnow"}
"""What gives the time of the machine, or chance, where nothing is passed in."""


def found(source: str) -> list[str]:
    """List what a module asks of the machine's clock or chance."""
    return sorted(set(_asked(ast.parse(source))))


def _asked(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield str(node.module)
        elif isinstance(node, ast.Call) and not (node.args or node.keywords):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if name in ASKED:
                yield name


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_that_decides_asks_nobody_what_time_it_is(room: str) -> None:
    told = {str(p): found(p.read_text()) for p in sorted((ROOT / room).rglob("*.py"))}
    assert {path: asked for path, asked in told.items() if asked} == {}
    assert len(told) > 1


def test_the_search_finds_what_it_looks_for() -> None:
    assert found("import time\nfrom uuid import uuid4\nx = datetime.now()\nr = default_rng()") == [
        "default_rng",
        "now",
        "time",
        "uuid",
    ]
    assert found("from datetime import datetime\nr = default_rng(7)") == []
