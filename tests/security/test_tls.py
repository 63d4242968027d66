"""TLS and passwords reach the servers as configured: whoever cannot prove who he is is not talked to."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from redis import Redis

from stream.config import from_text
from stream.errors import StoreRefused, StoreUnavailable
from stream.run.doctor.doctor import Level, examine
from stream.state.redis import RedisStore
from stream.state.store import Answer, Commit
from tests.events import feature
from tests.run.process import worker
from tests.security.certificates import Authority, openssl_missing
from tests.servers import (
    ROOT,
    free_ports,
    kafka_missing,
    kafka_server,
    need,
    redis_missing,
    redis_server,
)
from tests.sinks.broker import read_topic

pytestmark = pytest.mark.servers

PASSWORD = "c4nary-of-kafka"  # noqa: S105 - the canary that nothing may sing
SETTINGS = """
listeners=CONTROLLER://127.0.0.1:{controller_port},ADVERTISED
advertised.listeners=ADVERTISED
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,GOOD:SASL_SSL,ELSEWHERE:SASL_SSL
inter.broker.listener.name=PLAINTEXT
sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-512
"""
LISTENER = r"""
listener.name.{name}.ssl.keystore.type=PEM
listener.name.{name}.ssl.keystore.location={pem}
listener.name.{name}.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule \
  required user_driftbus="{password}";
listener.name.{name}.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required;
"""
MECHANISMS = ("PLAIN", "SCRAM-SHA-512")


class Secured(NamedTuple):
    """A broker: where it speaks plainly, with TLS and passwords, and with the certificate of another host."""

    plain: str
    good: str
    elsewhere: str
    ca: Path
    other_ca: Path


@pytest.fixture(scope="module")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """Run a broker whose certificates were made just now."""
    need(kafka_missing() or openssl_missing())
    folder = tmp_path_factory.mktemp("kafka")
    ours, other = Authority(folder, "ours"), Authority(folder, "others")
    good, elsewhere = free_ports(2)
    places = (
        f"PLAINTEXT://127.0.0.1:{{port}},GOOD://127.0.0.1:{good},ELSEWHERE://127.0.0.1:{elsewhere}"
    )
    more = SETTINGS.replace("ADVERTISED", places)
    for name, subject in {
        "good": "IP:127.0.0.1",
        "elsewhere": "DNS:kafka.elsewhere.example",
    }.items():
        key, certificate = ours.issue(name, subject)
        pem = folder / f"{name}.pem"
        pem.write_text(key.read_text() + certificate.read_text())
        more += LISTENER.format(name=name, pem=pem, password=PASSWORD)
    with kafka_server(folder, more=more) as (plain, _):
        _give_scram(plain)
        yield Secured(
            plain,
            f"127.0.0.1:{good}",
            f"127.0.0.1:{elsewhere}",
            ours.certificate,
            other.certificate,
        )


def _give_scram(bootstrap: str) -> None:
    """Make the user known by a salted and hashed password, which the broker keeps."""
    salted = ScramCredentialInfo(ScramMechanism.SCRAM_SHA_512, 4_096)
    user = UserScramCredentialUpsertion("driftbus", salted, PASSWORD.encode())
    admin = AdminClient({"bootstrap.servers": bootstrap})
    admin.alter_user_scram_credentials([user])["driftbus"].result(60)


def text_of(bootstrap: str, ca: Path, password: str, mechanism: str = "PLAIN") -> str:
    """Write the configuration as README.md shows it."""
    return f"""
bootstrap: {bootstrap}
pane: 1m
windows: [1h]
commit_interval: 200ms
kafka:
  security.protocol: sasl_ssl
  sasl.mechanism: {mechanism}
  sasl.username: driftbus
  sasl.password: {password}
  ssl.ca.location: {ca}
"""


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_worker_works_over_tls_with_a_password_and_never_tells_it(
    mechanism: str, tmp_path: Path, kafka: Secured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It joins, folds, and writes dead letters; the password comes from the environment and is in no log."""
    monkeypatch.setenv("KAFKA_PASSWORD", PASSWORD)
    producer, topic = Producer({"bootstrap.servers": kafka.plain}), f"features-{mechanism}"
    text = text_of(kafka.good, kafka.ca, "${KAFKA_PASSWORD}", mechanism)
    with worker(tmp_path, f"{text}topics: {{features: {topic}}}\napp: {topic}\n") as process:
        process.wait(lambda: process.get("/readyz")[0] == 200)
        for value in [*(feature(x=float(i)) for i in range(100)), b"no event"]:
            producer.produce(topic, value)
        assert producer.flush(60) == 0
        process.wait(lambda: process.consumed() == 101)
        process.wait(
            lambda: [r.value for r in read_topic(kafka.plain, f"{topic}.dlq")] == [b"no event"]
        )
        assert process.end() == 0, process.log
        assert PASSWORD not in process.log


WRONG = {
    "authority": "certificate verify failed",
    "host": "certificate verify failed",
    **{f"password, {mechanism}": "uthentication failed" for mechanism in MECHANISMS},
}


def wrong_text(wrong: str, kafka: Secured) -> str:
    """Write a configuration with one thing wrong."""
    if wrong.startswith("password"):
        return text_of(kafka.good, kafka.ca, "c4nary-wrong", wrong.split()[1])
    if wrong == "host":
        return text_of(kafka.elsewhere, kafka.ca, PASSWORD)
    return text_of(kafka.good, kafka.other_ca, PASSWORD)


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_with_the_connection_is_said_and_no_password_with_it(
    wrong: str, tmp_path: Path, kafka: Secured
) -> None:
    """Another authority, the certificate of another host, a wrong password: doctor and worker say which."""
    words, text = WRONG[wrong], wrong_text(wrong, kafka)
    told = [f for f in examine(from_text(text, {})) if f.level is Level.FAIL]
    assert words in str(told)
    with worker(tmp_path, text) as process:
        process.wait(lambda: words in process.log)
        process.wait(lambda: process.get("/readyz")[0] == 503)
        time.sleep(3)
        assert len(process.log.splitlines()) < 8, process.log
        assert process.end() == 0, process.log
        assert "c4nary" not in process.log + str(told)


# -- Redis -----------------------------------------------------------------------------------------------------------

ACL = re.search(r"^ACL SETUSER (.*)$", (ROOT / "deploy/README.md").read_text(), re.MULTILINE)


class SecuredRedis(NamedTuple):
    """A Redis with TLS, its administrator, and who is trusted."""

    admin: Redis
    port: int
    ca: Path
    other_ca: Path

    def url(self, password: str, host: str = "127.0.0.1", ca: Path | None = None) -> str:
        """Write the address of the restricted user."""
        trusted = ca or self.ca
        return f"rediss://driftbus:{password}@{host}:{self.port}/0?ssl_ca_certs={trusted}"


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredRedis]:
    """Run a Redis with TLS and the user of deploy/README.md."""
    need(redis_missing() or openssl_missing())
    folder = tmp_path_factory.mktemp("redis")
    ours, other = Authority(folder, "ours"), Authority(folder, "others")
    key, certificate = ours.issue("redis", "IP:127.0.0.1")
    port, tls_port = free_ports(2)
    options = [
        "--tls-port",
        str(tls_port),
        "--tls-cert-file",
        str(certificate),
        "--tls-key-file",
        str(key),
    ]
    options += ["--tls-ca-cert-file", str(ours.certificate), "--tls-auth-clients", "no"]
    with redis_server(folder, port, *options), Redis(port=port) as admin:
        assert ACL is not None
        admin.execute_command("ACL", "SETUSER", *ACL[1].replace("PASSWORD", PASSWORD).split())
        yield SecuredRedis(admin, tls_port, ours.certificate, other.certificate)


def use(store: RedisStore, app: str = "driftbus") -> None:
    """Do all that driftbus asks of a store."""
    key = f"{{{app}:src:features:0}}"
    store.check()
    store.ping()
    taken = store.take_over(key)
    few = {b"f%d" % i: b"v" for i in range(3)}
    many = {b"f%d" % i: b"v" for i in range(5_000)}  # more than a script passes on
    first = Commit(key, taken.epoch, taken.base, b"1", b"1.1", few)
    assert store.commit(first) is Answer.OK
    assert store.commit(Commit(key, taken.epoch, b"1", b"2", b"1.2", many)) is Answer.OK
    assert store.read(key, [b"f1"]) == [b"v"]
    assert store.read_many([(key, [b"f1", b"f2"])]) == [[b"v", b"v"]]
    assert store.put_if_absent(f"{{{app}:fleet}}", b"r:0", b"x") == b"x"
    assert store.size(key) > 0
    assert len(store.peek(key)) > 5_000
    assert store.remove(key, taken.epoch, list(many)) is Answer.OK
    store.close()


def test_a_restricted_user_can_do_over_tls_all_that_driftbus_does_and_nothing_else(
    redis: SecuredRedis,
) -> None:
    """With the line of deploy/README.md: its own keys and the commands in use; other keys and commands are refused."""
    use(RedisStore(redis.url(PASSWORD)))
    with pytest.raises(StoreRefused) as told:
        use(RedisStore(redis.url(PASSWORD)), "somebody-else")
    assert PASSWORD not in str(told.value)
    with Redis.from_url(redis.url(PASSWORD)) as restricted:
        for command in (
            ["KEYS", "*"],
            ["FLUSHALL"],
            ["CONFIG", "GET", "*"],
            ["GET", "x"],
            ["ACL", "LIST"],
        ):
            with pytest.raises(Exception, match=r"(?i)no permissions"):
                restricted.execute_command(*command)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ("authority", StoreUnavailable, "certificate verify failed"),
        ("host", StoreUnavailable, "certificate verify failed"),
        ("password", StoreRefused, "(?i)invalid username-password"),
    ],
)
def test_a_redis_that_is_not_the_right_one_is_not_talked_to(
    wrong: str, error: type[Exception], words: str, redis: SecuredRedis
) -> None:
    """Its authority or its host is another one, or it does not take the password, which is not told."""
    url = {
        "authority": redis.url(PASSWORD, ca=redis.other_ca),
        "host": redis.url(PASSWORD, host="localhost"),
        "password": redis.url("c4nary-wrong"),
    }[wrong]
    store = RedisStore(url, retries=0)
    with pytest.raises(error, match=words) as told:
        store.ping()
    assert "c4nary" not in str(told.value)
    store.close()
