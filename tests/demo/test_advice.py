"""What to look at, computed from incidents."""

from sinks.event import DriftEvent
from stream.run.demo.advice import advice_of
from stream.run.demo.story import incidents_of
from tests.demo.alerts import DAY, T0, alert


def _advice(*events: DriftEvent) -> list[str]:
    return advice_of(incidents_of(events), T0, T0 + 100 * DAY)


def test_nothing_drifted_nothing_to_look_at() -> None:
    """No advice without an incident."""
    assert _advice() == []


def test_an_error_that_grew_names_the_inputs_that_began_to_drift_with_it() -> None:
    """And only those: what began a month later is no suspect."""
    (told, *_) = _advice(
        alert(10, "error", kind="concept_drift", severity="error", mean=(12, 22), episode="a"),
        alert(12, "dep_delay", episode="b"),
        alert(50, "temp", episode="c"),
    )
    assert "22 on average on the worst day told, 12 in the reference" in told
    assert "dep_delay (1 of 1 times)" in told
    assert "temp" not in told


def test_an_error_without_an_input_beside_it_asks_for_what_the_model_is_not_told() -> None:
    """The label is no input."""
    (told, *_) = _advice(
        alert(10, "error", kind="concept_drift", mean=(12, 22), episode="a"),
        alert(10, "label", episode="b"),
    )
    assert "No input began to drift" in told


def test_an_error_that_shrank_is_good_news() -> None:
    """Nobody is sent to retrain for it."""
    (told,) = _advice(alert(10, "error", kind="concept_drift", severity="info", mean=(12, 8)))
    assert "good news" in told
    assert "retrain" not in told


def test_columns_that_fail_on_the_same_day_are_sent_to_their_common_source() -> None:
    """One that fails alone is not among them."""
    (told,) = _advice(
        alert(5, "visib", kind="data_quality", episode="a"),
        alert(5, "precip", kind="data_quality", episode="b"),
        alert(9, "hour", kind="data_quality", episode="c"),
    )
    assert told.startswith("precip and visib fail on the same days (1 times)")
    assert "hour and" not in told


def test_volume_tells_one_topic_from_all() -> None:
    """Fewer events everywhere is the world; on one topic it is its sender."""
    everywhere, alone = _advice(
        alert(5, None, kind="volume", topic="features", episode="a"),
        alert(5, None, kind="volume", topic="labels", episode="b"),
        alert(9, None, kind="volume", topic="labels", episode="c"),
    )
    assert "features and labels alike" in everywhere
    assert "labels alone" in alone


def test_a_column_that_is_away_for_long_has_outgrown_its_reference() -> None:
    """One that came back within days has not."""
    long, short = _advice(
        alert(1, "temp", episode="a"),
        alert(60, "temp", "resolved", "info", episode="a"),
        alert(5, "hour", episode="b"),
        alert(12, "hour", "resolved", "info", episode="b"),
    )
    assert "temp (60 days)" in long
    assert "hour" not in long
    assert "Build one from a longer range" in long
    assert short.startswith("hour drifted for days")
