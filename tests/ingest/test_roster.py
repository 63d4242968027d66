"""A roster is written as it stands, whatever was written of it before."""

from hypothesis import given, settings
from hypothesis import strategies as st

from stream.ingest.roster import Roster
from stream.state.versions import dump, load
from stream.words import Series

MANY = [(number, 0) for number in range(24)]
FEW = st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)), max_size=3)
TURNS = st.lists(FEW | FEW.map(lambda few: MANY + few), max_size=8)


@given(turns=TURNS, most=st.sampled_from([5, 24, 26, 100]))
@settings(max_examples=60)
def test_what_is_written_anew_of_a_roster_makes_the_whole(
    turns: list[list[tuple[int, int]]], most: int
) -> None:
    """Series come, leave and are seen on other days; at times most of them, at times a few."""
    roster = Roster(most)
    for turn in [MANY, *turns]:
        for number, day in turn:
            roster.enter(Series("m", "1", (("shop", f"s{number}"),)), day)
        rows = [[s.version, s.segment, day] for s, day in sorted(roster.days.items())]
        written = dump("roster", roster.payload())
        assert written == dump("roster", rows)
        again = Roster(most)
        again.restore("m", load(written, "roster"))
        assert again.days == roster.days
        assert dump("roster", again.payload()) == written
