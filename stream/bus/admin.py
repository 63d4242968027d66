"""An admin client for a thread that nobody awaits at the end of the process."""

import atexit
import threading
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException
from confluent_kafka.admin import AdminClient

__all__ = ["Admin"]

T = TypeVar("T")


class Admin:
    """Asks brokers, until it is closed or the interpreter ends, whichever comes first.

    An answer comes on a thread of the client, and where the interpreter is gone it crashes the process. A client ends
    with its last reference, so nobody else keeps one while an answer is awaited.
    """

    def __init__(self, settings: Mapping[str, Any]) -> None:
        self._closing = threading.Lock()
        self._client: AdminClient | None = AdminClient(dict(settings))
        atexit.register(self.close)

    def topics(self, timeout_s: float) -> Collection[str]:
        """List the topics; who is asked so is awaited here, and closing does not wait for it.

        Raises:
            KafkaException: no broker answers, or it is closed.
        """
        if (client := self._client) is None:
            raise KafkaException(KafkaError(KafkaError._DESTROY))
        return client.list_topics(timeout=timeout_s).topics

    def ask(self, question: Callable[[AdminClient], T]) -> T:
        """Ask; what comes of it is awaited by the caller.

        Raises:
            KafkaException: it is closed.
        """
        with self._closing:
            if self._client is None:
                raise KafkaException(KafkaError(KafkaError._DESTROY))
            return question(self._client)

    def close(self) -> None:
        """Ask no more; what is not answered yet fails now."""
        with self._closing:
            self._client = None
        atexit.unregister(self.close)
