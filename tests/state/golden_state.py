"""Makes one stored value of every kind, as this driftbus writes it; run as a program it writes golden files that miss.

    python -m tests.state.golden_state

A golden file is written once, when its version is new, and never changed: it stands for what is out there.
"""

import json
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from detectors.summaries.summary import Summary
from stream.evaluate.movers import Mover, Movers
from stream.evaluate.panes.windows import Ring
from stream.reference.reference import WindowSize
from stream.run.copies.plainly import plain_value
from stream.state.codec import unpack
from stream.state.kept import kept_of, key_of, model_of, pack_kept, partition_of
from stream.state.snapshot import records_of
from stream.state.store import fleet_key
from stream.state.versions import VERSIONS, dump, load
from stream.words import Kind
from tests.run.test_export import CONFIG, Work, whole

DAY = 86_400_000
GOLDEN = Path(__file__).parent / "golden"
CONTENTS = GOLDEN / "contents.json"
OF_PARTITION = {
    b"state": "partition",
    b"n:": "roster",
    b"models": "models",
    b"i:": "index",
    b"p:": "pane",
    b"r:": "rows",
}
OF_MODEL = {
    b"state": "model",
    b"c:": "chain",
    b"s:": "standing",
    b"w:": "join",
    b"q": "consequences",
    b"l:": "learn",
    b"h:": "result",
    b"b": "began",
    b"y": "learning",
    b"a:": "fit",
    b"t:": "track",
    b"g:": "grown",
}
"""By the first letters of a field: the kind of what it holds."""


def samples() -> dict[str, bytes]:
    """Give one blob of every kind, of a worker that learned, judged and told."""
    young = Work()
    young.fold(40)
    young.evaluate(clean=False)
    found: dict[str, bytes] = {}
    for work in (whole(), young):
        store, app = work.store, CONFIG.app
        for what, kinds in (
            (partition_of("predictions", 0), OF_PARTITION),
            (model_of("m"), OF_MODEL),
        ):
            hash_ = kept_of(what, store.peek(key_of(app, what)))
            for field, blob in sorted(hash_.fields.items()):
                for begins, kind in kinds.items():
                    if field.startswith(begins):
                        found.setdefault(kind, blob)
            if what[0] == "partition":
                found.setdefault("kept", pack_kept(hash_))
                piece, manifest = list(records_of(3, 1_000, [hash_]))
                found.setdefault("piece", piece[1])
                found.setdefault("manifest", manifest[1])
        fleet = store.peek(fleet_key(app))
        if b"r:0" in fleet:
            found.setdefault("entry", fleet[b"r:0"])
            reference = fleet[bytes(load(fleet[b"r:0"], "entry")[0])]
            found.setdefault("reference", reference)
            found.setdefault("references", dump("references", [reference]))
    found.setdefault("plan", dump("plan", [1, 5_000, 6_000, [bytes(range(16))]]))
    found.setdefault("hop", dump("hop", _hop()))
    found.setdefault("gatherer", dump("gatherer", [3]))
    found.setdefault("movers", dump("movers", _movers().payload()))
    found.setdefault("log", dump("log", "JkuMPnHUQdWVqPqwwqJ4hA"))
    found.setdefault("consequences", dump("consequences", [[["features", []]], []]))
    return found


def _movers() -> Movers:
    """Give what moved at one end; older ones were lost."""
    movers = Movers()
    told = {"severity": "warning", "explain": {"columns": ["x"], "causes": {"frozen": 1}}}
    movers.of[Kind.FEATURES] = [Mover("1", DAY, True, ["ab" * 16], told)]
    movers.lost[Kind.FEATURES] = DAY // 2
    return movers


def _hop() -> list[object]:
    """Give the first day of a window of two days."""
    ring, summary = Ring(WindowSize(2 * DAY, DAY)), Summary(np.arange(9), np.array([[0.5, 2.0]]))
    for day in range(2):
        ring.add(day * DAY, summary, {("features", 0): (7, 8)})
    (first,) = ring.full
    return ring.hop(first)


def version_of(blob: bytes, kind: str) -> tuple[int, Any]:
    """Read a frame as it is, without bringing it to the newest version."""
    return unpack(blob, kind, 0xFFFF)


def digest(payload: Any) -> str:
    """Stand for a decoded payload."""
    told = orjson.dumps(plain_value(payload), option=orjson.OPT_SORT_KEYS)
    return blake2b(told, digest_size=16).hexdigest()


def write_missing() -> list[str]:
    """Write golden files of versions that have none; give their names."""
    contents = json.loads(CONTENTS.read_text()) if CONTENTS.exists() else {}
    made = []
    for kind, blob in samples().items():
        name = f"{kind}-{VERSIONS[kind].newest}"
        if name not in contents:
            (GOLDEN / f"{name}.bin").write_bytes(blob)
            contents[name] = digest(version_of(blob, kind)[1])
            made.append(name)
    CONTENTS.write_text(json.dumps(dict(sorted(contents.items())), indent=2) + "\n")
    return made


if __name__ == "__main__":
    print(*write_missing(), sep="\n")
