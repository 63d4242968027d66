"""Secrets are sung nowhere: canaries in every secret of a configuration, and a search through all that is told."""

import json
from pathlib import Path

import pytest

from tests.cli.command import driftbus
from tests.run.process import worker
from tests.servers import free_ports

CANARY = "c4nary"
SECRETS = """
bootstrap: 127.0.0.1:{nobody}
kafka:
  security.protocol: {protocol}
  sasl.mechanism: PLAIN
  sasl.username: driftbus
  sasl.password: c4nary-of-kafka
  ssl.key.password: c4nary-of-a-key
redis: {{url: "redis://driftbus:c4nary-of-redis@127.0.0.1:{nobody}/0?client_name=c4nary-of-a-query"}}
"""
TOKEN = "c4nary-of-http"  # noqa: S105 - of the test


@pytest.fixture
def text() -> str:
    """A configuration full of secrets, of servers that are not there."""
    (nobody,) = free_ports(1)
    return SECRETS.format(nobody=nobody, protocol="sasl_plaintext")


@pytest.mark.parametrize(
    "verb",
    [
        ("config", "check"), ("config", "show"), ("doctor",), ("status",), ("produce",),
        ("replay", "--alerts", "alerts.jsonl", "events.jsonl"),
        ("reference", "build", "--from", "2026-01-01", "--to", "2026-01-02", "--out", "x.ref"),
    ],
    ids=" ".join,
)  # fmt: skip
def test_no_verb_tells_a_secret(
    verb: tuple[str, ...], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do its errors, while the servers are out of reach; what it shows of the configuration is masked."""
    monkeypatch.chdir(tmp_path)
    Path("driftbus.yaml").write_text(f"{text}\nhttp: {{token: {TOKEN}}}\n")
    Path("events.jsonl").write_text(json.dumps({"model": "m"}) + "\n")
    result = driftbus(*verb, "-c", "driftbus.yaml")
    assert CANARY not in result.output
    if verb == ("config", "show"):
        assert result.output.count("***") >= 4
    written = [
        path for path in tmp_path.rglob("*") if path.is_file() and path.name != "driftbus.yaml"
    ]
    assert [path for path in written if CANARY.encode() in path.read_bytes()] == []


def test_a_worker_tells_no_secret_even_when_it_says_all_it_can(text: str, tmp_path: Path) -> None:
    """Its log at the lowest level, and every page, while neither Kafka nor Redis is there."""
    with worker(tmp_path, text, f", token: {TOKEN}", debug=True) as process:
        process.wait(lambda: "driftbus keeps trying" in process.log)
        process.wait(lambda: process.get("/livez")[0] == 200)
        pages = [
            process.ask(page, token=TOKEN) for page in ("/status", "/metrics", "/readyz", "/livez")
        ]
        assert all(status for status, _ in pages)
        assert process.end() == 0, process.log
        assert "DEBUG" in process.log
        for told in (process.log, *(body.decode() for _, body in pages)):
            assert CANARY not in told


@pytest.mark.parametrize(
    "broken",
    ["ssl.key.pem: c4nary-no-key", "ssl.ca.location: /nowhere", "ssl.cipher.suites: none"],
)
def test_a_worker_that_cannot_start_says_why_and_no_secret(
    broken: str, text: str, tmp_path: Path
) -> None:
    """A key that is none, a file that is not there, ciphers nobody knows: it ends, and its last words are clean."""
    changed = text.replace("sasl_plaintext", "sasl_ssl").replace("kafka:", f"kafka:\n  {broken}")
    with worker(tmp_path, changed, debug=True) as process:
        assert process.ended() == 2
        assert f"kafka: {broken.split(':', maxsplit=1)[0]} failed" in process.log
        assert "Traceback" not in process.log
        assert CANARY not in process.log
