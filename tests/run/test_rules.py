"""What the rooms obey follows from the configuration."""

import pytest

from stream.config import from_text
from stream.run.fleet.rules import sample_rules


@pytest.mark.parametrize(
    ("windows", "a_minute"), [("10s", 6_000), ("1m", 1_000), ("1h", 1_000 / 60), ("10s, 1h", 6_000)]
)
def test_a_floor_of_events_a_shortest_window_is_as_many_a_minute(
    windows: str, a_minute: float
) -> None:
    told = f"windows: [{windows}]\npane: 10s\nsample: {{key: series, floor: 1000}}\n"
    assert sample_rules(from_text(told, {})).floor == pytest.approx(a_minute)
