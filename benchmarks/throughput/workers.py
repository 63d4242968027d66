"""Real workers, each its own process, that share the partitions; with their state in Redis where there is one."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import orjson

from benchmarks.broker import Broker
from benchmarks.processes import free_port, running, tail_of, wait_until
from benchmarks.throughput.case import Case, Names
from benchmarks.throughput.launch import COUNT

__all__ = ["Workers", "page_of", "worker_processes"]

SHARED_WITHIN_S = 60.0
_SUM = re.compile(rb'^driftbus_commit_seconds_sum\{half="(\w+)"\} (\S+)', re.MULTILINE)


@dataclass(frozen=True)
class Workers:
    """The workers as their parent sees them: a file of each says how far it is, and its pages the rest."""

    processes: Sequence[subprocess.Popen[bytes]]
    broker: Broker
    names: Names
    files: Sequence[Path]
    ports: Sequence[int]

    @property
    def pids(self) -> tuple[int, ...]:
        """Their process ids."""
        return tuple(process.pid for process in self.processes)

    def check(self) -> None:
        """Raise RuntimeError if a worker has ended, with the end of its log."""
        for process, file in zip(self.processes, self.files, strict=True):
            if process.poll() is not None:
                told = tail_of(file.with_suffix(".log"))
                raise RuntimeError(f"a worker has ended; the end of its log:\n{told}")

    def consumed(self) -> int:
        """Tell how many events are folded, to the producer, too.

        Raises:
            RuntimeError: a worker has ended.
        """
        self.check()
        folded = sum(seen for seen, _ in self._told())
        self.broker.consumed.value = folded
        return folded

    def shared(self, partitions: int) -> bool:
        """Tell whether each worker has its part of the partitions."""
        owned = [n for _, n in self._told()]
        return sum(owned) == partitions and min(owned) >= partitions // len(owned)

    def commit_s(self) -> dict[str, float]:
        """Tell the time all have spent on commits so far, by half: ingest, evaluate."""
        told = {"ingest": 0.0, "evaluate": 0.0}
        for port in self.ports:
            for half, seconds in _SUM.findall(page_of(port, "metrics")):
                told[half.decode()] += float(seconds)
        return told

    def finish(self) -> dict[str, float]:
        """Tell what became of the events; none may have been late or unreadable."""
        told = dict.fromkeys(("windows", "alerts", "outbox", "sampled_out"), 0.0)
        for port in self.ports:
            status = orjson.loads(page_of(port, "status"))
            topic = status["topics"][self.names.features]
            assert topic["late"] == topic["malformed"] == 0, topic
            told["sampled_out"] += topic["sampled_out"]
            for model in status["models"].values():
                for name in ("windows", "alerts", "outbox"):
                    told[name] += model[name]
        return told

    def _told(self) -> list[tuple[int, int]]:
        return [COUNT.unpack(file.read_bytes()) for file in self.files]


@contextmanager
def worker_processes(
    broker: Broker, case: Case, names: Names, reference: Path, redis: str | None
) -> Iterator[Workers]:
    """Run the workers until the block ends; when it begins, all partitions have their owners."""
    folder = reference.parent
    files, ports = [], []
    with ExitStack() as stack:
        processes = []
        for number in range(case.workers):
            file, config, port = folder / f"w{number}", folder / f"w{number}.yaml", free_port()
            file.write_bytes(COUNT.pack(0, 0))
            config.write_text(case.settings(broker.bootstrap, redis, port, names))
            command = [sys.executable, "-m", "benchmarks.throughput.launch"]
            command += [
                str(case.consume_size),
                str(case.slow_us),
                str(file),
                "worker",
                "-c",
                str(config),
                "--reference",
                str(reference),
            ]
            log = config.with_suffix(".log")
            processes.append(stack.enter_context(running(command, log)))
            files.append(file)
            ports.append(port)
        workers = Workers(processes, broker, names, files, ports)
        for process, file in zip(processes, files, strict=True):
            log = file.with_suffix(".log")
            wait_until(process, log, lambda: workers.shared(case.partitions), SHARED_WITHIN_S)
        time.sleep(1.0)  # the last of them to come may still be taking over
        yield workers


def page_of(port: int, name: str) -> bytes:
    """Give a page of the worker at a port."""
    with urlopen(f"http://127.0.0.1:{port}/{name}", timeout=30.0) as answer:
        body: bytes = answer.read()
    return body
