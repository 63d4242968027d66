"""Copies of the state are taken beside the work, and none is begun once the worker ends."""

import asyncio
from threading import Event
from unittest.mock import Mock, patch

from stream.bus.backup_topic import BackupTopic
from stream.config import BackupConfig, RedisConfig
from stream.run.work.backup_task import BackupTask
from stream.state.memory import MemoryStore
from tests.run.rig import SOURCES, small

CONFIG = small(redis=RedisConfig(url="redis://nowhere"), backup=BackupConfig(every_ms=60_000))


def test_a_worker_that_ends_while_it_warns_begins_no_copy_and_does_not_crash() -> None:
    asks, ended = Event(), Event()

    def warned(_config: object) -> list[object]:
        asks.set()
        ended.wait(60)
        return []

    async def story() -> None:
        runtime = Mock()
        runtime.ingest.partitions = dict.fromkeys(SOURCES)
        task = BackupTask(CONFIG, MemoryStore(), Mock(spec=BackupTopic), runtime)
        with (
            patch("stream.run.work.backup_task.too_short", warned),
            patch.object(task.backup, "due", return_value=True),
            patch.object(task.backup, "take") as take,
        ):
            looking = asyncio.create_task(task.look_after())
            await asyncio.to_thread(asks.wait, 60)
            task.close()
            ended.set()
            await looking
            take.assert_not_called()

    asyncio.run(story())
    assert asks.is_set()
