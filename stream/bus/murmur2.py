"""Which partition a name belongs to: the hash of Kafka's default partitioner."""

__all__ = ["murmur2", "partition_of"]

MASK = 0xFFFFFFFF


def murmur2(data: bytes) -> int:
    """Hash bytes to 32 bits as the Java client of Kafka does (murmur2, Appleby 2008, seed 0x9747b28c).

    >>> murmur2(b"21") - 2**32, murmur2(b"foobar") - 2**32
    (-973932308, -790332482)
    """
    m = 0x5BD1E995
    h = 0x9747B28C ^ len(data)
    whole = len(data) - len(data) % 4
    for i in range(0, whole, 4):
        k = int.from_bytes(data[i : i + 4], "little") * m & MASK
        k = (k ^ k >> 24) * m & MASK
        h = h * m & MASK ^ k
    rest = data[whole:]
    if rest:
        h = (h ^ int.from_bytes(rest, "little")) * m & MASK
    h = (h ^ h >> 13) * m & MASK
    return h ^ h >> 15


def partition_of(name: str, partitions: int) -> int:
    """Tell the partition of a key, as a producer with the default partitioner would choose it."""
    return (murmur2(name.encode()) & 0x7FFFFFFF) % partitions
