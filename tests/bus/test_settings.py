"""What driftbus counts on in its Kafka clients, and how often they may say the same."""

import logging

import pytest
from confluent_kafka import Consumer

from stream.bus.settings import Seldom, consumer_settings, producer_settings
from stream.config import Config


def test_a_setting_of_the_person_goes_before_ours_and_secrets_go_through() -> None:
    """What the configuration allows is passed on."""
    config = Config(
        bootstrap="k:1", app="a", kafka={"fetch.wait.max.ms": "7", "sasl.password": "secret"}
    )
    made = consumer_settings(config)
    assert (made["bootstrap.servers"], made["group.id"]) == ("k:1", "a")
    assert (made["fetch.wait.max.ms"], str(made["sasl.password"])) == ("7", "secret")


def test_offsets_are_never_stored_behind_our_back_and_letters_are_acknowledged_by_all() -> None:
    """Exactness hangs on these."""
    consumer, producer = consumer_settings(Config()), producer_settings(Config())
    assert (consumer["enable.auto.commit"], consumer["enable.auto.offset.store"]) == (False, False)
    assert (producer["acks"], producer["enable.idempotence"]) == ("all", True)


def test_a_client_whose_queue_was_full_fetches_again_before_the_queue_is_read() -> None:
    """The queue holds some 100,000 events, which a worker reads in less than half a second."""
    assert consumer_settings(Config())["fetch.queue.backoff.ms"] <= 100


@pytest.mark.parametrize(
    "most", ["fetch.max.bytes", "fetch.message.max.bytes", "max.partition.fetch.bytes"]
)
def test_a_fetch_waits_for_no_more_than_it_may_have(most: str) -> None:
    """Else each would wait for all its time, however much is there."""
    assert consumer_settings(Config(kafka={most: "50000"}))["fetch.min.bytes"] == 50_000
    ours = consumer_settings(Config())["fetch.min.bytes"]
    for text in ("50000000", "nonsense"):  # which is librdkafka's to refuse
        assert consumer_settings(Config(kafka={most: text}))["fetch.min.bytes"] == ours
    theirs = Config(kafka={most: "50000", "fetch.min.bytes": "7"})
    assert consumer_settings(theirs)["fetch.min.bytes"] == "7"


@pytest.mark.parametrize("protocol", ["classic", "consumer"])
def test_a_consumer_can_be_made_for_either_protocol_of_groups(protocol: str) -> None:
    """Under the newer one the client refuses what the broker decides."""
    config = Config(kafka={"group.protocol": protocol})
    Consumer(consumer_settings(config)).close()


def test_a_client_says_each_kind_of_thing_once_in_a_while() -> None:
    """Other kinds pass at once, the same one after the wait."""
    now = 0.0
    seldom = Seldom(60.0, lambda: now)

    def passes(text: str) -> bool:
        return seldom.filter(logging.LogRecord("n", logging.ERROR, "", 0, text, None, None))

    assert passes("FAIL [c-1] refused (after 1 ms)")
    assert not passes("FAIL [c-2] refused (after 2 ms)")
    assert passes("REQTMOUT [c-1] slow")
    now = 60.0
    assert passes("FAIL [c-1] refused (after 1 ms)")
