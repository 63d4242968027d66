"""Secrets are never shown: not by repr, not by `masked`, not in an error."""

import pytest

from stream.config import from_text, masked
from stream.config.secret import Secret, is_secret
from stream.errors import ConfigError

CANARY = "c4nary"

SECRET_TEXTS = [
    f"redis: {{url: 'redis://user:{CANARY}@cache:6379/0'}}",
    f"redis: {{url: 'redis://:{CANARY}@cache:6379/0'}}",
    f"redis: {{url: 'redis://cache:6379/0?password={CANARY}'}}",
    f"redis: {{url: 'redis://user:a@{CANARY}@cache'}}",
    f"kafka: {{sasl.password: {CANARY}}}",
    f"kafka: {{ssl.key.password: {CANARY}}}",
    f"kafka: {{ssl.keystore.password: {CANARY}}}",
    f"kafka: {{ssl.key.pem: {CANARY}}}",
    f"kafka: {{sasl.oauthbearer.config: {CANARY}}}",
    f"http: {{token: {CANARY}}}",
    "http: {token: '${T}'}",
]


@pytest.mark.parametrize("text", SECRET_TEXTS)
def test_a_secret_is_used_as_it_is_and_shown_masked(text: str) -> None:
    """The value is there for the client; no way to show the configuration tells it."""
    config = from_text(text, {"T": CANARY})
    values = [config.redis.url, config.http.token, *config.kafka.values()]
    assert any(value is not None and CANARY in str(value) for value in values)
    for shown in (repr(config), f"{config}", masked(config)):
        assert CANARY not in shown
        assert "***" in shown


@pytest.mark.parametrize(
    "text",
    [
        f"redis: {{url: 'http://user:{CANARY}@cache'}}",
        f"redis: {{url: [{CANARY}]}}",
        f"kafka: {{sasl.pasword: {CANARY}}}",
        f"kafka: {{sasl.password: [{CANARY}]}}",
        f"kafka: {{sasl.jaas.config: {CANARY}}}",
        f"http: {{tokn: {CANARY}}}",
        f"http: {{token: *{CANARY}}}",
        f"http: {{token: '{CANARY}",
        f"sample: 9\nhttp: {{token: {CANARY}}}",
    ],
)
def test_an_error_near_a_secret_does_not_tell_it(text: str) -> None:
    """Wrong shape, misspelt key, broken YAML: the message names the key, never the value."""
    with pytest.raises(ConfigError) as told:
        from_text(text, {})
    assert CANARY not in str(told.value) + repr(told.value)


def test_the_address_around_a_password_stays_readable() -> None:
    """User, host and database are shown; the place of a key file is no secret."""
    assert Secret("rediss://me:x@h:1/2").masked == "rediss://me:***@h:1/2"
    assert Secret("redis://h:1/2").masked == "redis://h:1/2"
    assert not is_secret("kafka.ssl.key.location")
    assert not is_secret("bootstrap")
