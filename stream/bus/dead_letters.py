"""Writes what cannot be read to `<topic>.dlq`: untouched bytes, and headers that say why and where from."""

from collections.abc import Mapping, Sequence

from confluent_kafka import KafkaException, Producer

from stream.errors import BusUnavailable
from stream.ingest.raw import DeadLetter

__all__ = ["DeadLetterOffice", "headers_of"]

PREFIX = "__driftbus.errors."
WAIT_S = 15.0


def headers_of(letter: DeadLetter, app: str) -> list[tuple[str, str | bytes | None]]:
    """Give the headers of a dead letter: the message's own first, then ours (compare KIP-1034)."""
    told = {
        "topic": letter.source.topic,
        "partition": str(letter.source.partition),
        "offset": str(letter.offset),
        "message": letter.reason,
        "app": app,
    }
    return [*letter.headers, *((PREFIX + name, text.encode()) for name, text in told.items())]


class DeadLetterOffice:
    """Delivers dead letters, at least once: readers tell repeats by topic, partition and offset."""

    def __init__(self, settings: Mapping[str, object], app: str) -> None:
        self._settings = dict(settings)
        self._app = app
        self._producer: Producer | None = None

    def deliver(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters and wait for their acknowledgement.

        Raises:
            BusUnavailable: not all were acknowledged; the caller tries all of them again.
        """
        if not letters:
            return
        if self._producer is None:
            self._producer = Producer(self._settings)
        failures: list[str] = []

        def told(error: object, _message: object) -> None:
            if error is not None:
                failures.append(str(error))

        try:
            for letter in letters:
                self._producer.produce(
                    letter.source.topic + ".dlq", value=letter.value, key=letter.key,
                    headers=headers_of(letter, self._app), on_delivery=told,
                )  # fmt: skip
                self._producer.poll(0)
            left = self._producer.flush(WAIT_S)
        except (KafkaException, BufferError) as error:
            raise BusUnavailable(
                f"dead letters cannot be written ({error})", letters[0].source.topic + ".dlq"
            ) from None
        if left or failures:
            self._producer.purge()
            reason = failures[0] if failures else f"{left} not acknowledged"
            raise BusUnavailable(
                f"dead letters cannot be written ({reason})", letters[0].source.topic + ".dlq"
            )
