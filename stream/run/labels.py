"""Label values of metrics: of few characters, not too long, and not too many of them, whatever names events bring."""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

__all__ = ["OTHER", "SERIES_MAX", "bounded", "label_of"]

SERIES_MAX = 5_000
"""Series of one metric, those of `OTHER` included."""
OTHER = "__other__"
"""The label that stands for all names for which there is no room."""

LENGTH_MAX = 128
_PLAIN = re.compile(r"[A-Za-z0-9_.:/-]{1,128}")
_ODD = re.compile(r"[^A-Za-z0-9_.:/-]")


def label_of(name: str) -> str:
    """Give a name as a label that no scraper, page or query can misread.

    Letters, digits and `_.:/-` stay, all else becomes `_`; a name that was changed or cut ends in a hash of the whole,
    so that names which look alike stay apart.

    >>> label_of("fraud/12"), label_of("<b>fraud</b>")
    ('fraud/12', '_b_fraud_/b_-156cba05')
    """
    if _PLAIN.fullmatch(name) and name != OTHER:
        return name
    tail = "-" + blake2b(name.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()
    return _ODD.sub("_", name[: LENGTH_MAX - len(tail)]) + tail


def bounded(
    counted: Iterable[tuple[str, Sequence[float]]], names_max: int
) -> list[tuple[str, list[float]]]:
    """Give rows of values by label, at most `names_max`, in the order of the names; the others add up under `OTHER`.

    Names that share a label add up, too: a sample that is there twice would spoil the whole scrape. Cost: linear.
    """
    rows: dict[str, list[float]] = {}
    for name, values in counted:
        label = label_of(name)
        if label not in rows and len(rows) >= names_max - 1:
            label = OTHER
        known = rows.setdefault(label, [0.0] * len(values))
        rows[label] = [a + b for a, b in zip(known, values, strict=True)]
    return list(rows.items())
