"""What the client of Kafka's group meets, told once, and whether brokers answer."""

import logging

from confluent_kafka import KafkaError

from stream.errors import BusUnavailable

__all__ = ["Trouble"]

LOG = logging.getLogger("driftbus.consumer")
REFUSALS = (
    KafkaError._SSL, KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED,
)  # fmt: skip
"""What trying again does not mend."""


class Trouble:
    """Errors of a client, each told once until messages come again: it is met with every try, twenty times a second.

    `reachable`: whether brokers answer, as far as is known.
    """

    def __init__(self, servers: str) -> None:
        self.reachable = True
        self._servers = servers
        self._last = ""
        self._said: set[int] = set()

    def over(self) -> None:
        """Know that messages come."""
        self.reachable = True
        self._said.clear()

    def unreachable(self, why: str) -> None:
        """Know that no broker answers, and say so once."""
        if self.reachable:
            self.reachable = False
            told, todo = (
                f"Kafka cannot be reached ({why})",
                "is it running there? driftbus keeps trying",
            )
            LOG.error("%s", BusUnavailable(told, self._servers, todo))

    def hear(self, error: KafkaError) -> None:
        """Hear of trouble from the client: of single brokers, which may be the reason why in the end none is left."""
        if error.code() == KafkaError._ALL_BROKERS_DOWN:
            self.unreachable(self._last or error.str())
        elif error.code() in (KafkaError._TRANSPORT, KafkaError._RESOLVE):
            self._last = error.str()
        else:
            self.say(error)

    def say(self, error: KafkaError) -> None:
        """Tell an error, unless it was told since messages came."""
        code = error.code()
        if code in self._said:
            return
        self._said.add(code)
        if code in REFUSALS:
            self.reachable = False
            todo = "check passwords and certificates under `kafka`"
            LOG.error("%s; driftbus keeps trying", BusUnavailable(error.str(), self._servers, todo))
        else:
            LOG.warning("Kafka: %s", error.str())
