"""What a worker tells over HTTP is read by those who may, and changed by nobody."""

import http.client
from collections.abc import Iterator

import pytest

from stream.bus.embedded import EmbeddedBroker
from stream.config import Config, HttpConfig, from_text
from stream.errors import ConfigError
from stream.run.work.guard import OPEN, Guard
from tests.run.process import Process, worker

TOKEN = "c4nary-of-http"  # noqa: S105 - of the test
PAGES = ("/livez", "/readyz", "/metrics", "/status")


def test_loopback_is_the_default_and_another_address_needs_a_token() -> None:
    assert Config().http.host == "127.0.0.1"
    for host in ("0.0.0.0", "::", "10.0.0.7", "worker.example"):  # noqa: S104 - what is refused
        with pytest.raises(ConfigError, match=r"http\.token"):
            from_text(f"http: {{host: '{host}'}}", {})
        assert from_text(f"http: {{host: '{host}', token: x}}", {}).http.host == host


@pytest.mark.parametrize("path", PAGES)
def test_a_configured_token_is_needed_whole_but_by_probes(path: str) -> None:
    """Headers of any bytes are refused, not a fault; the Host plays no part."""
    guard = Guard(HttpConfig(token=TOKEN))
    assert guard.verdict(path, f"Bearer {TOKEN}", "any.example") == 200
    for wrong in (
        None,
        "",
        TOKEN,
        f"Bearer {TOKEN[:-1]}",
        f"Bearer {TOKEN}s",
        f"bearer {TOKEN}",
        "Bearer \udcff",
        "é",
    ):
        assert guard.verdict(path, wrong, "127.0.0.1") == (200 if path in OPEN else 401)


@pytest.mark.parametrize("path", PAGES)
def test_without_a_token_a_name_that_somebody_points_here_is_not_served(path: str) -> None:
    """A page in a person's browser cannot read on by a name of its own (DNS rebinding)."""
    guard = Guard(HttpConfig(host="localhost"))
    for ours in (
        "127.0.0.1:6066",
        "localhost:6066",
        "LOCALHOST",
        "[::1]:6066",
        "[::1]",
        "10.1.2.3",
    ):
        assert guard.verdict(path, None, ours) == 200
    for foreign in (
        "evil.example",
        "evil.example:6066",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "",
        None,
    ):
        assert guard.verdict(path, None, foreign) == 403


@pytest.fixture(scope="module")
def process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    """Run a worker with a token."""
    broker = EmbeddedBroker()
    broker.create("features", "predictions", "labels", "drift-alerts", "features.dlq")
    text = f"bootstrap: {broker.bootstrap}"
    with worker(tmp_path_factory.mktemp("worker"), text, f", token: {TOKEN}") as made:
        made.wait(lambda: made.get("/readyz")[0] == 200)
        yield made


def ask(
    process: Process, method: str, path: str, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Ask with a method and headers."""
    connection = http.client.HTTPConnection("127.0.0.1", process.port, timeout=60)
    try:
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read()
    finally:
        connection.close()


def test_every_answer_says_what_it_is_and_is_kept_by_nobody(process: Process) -> None:
    for path in PAGES:
        for authorization in ("", f"Bearer {TOKEN}"):
            status, headers, body = ask(process, "GET", path, Authorization=authorization)
            assert status == (200 if authorization or path in OPEN else 401)
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cache-control"] == "no-store"
            json = path != "/metrics" and status == 200
            assert headers["content-type"].startswith("application/json" if json else "text/plain")
            assert TOKEN.encode() not in body


def test_nothing_can_be_changed(process: Process) -> None:
    for path in PAGES:
        for method in ("POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
            assert ask(process, method, path, Authorization=f"Bearer {TOKEN}")[0] == 405


def test_there_are_no_pages_but_ours(process: Process) -> None:
    """Faust has pages of its own, which know no token."""
    for path in (
        "/",
        "/router/",
        "/table/",
        "/graph/",
        "/stats/",
        "/performance/",
        "/../etc/passwd",
        "/%2e%2e/x",
    ):
        assert ask(process, "GET", path)[0] == 404
