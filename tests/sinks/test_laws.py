"""Every sink obeys the law-book."""

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sinks import ConsoleSink, JsonlSink, KafkaSink, MemorySink, parse

from .broker import fresh_topic, read_topic
from .events import series
from .laws import LAWS, Case


class Stream(io.StringIO):
    """A text stream that can break."""

    torn = False

    def write(self, text: str) -> int:
        if self.torn:
            raise BrokenPipeError("nobody reads")
        return super().write(text)


def ids(count: int) -> list[str]:
    return [event.id for event in series(count)]


def memory_case() -> Case:
    sink = MemorySink()

    @contextmanager
    def broken() -> Iterator[None]:
        sink.fail_next(1_000)
        yield
        sink.fail_next(0)

    return Case(sink, lambda: [event.id for event in sink.events], broken, ids)


def jsonl_case(folder: Path) -> Case:
    home, away = folder / "out", folder / "away"
    home.mkdir()
    path = home / "alerts.jsonl"

    @contextmanager
    def broken() -> Iterator[None]:
        home.rename(away)
        yield
        away.rename(home)

    def read() -> list[str]:
        lines = path.read_bytes().splitlines() if path.exists() else []
        return [parse(line).id for line in lines]

    return Case(JsonlSink(path), read, broken, ids)


def console_case() -> Case:
    stream = Stream()

    @contextmanager
    def broken() -> Iterator[None]:
        stream.torn = True
        yield
        stream.torn = False

    def read() -> list[str]:
        return [line.split(": ", 1)[1] for line in stream.getvalue().splitlines()]

    def summaries(count: int) -> list[str]:
        return [str(event.data["summary"]) for event in series(count)]

    return Case(ConsoleSink(stream), read, broken, summaries)


def kafka_case(address: str) -> Case:
    topic = fresh_topic()
    sink = KafkaSink({"bootstrap.servers": address}, topic, deadline=60.0)

    @contextmanager
    def broken() -> Iterator[None]:
        # An embedded broker cannot be stopped and started; the client is led elsewhere instead.
        settings, deadline = sink._settings, sink._deadline
        sink.close()
        sink._settings, sink._deadline = {"bootstrap.servers": "127.0.0.1:1"}, 0.1
        yield
        sink._settings, sink._deadline = settings, deadline

    def read() -> list[str]:
        return [parse(record.value).id for record in read_topic(address, topic)]

    return Case(sink, read, broken, ids)


@pytest.fixture(params=["memory", "jsonl", "console", "kafka"])
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    makers: dict[str, Callable[[], Case]] = {
        "memory": memory_case,
        "jsonl": lambda: jsonl_case(request.getfixturevalue("tmp_path")),
        "console": console_case,
        "kafka": lambda: kafka_case(request.getfixturevalue("broker")),
    }
    made = makers[request.param]()
    yield made
    made.sink.close()


@pytest.mark.parametrize("law", LAWS, ids=lambda law: law.__name__)
def test_every_sink_obeys(law: Callable[[Case], None], case: Case) -> None:
    """Each law of the book holds for each destination."""
    law(case)
