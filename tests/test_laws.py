"""Every registered detector and summary obeys the law-book."""

from collections.abc import Callable

import pytest

from tests.laws import LAWS, Subject
from tests.subjects import every_subject

CASES = [
    pytest.param(subject, law, id=f"{subject.name}-{law.__name__}")
    for subject in every_subject()
    for law, about in LAWS.items()
    if getattr(subject, about) is not None
]


@pytest.mark.parametrize(("subject", "law"), CASES)
def test_law(subject: Subject, law: Callable[[Subject], None]) -> None:
    law(subject)
