"""Books of references under which events are folded."""

from functools import cache

from stream.reference.book import Book
from stream.reference.reference import Reference
from stream.words import Kind
from tests.events import reference_of

ROWS = [
    {
        "amount": i * 1.37,
        "channel": ("web", "app", "app")[i % 3],
        "member": i % 4 == 0,
        "few": i % 3,
    }
    for i in range(60)
]
FORETOLD = [{"prediction": i * 0.5, "score": i / 60} for i in range(60)]
TRUE = [{"label": ("yes", "no")[i % 2]} for i in range(60)]


@cache
def reference(version: str = "1", model: str = "m") -> Reference:
    """Give the baseline of a version: two numbers, a category, a flag."""
    return reference_of(ROWS, version=version, model=model)


@cache
def book() -> Book:
    """Give a book in which version 1 of both models is known, features, predictions and labels."""
    both = [reference("1", "m"), reference("1", "n")]
    segment = reference_of(ROWS[:30], segment=(("c", "DE"),), bins=4)
    told = reference_of(FORETOLD, Kind.PREDICTIONS)
    return Book([*both, segment, told, reference_of(TRUE, Kind.LABELS)])


@cache
def odd_book() -> Book:
    """Give a book in which versions differ in a column's type, and names are none that a struct could have."""
    odd = [{"amount": str(i), 'a"b': i, "n\0l": float(i) / 7} for i in range(60)]
    return Book(
        [reference(), reference_of(odd, version="2"), reference_of(FORETOLD, Kind.PREDICTIONS)]
    )


BOOKS = {"empty": Book(), "typed": book(), "odd": odd_book()}
"""Nothing known; known and typed; known but read by hand."""
