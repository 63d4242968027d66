"""Tells what a Redis takes for the fields of each kind."""

import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.processes import redis_process

__all__ = ["in_redis"]

FIELDS = {
    "fleet": {b"r:": "references", b"s:": "references by series", b"p:": "plans"},
    "partition": {b"p:": "panes", b"n:": "rosters"},
    "model": {
        b"c:": "heads", b"a:": "fits", b"t:": "tracks", b"g:": "grown", b"v:": "hops", b"h:": "results",
        b"s:": "standings", b"o:": "outbox", b"n:": "rosters",
    },
}  # fmt: skip
"""What the fields of a hash hold, by their first letters."""


def in_redis(hashes: dict[str, dict[bytes, bytes]]) -> dict[str, int]:
    """Tell what a Redis takes for the fields of each kind; nothing where the machine has none."""
    told: dict[str, int] = {}
    with tempfile.TemporaryDirectory() as folder, redis_process(Path(folder)) as url:
        if url is None:
            return told
        client: Any = Redis.from_url(url)
        for of, fields in hashes.items():
            kinds: dict[str, dict[bytes, bytes]] = defaultdict(dict)
            for field, value in fields.items():
                name = FIELDS[of].get(field[:2], "the rest")
                kinds[name][field] = value
            for name, part in kinds.items():
                key, items = f"{of}: {name}", list(part.items())
                for at in range(0, len(items), 1_000):
                    client.hset(key, mapping=dict(items[at : at + 1_000]))
                told[key] = client.memory_usage(key, samples=0)
    return told
