"""Where and with what something was measured; a figure without it says little."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import confluent_kafka

__all__ = ["machine", "versions"]


def machine() -> dict[str, object]:
    """Tell the processor, how many cores this process may use, and the memory in MB."""
    memory_mb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 1_000_000
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_mb": memory_mb,
        "system": f"{platform.system()} {platform.machine()}",
    }


def versions() -> dict[str, str]:
    """Tell the versions of what the hot path is made of."""
    packages = (
        "driftbus",
        "confluent-kafka",
        "numpy",
        "numba",
        "msgspec",
        "redis",
        "faust-streaming",
    )
    told = {"python": platform.python_version(), "librdkafka": confluent_kafka.libversion()[0]}
    return told | {package: version(package) for package in packages}


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
