"""`driftbus reference promote`: a baseline reaches the fleet, numbered, from a pane nobody has begun."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from stream.config import Config, load
from stream.errors import UsageError
from stream.files import read_events
from stream.ingest.ingest import Ingest
from stream.ingest.raw import RawBatch, Source
from stream.reference.book import Book
from stream.reference.file import read_references
from stream.reference.fleet import Fleet
from stream.reference.reference import ALWAYS, Reference
from stream.run.fleet.rules import fold_rules
from stream.run.references.promote import promote
from stream.state.memory import MemoryStore
from stream.state.redis import RedisStore
from stream.state.store import Store
from stream.words import Kind
from tests.cli.command import START, driftbus, write_config
from tests.cli.test_produce import topics

SOURCES = [Source(Kind.FEATURES, "features", partition) for partition in range(2)]
END = START + 7_195_000
"""The last event of the stream."""
NEXT_WINDOW = START + 7_500_000
"""The first boundary of a 5 min window after END and the lateness: END + 35 s is one, 30 s are not yet past."""


@pytest.fixture
def references(config: Path, stream: Path, tmp_path: Path) -> list[Reference]:
    """The references of the stream, one a kind."""
    driftbus("reference", "build", "-c", config, stream, "--out", tmp_path / "r", "--quiet")
    return read_references(tmp_path / "r")


def read_all(store: Store, config: Config, stream: Path) -> None:
    """Let a worker's ingest read the features of the stream on partition 0."""
    ingest = Ingest(store, config.app, fold_rules(config), Fleet(store, config.app))
    ingest.take_over(SOURCES[0])
    events = read_events([stream], config.files)
    values = [event.value for event in events if event.kind is Kind.FEATURES]
    offsets = np.arange(len(values), dtype=np.int64)
    ingest.fold(RawBatch(SOURCES[0], values, offsets, None))
    ingest.commit(SOURCES[0])


def entered(store: Store, config: Config) -> list[tuple[Kind, int, int]]:
    """What another worker finds in the fleet: kind, number, first pane."""
    fleet = Fleet(store, config.app)
    fleet.refresh()
    return [(r.kind, r.number, r.from_pane) for r in fleet.book.all()]


def test_before_anything_is_read_a_reference_holds_from_the_beginning(
    config: Path, references: list[Reference]
) -> None:
    """There is no pane that another baseline could have judged."""
    store, settings = MemoryStore(), load(config)
    promote(settings, references, None, store, SOURCES)
    assert entered(store, settings) == [(kind, 1, ALWAYS) for kind in sorted(Kind)]


def test_what_is_promoted_as_its_file_has_it_is_the_same_reference(
    config: Path, references: list[Reference]
) -> None:
    """The ids of alerts hang on its digest, and a replay has the file; a worker that is given it finds its own."""
    store, settings = MemoryStore(), load(config)
    promote(settings, references, None, store, SOURCES)
    fleet = Fleet(store, settings.app)
    fleet.refresh()
    assert {r.digest for r in fleet.book.all()} == {r.digest for r in references}


def test_references_of_other_series_are_not_looked_at(
    config: Path, references: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else ten thousand would be looked through ten thousand times, for minutes."""
    settings, store = load(config), MemoryStore()
    monkeypatch.setattr(Book, "all", lambda _: pytest.fail("all are looked through"))
    promote(settings, references, None, store, SOURCES)
    assert not any(p.new for p in promote(settings, references, None, store, SOURCES))
    monkeypatch.undo()
    assert entered(store, settings) == [(kind, 1, ALWAYS) for kind in sorted(Kind)]


def test_it_holds_from_the_next_window_and_numbers_count_up(
    config: Path, references: list[Reference], stream: Path
) -> None:
    """No window is judged by two baselines."""
    store, settings = MemoryStore(), load(config)
    features = [r for r in references if r.kind is Kind.FEATURES]
    promote(settings, features, None, store, SOURCES)
    read_all(store, settings, stream)
    promote(settings, features, None, store, SOURCES)
    pane = NEXT_WINDOW // settings.pane_ms
    assert entered(store, settings) == [(Kind.FEATURES, 1, ALWAYS), (Kind.FEATURES, 2, pane)]


def test_the_same_again_changes_nothing_and_another_is_refused(
    config: Path, references: list[Reference]
) -> None:
    """A repeated command is harmless; two baselines from the same pane on are not."""
    store, settings = MemoryStore(), load(config)
    assert all(done.new for done in promote(settings, references, NEXT_WINDOW, store, SOURCES))
    before = entered(store, settings)
    again = promote(settings, references, NEXT_WINDOW, store, SOURCES)
    assert not any(done.new for done in again)
    other = [replace(reference, start_ms=reference.start_ms - 1) for reference in references]
    with pytest.raises(UsageError, match="holds from that pane on already"):
        promote(settings, other, NEXT_WINDOW, store, SOURCES)
    assert entered(store, settings) == before


def meanwhile(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch, act: Callable[[], object]
) -> None:
    """Let somebody act just before the store is told the next time."""
    put = store.put_together

    def late(*args: Any, **more: Any) -> bool:
        monkeypatch.undo()
        act()
        return put(*args, **more)

    monkeypatch.setattr(store, "put_together", late)


def test_what_another_promotes_meanwhile_is_not_taken_for_the_same(
    config: Path, references: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is refused as it would have been before; what is the same is what was wanted."""
    settings, store = load(config), MemoryStore()
    other = replace(references[1], start_ms=references[1].start_ms - 1)
    meanwhile(store, monkeypatch, lambda: promote(settings, [other], None, store, SOURCES))
    with pytest.raises(UsageError, match="holds from that pane on already"):
        promote(settings, references, None, store, SOURCES)
    meanwhile(
        store, monkeypatch, lambda: promote(settings, references, NEXT_WINDOW, store, SOURCES)
    )
    done = promote(settings, references, NEXT_WINDOW, store, SOURCES)
    assert entered(store, settings)[1::2] == [
        (r.kind, r.number, r.from_pane) for r, _ in sorted(done, key=lambda p: p.reference.kind)
    ]


def test_what_another_promotes_meanwhile_for_a_later_pane_has_another_number(
    config: Path, references: list[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The name that alerts use is of one reference: who comes second to the store has the next number."""
    settings, store = load(config), MemoryStore()
    later = partial(promote, settings, references, NEXT_WINDOW, store, SOURCES)
    meanwhile(store, monkeypatch, later)
    assert {
        done.reference.number for done in promote(settings, references, None, store, SOURCES)
    } == {2}
    assert {done.reference.number for done in later()} == {1}
    assert {number for _, number, _ in entered(store, settings)} == {1, 2}


def test_a_pane_that_has_begun_is_refused(
    config: Path, references: list[Reference], stream: Path
) -> None:
    """Its events are binned by another baseline already; the first pane after it is free."""
    store, settings = MemoryStore(), load(config)
    read_all(store, settings, stream)
    for begun in (START, END, END + settings.lateness_ms):
        pane_start = begun // settings.pane_ms * settings.pane_ms
        with pytest.raises(UsageError, match="has begun"):
            promote(settings, references, pane_start, store, SOURCES)
    free = (END + settings.lateness_ms) // settings.pane_ms + 1
    promote(settings, references, free * settings.pane_ms - 1, store, SOURCES)
    assert {pane for _, _, pane in entered(store, settings)} == {free}


def test_without_redis_there_is_nowhere_to_promote_to(
    config: Path, references: list[Reference], tmp_path: Path
) -> None:
    """The state in memory is one worker's; the error names the key."""
    result = driftbus("reference", "promote", "-c", config, tmp_path / "r")
    assert result.exit_code == 2
    assert "redis.url: is null" in result.output


@pytest.mark.servers
def test_workers_find_what_was_promoted(
    redis_url: str, broker: str, references: list[Reference], stream: Path, tmp_path: Path
) -> None:
    """The whole way: configuration, Kafka's partitions, the marks in Redis, the fleet."""
    more = f"app: promote\nbootstrap: {broker}\nredis: {{url: '{redis_url}'}}\n" + topics("prom")
    config = write_config(tmp_path / "c.yaml", more)
    assert driftbus("produce", "-c", config, stream, "--quiet").exit_code == 0
    result = driftbus("reference", "promote", "-c", config, tmp_path / "r", "--from", NEXT_WINDOW)
    assert result.exit_code == 0
    assert "m-1@1 m/1 features holds from 2023-11-15T" in result.output
    store, settings = RedisStore(redis_url), load(config)
    pane = NEXT_WINDOW // settings.pane_ms
    assert entered(store, settings) == [(kind, 1, pane) for kind in sorted(Kind)]
    store.close()
