"""What Redis and the network have carried between two marks."""

from dataclasses import dataclass
from typing import Self

from redis import Redis

from benchmarks.network import Bytes, traffic

__all__ = ["Usage"]


@dataclass(frozen=True)
class Usage:
    """Counters at one moment; they only grow. None where they cannot be had."""

    redis: dict[str, float] | None
    network: tuple[Bytes, Bytes] | None

    @classmethod
    def now(cls, pids: tuple[int, ...], redis: str | None) -> Self:
        """Read the counters: Redis' own, and of all connections of the processes, to Redis and to others."""
        return cls(_redis(redis) if redis else None, _network(pids, redis))

    def since(self, before: Self, wall_s: float) -> dict[str, float]:
        """Tell what was used since an earlier moment, a second."""
        told: dict[str, float] = {}
        if self.redis is not None and before.redis is not None:
            grown = {name: self.redis[name] - before.redis[name] for name in self.redis}
            told["redis_ops_per_s"] = grown["ops"] / wall_s
            told["redis_in_bytes_per_s"] = grown["in"] / wall_s
            told["redis_out_bytes_per_s"] = grown["out"] / wall_s
            told["redis_cpu_s"] = grown["cpu_s"]
            told["redis_used_mb"] = self.redis["used_mb"]
        if self.network is not None and before.network is not None:
            for name, was, has in zip(
                ("kafka", "redis"), before.network, self.network, strict=True
            ):
                told[f"net_{name}_in_bytes_per_s"] = (has.received - was.received) / wall_s
                told[f"net_{name}_out_bytes_per_s"] = (has.sent - was.sent) / wall_s
        return told


def _redis(url: str) -> dict[str, float]:
    with Redis.from_url(url) as client:
        info = client.info()
    return {
        "ops": info["total_commands_processed"],
        "in": info["total_net_input_bytes"],
        "out": info["total_net_output_bytes"],
        "cpu_s": info["used_cpu_user"] + info["used_cpu_sys"],
        "used_mb": info["used_memory"] / 1e6,
    }


def _network(pids: tuple[int, ...], redis: str | None) -> tuple[Bytes, Bytes] | None:
    """Tell the bytes of connections to Kafka, which are all the others, and to Redis."""
    port = int(redis.rpartition(":")[2].partition("/")[0]) if redis else None
    kafka, store = Bytes(0, 0), Bytes(0, 0)
    for pid in pids:
        told = traffic(pid)
        if told is None:
            return None
        for other, n in told.items():
            if other == port:
                store = Bytes(store.received + n.received, store.sent + n.sent)
            else:
                kafka = Bytes(kafka.received + n.received, kafka.sent + n.sent)
    return kafka, store
