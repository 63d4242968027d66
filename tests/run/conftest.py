"""Fixtures of the worker's tests."""

import pytest

from stream.run.work import calls


@pytest.fixture
def quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let who asks again do so at once."""
    monkeypatch.setattr(calls, "RETRY_FIRST_S", 0.01)
    monkeypatch.setattr(calls, "RETRY_LONGEST_S", 0.02)
