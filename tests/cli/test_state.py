"""`driftbus state`: exports of replays are shown and compared; a store that cannot serve is told in one line."""

import json
from functools import partial
from pathlib import Path

import pytest
from click.testing import Result

from stream.bus import backup_topic
from stream.run.copies import command as state_command
from stream.run.fleet.topics import cluster_of
from stream.state.memory import MemoryStore
from tests.cli.command import driftbus, events, rows, write_config, write_jsonl
from tests.servers import free_ports


def replay(config: Path, stream: Path, state: Path, *more: object) -> Result:
    """Replay a stream and write the state at its end."""
    alerts = state.with_suffix(".jsonl")
    options = ("--no-flush", "--alerts", alerts, "--state", state, *more)
    return driftbus("replay", "-c", config, stream, *options)


@pytest.fixture
def replayed(config: Path, stream: Path, tmp_path: Path) -> Path:
    """The path of the state at the end of a replay."""
    out = tmp_path / "state"
    done = replay(config, stream, out)
    assert done.exit_code == 0, done.output
    return out


def test_a_replay_writes_the_same_state_whatever_its_batches(
    replayed: Path, config: Path, stream: Path, tmp_path: Path
) -> None:
    """Byte for byte, so `diff` finds nothing and says so with exit code 0."""
    other = tmp_path / "other"
    replay(config, stream, other, "--batch-size", 177)
    assert other.read_bytes() == replayed.read_bytes()
    for options in ([], ["--merged"]):
        done = driftbus("state", "diff", replayed, other, *options)
        assert done.exit_code == 0
        assert done.output.startswith("0 of ")


def test_what_differs_is_named_with_both_values_and_exit_code_1(
    replayed: Path, config: Path, stream: Path, tmp_path: Path
) -> None:
    """One line a thing."""
    shorter, other = tmp_path / "shorter.jsonl", tmp_path / "other"
    shorter.write_bytes(b"".join(stream.read_bytes().splitlines(keepends=True)[:-30]))
    replay(config, shorter, other)
    done = driftbus("state", "diff", replayed, other)
    assert done.exit_code == 1
    assert 'features/0 offset: "1440" | "1430"' in done.output.splitlines()
    assert "features/0 counters at folded: 1440 | 1430" in done.output
    assert " things differ" in done.output.splitlines()[-1]


def test_an_export_is_shown_as_a_table_or_as_json(replayed: Path, config: Path) -> None:
    """Partitions with offsets and panes, models with windows and what waits, sizes."""
    shown = driftbus("state", "show", "-c", config, replayed)
    assert shown.exit_code == 0
    assert "features/0" in shown.output
    assert "1,440" in shown.output
    told = json.loads(driftbus("state", "show", "-c", config, replayed, "--json").output)
    (model,) = told["models"]
    assert (model["model"], model["chains"]) == ("m", 4)
    assert told["partitions"][0]["watermark"].startswith("2023-")


def test_an_export_is_shown_without_a_configuration(replayed: Path, config: Path) -> None:
    """All that is told of it stands in it; only the app has no name, so that of the file is told."""
    own, given = (
        json.loads(driftbus("state", "show", *options, replayed, "--json").output)
        for options in ([], ["-c", config])
    )
    assert own.pop("app") == replayed.name
    given.pop("app")
    assert own == given
    assert own["models"][0]["evaluated"]


def test_an_export_without_a_reference_tells_panes_in_place_of_times(
    config: Path, tmp_path: Path
) -> None:
    """How long a pane is, only references tell."""
    stream, out = tmp_path / "short.jsonl", tmp_path / "young"
    write_jsonl(stream, events(rows(0.5)))
    replay(config, stream, out)
    (model,) = json.loads(driftbus("state", "show", out, "--json").output)["models"]
    assert model["learning"] == 4
    assert all(told.startswith("pane ") for told in model["evaluated"].values())
    assert driftbus("state", "show", out).exit_code == 0


def test_to_show_a_store_its_configuration_is_needed() -> None:
    done = driftbus("state", "show")
    assert done.exit_code == 2
    assert "give -c, or the FILE of an export" in done.output


def test_files_that_are_no_exports_end_in_one_line(replayed: Path, config: Path) -> None:
    """Exit code 2: the file's fault."""
    for arguments in (["diff", replayed, config], ["show", "-c", config, config]):
        done = driftbus("state", *arguments)
        assert done.exit_code == 2
        assert "is no export of the state" in done.output


def test_a_file_to_restore_is_read_before_the_store_is_asked(tmp_path: Path) -> None:
    """Nobody listens at this Redis, and yet what is told is that there is no such file."""
    more = "redis: {url: 'redis://127.0.0.1:1/0'}\n"
    config = write_config(tmp_path / "moved.yaml", more)
    done = driftbus("state", "restore", "-c", config, tmp_path / "nothing")
    assert done.exit_code == 2, done.output
    assert "nothing" in done.output
    assert "127.0.0.1:1" not in done.output


def test_a_state_is_restored_from_a_file_though_no_broker_is_there(
    replayed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file has it all; what a broker would have told of the log is missing, which is said."""
    (nobody,) = free_ports(1)
    config = write_config(tmp_path / "moved.yaml", f"bootstrap: 127.0.0.1:{nobody}\n")
    store = MemoryStore()
    monkeypatch.setattr(state_command, "open_store", lambda *_: store)
    monkeypatch.setattr(backup_topic, "ANSWER_S", 0.5)
    monkeypatch.setattr(state_command, "cluster_of", partial(cluster_of, timeout_s=0.5))
    done = driftbus("state", "restore", "-c", config, replayed)
    assert done.exit_code == 0, done.output
    assert f"caution: 127.0.0.1:{nobody}: Kafka cannot be reached" in done.output
    assert "whether the log reaches back was not looked at" in done.output
    driftbus("state", "export", "-c", config, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == replayed.read_bytes()
    missing = driftbus("state", "restore", "-c", config, "--force")
    assert missing.exit_code == 1, "a copy is on the broker"


@pytest.mark.parametrize("verb", [["show"], ["export", "out"], ["restore"]])
def test_a_state_in_memory_is_nobodys_to_look_at(config: Path, verb: list[str]) -> None:
    """The key is named."""
    done = driftbus("state", verb[0], "-c", config, *verb[1:])
    assert done.exit_code == 2
    assert "redis.url: is null, so there is no state" in done.output


@pytest.mark.servers
def test_a_state_is_moved_from_a_file_to_a_redis_and_back(
    replayed: Path, tmp_path: Path, kafka_bootstrap: str, redis_url: str
) -> None:
    """Export, restore, export: the same bytes; what is there is not overwritten; what the log lacks is said."""
    name = tmp_path.name.replace("_", "-")
    more = f"bootstrap: {kafka_bootstrap}\nredis: {{url: '{redis_url}'}}\napp: {name}\n"
    config = write_config(tmp_path / "moved.yaml", more)
    nothing = driftbus("state", "export", "-c", config, tmp_path / "nothing")
    assert (nothing.exit_code, "holds no state of" in nothing.output) == (2, True)
    missing = driftbus("state", "restore", "-c", config)
    assert (missing.exit_code, "there is no copy on" in missing.output) == (2, True)
    done = driftbus("state", "restore", "-c", config, replayed)
    assert done.exit_code == 0, done.output
    assert "caution: features/0: the copy stands at 1,440 and the log ends at 0" in done.output
    assert f"hashes from {replayed}" in done.output
    driftbus("state", "export", "-c", config, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == replayed.read_bytes()
    refused = driftbus("state", "restore", "-c", config, replayed)
    assert (refused.exit_code, "--force" in refused.output) == (2, True)
    assert driftbus("state", "restore", "-c", config, replayed, "--force").exit_code == 0
    driftbus("state", "export", "-c", config, tmp_path / "again")
    assert (tmp_path / "again").read_bytes() == replayed.read_bytes()
