"""A name goes to the partition where every other Kafka client would put it."""

import pytest
from confluent_kafka import Message, Producer

from stream.bus.murmur2 import murmur2, partition_of

# The vectors of org.apache.kafka.common.utils.UtilsTest, signed as Java tells them.
JAVA = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize("data", JAVA, ids=repr)
def test_the_hash_is_the_one_of_java(data: bytes) -> None:
    """All lengths modulo four, with high bits set and not."""
    assert murmur2(data) == JAVA[data] % 2**32


def test_a_producer_puts_a_key_where_partition_of_says(broker: str) -> None:
    """The partitioner of the real client agrees, for keys of any script and length."""
    names = ["fraud", "a", "modèle d'été", "气温", "x" * 33, "flight-delay"]
    told: dict[str, int | None] = {}

    def heard(_: object, message: Message) -> None:
        told[(message.key() or b"").decode()] = message.partition()

    producer = Producer({"bootstrap.servers": broker, "partitioner": "murmur2_random"})
    for name in names:
        producer.produce("keyed", b"", name.encode(), on_delivery=heard)
    assert producer.flush(60) == 0
    assert told == {name: partition_of(name, 4) for name in names}
