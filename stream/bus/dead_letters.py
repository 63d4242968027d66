"""Writes what cannot be read to `<topic>.dlq`: untouched bytes, and headers that say why and where from."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from confluent_kafka import KafkaError, KafkaException, Producer

from stream.errors import BusUnavailable
from stream.ingest.raw import DeadLetter

__all__ = ["DeadLetterOffice", "headers_of"]

PREFIX = "__driftbus.errors."
WAIT_S = 15.0
TOO_LARGE = (KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE)


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
    """Delivers dead letters, at least once: readers tell repeats by topic, partition and offset.

    A letter that the topic does not take for its size goes without its value, and its reason says so: the event itself
    is still where it came from. For one thread at a time.
    """

    def __init__(self, settings: Mapping[str, object], app: str) -> None:
        self._settings = dict(settings)
        self._app = app
        self._producer: Producer | None = None

    def deliver(self, letters: Sequence[DeadLetter]) -> None:
        """Write letters and wait for their acknowledgement.

        Raises:
            BusUnavailable: not all were acknowledged; the caller tries all of them again.
        """
        if letters:
            refused = self._send(letters)
            if refused:
                self._send([_without_value(letter) for letter in refused])

    def _send(self, letters: Sequence[DeadLetter]) -> list[DeadLetter]:
        """Write letters; give those that are too large for the topic."""
        refused: list[DeadLetter] = []
        failures: list[str] = []
        try:
            producer = self._producer = self._producer or Producer(self._settings)
            for letter in letters:
                self._produce(producer, letter, refused, failures)
            left = producer.flush(WAIT_S)
        except (KafkaException, BufferError) as error:
            left, failures = 0, [*failures, str(error)]
        if left or failures:
            self._discard()
            reason = failures[0] if failures else f"{left} not acknowledged in {WAIT_S:g} s"
            raise BusUnavailable(
                f"dead letters cannot be written ({reason})",
                letters[0].source.topic + ".dlq",
                "does the topic exist, and may driftbus write to it?",
            )
        return refused

    def _produce(
        self, producer: Producer, letter: DeadLetter, refused: list[DeadLetter], failures: list[str]
    ) -> None:
        def told(error: KafkaError | None, _message: object) -> None:
            if error is not None and error.code() in TOO_LARGE and letter.value:
                refused.append(letter)
            elif error is not None:
                failures.append(error.str())

        try:
            producer.produce(
                letter.source.topic + ".dlq", value=letter.value, key=letter.key,
                headers=headers_of(letter, self._app), on_delivery=told,
            )  # fmt: skip
        except KafkaException as error:
            told(error.args[0], None)
        producer.poll(0)

    def _discard(self) -> None:
        """Throw the client away with all it holds, so that nothing of a failed try overtakes its repeat."""
        producer, self._producer = self._producer, None
        if producer is not None:
            producer.purge()
            producer.close()


def _without_value(letter: DeadLetter) -> DeadLetter:
    told = f"{letter.reason}; its {len(letter.value or b'')} bytes are more than the topic takes and left out"
    return replace(letter, value=None, reason=told)
