"""Which settings of librdkafka a configuration may pass on: those on a list, no others.

A list of what is allowed stays safe when librdkafka learns something new; some of its settings
load libraries, run shell commands or send tokens to addresses of the writer's choice. Whoever starts
the process may allow further ones by name in the environment, which is not the file's to say.
"""

from collections.abc import Collection, Mapping
from difflib import get_close_matches

__all__ = [
    "ALLOWED",
    "ALLOW_VARIABLE",
    "BROKERS_OWN",
    "DANGEROUS",
    "GROUP_PROTOCOLS",
    "also_allowed",
    "refusal",
]

ALLOW_VARIABLE = "DRIFTBUS_ALLOW_KAFKA"
"""The environment variable that allows further settings: names, separated by commas."""

_OWN = {
    "bootstrap.servers": "write it as `bootstrap`",
    "metadata.broker.list": "write it as `bootstrap`",
    "group.id": "write it as `app`",
    "enable.auto.commit": "offsets live in the state",
    "enable.auto.offset.store": "offsets live in the state",
    "auto.offset.reset": "offsets live in the state",
    "partition.assignment.strategy": "it is cooperative-sticky",
    "enable.idempotence": "it is always on",
    "acks": "it is always all",
    "transactional.id": "no transactions are used",
    "test.mock.num.brokers": "only the demo has an embedded broker",
}
DANGEROUS = {
    "plugin.library.paths": "it loads libraries into the process",
    "ssl.engine.location": "it loads a library into the process",
    "ssl.providers": "it loads libraries into the process",
    "sasl.kerberos.kinit.cmd": "it runs a shell command",
    "sasl.oauthbearer.token.endpoint.url": "it sends credentials to any address",
}
"""Settings that are not on the list for what they can do."""
_NAMES = """
api.version.request api.version.request.timeout.ms batch.num.messages batch.size
broker.address.family broker.address.ttl check.crcs client.dns.lookup client.id client.rack
compression.codec compression.level compression.type connections.max.idle.ms
coordinator.query.interval.ms delivery.timeout.ms enable.ssl.certificate.verification
fetch.error.backoff.ms fetch.max.bytes fetch.message.max.bytes fetch.min.bytes
fetch.queue.backoff.ms fetch.wait.max.ms group.instance.id group.protocol heartbeat.interval.ms
isolation.level linger.ms log.connection.close log_level max.in.flight.requests.per.connection
max.partition.fetch.bytes max.poll.interval.ms message.copy.max.bytes message.max.bytes
message.timeout.ms metadata.max.age.ms metadata.recovery.strategy queue.buffering.max.kbytes
queue.buffering.max.messages queue.buffering.max.ms queued.max.messages.kbytes
queued.min.messages receive.message.max.bytes reconnect.backoff.max.ms reconnect.backoff.ms
request.timeout.ms retries retry.backoff.max.ms retry.backoff.ms sasl.kerberos.keytab
sasl.kerberos.principal sasl.kerberos.service.name sasl.mechanism sasl.mechanisms
sasl.oauthbearer.config sasl.password sasl.username security.protocol session.timeout.ms
socket.connection.setup.timeout.ms socket.keepalive.enable socket.max.fails socket.nagle.disable
socket.receive.buffer.bytes socket.send.buffer.bytes socket.timeout.ms ssl.ca.location
ssl.ca.pem ssl.certificate.location ssl.certificate.pem ssl.cipher.suites ssl.crl.location
ssl.curves.list ssl.endpoint.identification.algorithm ssl.key.location ssl.key.password
ssl.key.pem ssl.keystore.location ssl.keystore.password ssl.sigalgs.list statistics.interval.ms
sticky.partitioning.linger.ms topic.metadata.refresh.fast.interval.ms
topic.metadata.refresh.interval.ms topic.metadata.refresh.sparse
"""
ALLOWED = frozenset(_NAMES.split())
"""The names that may stand under `kafka:`."""
GROUP_PROTOCOLS = ("classic", "consumer")
BROKERS_OWN = ("session.timeout.ms", "heartbeat.interval.ms")
"""What the broker sets under the protocol `consumer`, as `group.consumer.` and the name."""


def also_allowed(env: Mapping[str, str]) -> frozenset[str]:
    """Tell which settings the environment allows besides; never one that driftbus sets itself."""
    names = (name.strip() for name in env.get(ALLOW_VARIABLE, "").split(","))
    return frozenset(name for name in names if name and name not in _OWN)


def refusal(name: str, also: Collection[str] = ()) -> tuple[str, str] | None:
    """Tell why a setting may not be passed on and what to do, or None if it may; `also` names further ones that may."""
    if name in ALLOWED or name in also:
        return None
    if name in _OWN:
        return f"driftbus sets this itself: {_OWN[name]}", "take it out"
    allow = f"allow it where driftbus is started: {ALLOW_VARIABLE}={name}"
    if name in DANGEROUS:
        return f"this setting is not allowed: {DANGEROUS[name]}", f"take it out, or {allow}"
    near = get_close_matches(name, sorted(ALLOWED), 1)
    hint = f"did you mean `{near[0]}`?" if near else f"take it out, or {allow}"
    return "this is not one of the settings of librdkafka that are allowed", hint
