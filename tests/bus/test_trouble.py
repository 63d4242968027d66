"""What goes wrong with Kafka is told so that somebody can do something, and once."""

import logging

import pytest
from confluent_kafka import KafkaError

from stream.bus.trouble import Trouble


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    """Give what is logged from warnings on."""
    caplog.set_level(logging.WARNING, "driftbus.consumer")
    return caplog


def test_an_error_that_comes_with_every_try_is_told_once(told: pytest.LogCaptureFixture) -> None:
    """A wrong password or certificate says what to check, and the broker counts as out of reach."""
    trouble = Trouble("kafka-1:9093")
    refused = KafkaError(KafkaError._AUTHENTICATION, "Authentication failed")
    for _ in range(50):
        trouble.hear(refused)
        trouble.say(KafkaError(KafkaError.TOPIC_AUTHORIZATION_FAILED))
    first, second = told.messages
    assert "kafka-1:9093: " in first
    assert "check passwords and certificates" in first
    assert "authorization failed" in second.lower()
    assert not trouble.reachable


def test_when_messages_come_trouble_is_over_and_would_be_told_again(
    told: pytest.LogCaptureFixture,
) -> None:
    trouble = Trouble("kafka-1:9093")
    for _ in range(2):
        trouble.hear(KafkaError(KafkaError._AUTHENTICATION))
        trouble.unreachable("nobody there")
        assert not trouble.reachable
        trouble.over()
        assert trouble.reachable
    assert len(told.messages) == 2
    assert all("check passwords" in message for message in told.messages)


def test_that_no_broker_answers_is_told_with_what_the_last_one_said(
    told: pytest.LogCaptureFixture,
) -> None:
    """That one of several is away is no trouble yet: the others may answer."""
    trouble = Trouble("kafka-1:9093,kafka-2:9093")
    trouble.hear(KafkaError(KafkaError._RESOLVE, "kafka-2: unknown host"))
    assert (trouble.reachable, told.messages) == (True, [])
    for _ in range(3):
        trouble.hear(KafkaError(KafkaError._ALL_BROKERS_DOWN, "2/2 brokers are down"))
    (only,) = told.messages
    assert "Kafka cannot be reached (kafka-2: unknown host)" in only
    assert not trouble.reachable
