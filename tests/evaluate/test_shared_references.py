"""References are learned by one worker and used by all: an evaluator knows what its state and its panes name."""

from dataclasses import replace

import pytest

from stream.evaluate.chains.chain import Chain
from stream.ingest.ingest import Ingest
from stream.reference.fleet import Fleet
from stream.run.fleet.rules import fold_rules
from stream.state.store import Answer, Commit, fleet_key
from stream.words import Kind, Series
from tests.evaluate.streams import CONFIG, END, Event, Pipeline, stream
from tests.events import APP

ONE = (Series("m", "1"), Kind.FEATURES)
FEATURES = [event for event in stream(END, END) if event[0] is Kind.FEATURES]


def stepped(events: list[Event]) -> Pipeline:
    """Fold events and evaluate them."""
    pipeline = Pipeline(CONFIG)
    pipeline.fold(events)
    pipeline.step()
    return pipeline


def test_who_takes_a_model_over_reads_the_references_that_others_have_learned_meanwhile() -> None:
    """Its own book is older than the state, which names one that is not in it."""
    pipeline = stepped(FEATURES)
    pipeline.fleet = Fleet(pipeline.store, APP)
    assert not pipeline.fleet.book.all()
    pipeline.restart()
    assert isinstance(pipeline.evaluator.model.chains[ONE], Chain)


def test_a_pane_may_be_binned_by_a_reference_that_another_worker_has_just_entered() -> None:
    """Another worker enters the next reference and folds by it before the evaluator has heard of it."""
    half = len(FEATURES) * 6 // 7
    pipeline = stepped(FEATURES[:half])
    (first,) = pipeline.fleet.book.all()
    others = Fleet(pipeline.store, APP)
    begins = pipeline.evaluator.model.bases[Kind.FEATURES] + 1
    second = others.publish(replace(first, number=2, from_pane=begins))
    for source in pipeline.sources:
        pipeline.ingest.drop(source)
    pipeline.ingest = Ingest(pipeline.store, APP, fold_rules(CONFIG), others)
    for source in pipeline.sources:
        pipeline.ingest.take_over(source)
    pipeline.fold(FEATURES[half:])
    pipeline.step()
    chain = pipeline.evaluator.model.chains[ONE]
    assert isinstance(chain, Chain)
    assert chain.reference.digest == second.digest


def test_a_reference_that_the_store_lost_before_the_commit_that_names_it_is_entered_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The store goes back between both; after the step, nobody's memory is needed to load the state."""
    pipeline = Pipeline(CONFIG)
    pipeline.fold(FEATURES)
    commit = pipeline.store.commit

    def forgetful(step: Commit) -> Answer:
        monkeypatch.undo()
        pipeline.store._hashes.pop(fleet_key(APP))
        return commit(step)

    monkeypatch.setattr(pipeline.store, "commit", forgetful)
    pipeline.step()
    pipeline.fleet = Fleet(pipeline.store, APP)
    pipeline.restart()
    assert isinstance(pipeline.evaluator.model.chains[ONE], Chain)
