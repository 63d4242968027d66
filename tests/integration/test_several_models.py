"""What several models tell together comes once, whoever evaluates them and whoever dies meanwhile."""

from pathlib import Path

import pytest

from tests.integration.oracle import make_events, replayed
from tests.integration.story import TOOK_OVER, story

pytestmark = pytest.mark.servers


def test_two_workers_tell_once_what_two_models_tell_together(
    tmp_path: Path, kafka_bootstrap: str, redis_url: str
) -> None:
    """Either of them is killed once, and another one takes its place; state and alerts are those of the replay."""
    events = make_events(("churn", "fraud"), 12_000)
    oracle = replayed(events)
    gathered = [data for data in oracle.alerts.values() if not data["model"]]
    assert len(gathered) >= 2
    assert all(
        {of["model"] for of in data["explain"]["models"]} == {"churn", "fraud"} for data in gathered
    )
    with story(tmp_path, events, kafka_bootstrap, redis_url, workers=2) as told:

        def kill(number: int, other: int) -> None:
            told.flows()
            had = told.workers.log(other).count(TOOK_OVER)
            told.workers.kill(number)
            told.says(other, TOOK_OVER, had + 1)
            told.workers.start()

        told.goes_on(told.flows, lambda: kill(0, 1), lambda: kill(1, 2), told.flows)
        told.recovers("the last kill")
        told.ends_like(oracle)
