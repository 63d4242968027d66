"""Label values of metrics: of few characters, not too long, and not too many of them, whatever names events bring."""

import re
from collections.abc import Iterable, Sequence
from hashlib import blake2b

__all__ = ["OTHER", "SERIES_MAX", "bounded", "label_of", "labels_of"]

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


def labels_of(names: Iterable[str], names_max: int) -> list[str]:
    """Give each name its label, at most `names_max` different ones, in order; where none is left, it is `OTHER`."""
    known: set[str] = set()
    labels = []
    for label in map(label_of, names):
        has_room = label in known or len(known) < names_max - 1
        labels.append(label if has_room else OTHER)
        known.add(labels[-1])
    return labels


def bounded(
    counted: Iterable[tuple[str, Sequence[float]]], names_max: int
) -> list[tuple[str, list[float]]]:
    """Give rows of values by label, at most `names_max`, in the order of the names; the others add up under `OTHER`.

    Names that share a label add up, too: a sample that is there twice would spoil the whole scrape. Cost: linear.
    """
    named = list(counted)
    rows: dict[str, list[float]] = {}
    labels = labels_of((name for name, _ in named), names_max)
    for label, (_, values) in zip(labels, named, strict=True):
        known = rows.setdefault(label, [0.0] * len(values))
        rows[label] = [a + b for a, b in zip(known, values, strict=True)]
    return list(rows.items())
