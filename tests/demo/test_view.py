"""The picture on a terminal and the lines elsewhere, without comparing whole screens."""

import io
from typing import Any

import pytest
from rich.console import Console

from stream.run.demo.closing import Cost, closing
from stream.run.demo.screen import LINE_EVERY_S, Screen
from stream.run.demo.view import Column, columns_of, progress_line, render
from tests.demo.alerts import alert, scene

STATUS: dict[str, Any] = {
    "models": {
        "m": {
            "series": [
                {
                    "kind": "features",
                    "incidents": {"temp": "error", "": "warning"},
                    "window": {
                        "columns": {
                            "": {"volume": [228.0, 1701.0, 0.001, 0.9, True]},
                            "temp": {
                                "psi": [0.1, 0.2, 0.5, 0.1, False],
                                "location": [1.5, 0.6, 1e-9, 1.5, True],
                            },
                            "precip": {
                                "psi": [0.5, 0.2, 0.01, 0.0, False],
                                "frozen": [1.0, None, None, 1.0, False],
                            },
                            "hour": {"missing": [0.02, 0.0, 0.01, 0.1, True]},
                        }
                    },
                },
                {"kind": "labels", "learning": {"events": 5, "of": 10_000}},
            ]
        }
    }
}


def _text(width: int, height: int, **changes: Any) -> list[str]:
    shown = scene(alert(8, "temp", episode="a"), alert(9, "hour", "resolved", "info"))
    shown.columns = columns_of(STATUS)
    for name, value in changes.items():
        setattr(shown, name, value)
    console = Console(file=io.StringIO(), width=width, height=height, color_system=None)
    with console.capture() as capture:
        console.print(render(shown, width, height))
    return capture.get().splitlines()


def test_columns_are_ranked_by_their_strongest_statistic_with_incidents_first() -> None:
    """In units of the threshold; without an alarm it does not look like one."""
    assert columns_of(STATUS) == [
        Column("temp", 2.5, "location", "error"),
        Column("number of features", 1.0, "volume", "warning"),
        Column("hour", 9.9, "missing", None),
        Column("precip", 1.0, "psi", None),
    ]


def test_the_picture_tells_date_share_figures_columns_and_alerts() -> None:
    """Everything a person wants to know is on one screen."""
    lines = _text(100, 40)
    text = "\n".join(lines)
    for told in ("2013-04-11", "50%", "250,000 events", "40,000 a second", "lag 3,000 events",
                 "2 alerts", "2 incidents open", "Jan 9  warning", "temp on day 8", "resolved"):  # fmt: skip
        assert told in text
    (temp,) = [line for line in lines if "● error" in line]
    assert "2.5x" in temp
    assert "shifted" in temp


def test_a_bar_passes_the_mark_only_when_it_alarms() -> None:
    """The mark is where the threshold is."""
    lines = _text(110, 40)
    (temp,) = [line for line in lines if "│ temp" in line]
    (precip,) = [line for line in lines if "│ precip" in line]
    assert "┃━" in temp
    assert "━┃─" in precip


@pytest.mark.parametrize(("width", "height"), [(100, 40), (130, 24), (60, 15), (50, 12), (30, 3)])
def test_the_picture_fits_the_terminal(width: int, height: int) -> None:
    """Never a line more nor a character more than there is room for."""
    many = [alert(day, "temp", episode=str(day)) for day in range(90)]
    lines = _text(width, height, alerts=many, columns=columns_of(STATUS) * 9)
    assert len(lines) <= height
    assert max(map(len, lines)) <= width


def test_the_layout_does_not_move_while_things_come_in() -> None:
    """An empty picture has as many lines as a full one: no flicker."""
    assert len(_text(100, 40, alerts=[], columns=[])) == len(_text(100, 40)) == 40


def test_names_from_outside_cannot_command_the_terminal() -> None:
    """A column's name may hold anything."""
    lines = _text(100, 40, columns=[Column("\x1b[2Jevil", 2.0, "psi", "error")])
    assert "\x1b" not in "".join(lines)


def test_without_a_terminal_each_alert_is_told_once_and_progress_now_and_then() -> None:
    """Plain lines, no control characters."""
    now = [0.0]
    out = io.StringIO()
    shown = scene(alert(8, "temp"))
    with Screen(Console(file=out), lambda: now[0]) as screen:
        screen.scene = shown
        for _ in range(10):
            screen.show()
        now[0] += LINE_EVERY_S
        shown.events += 1
        screen.show()
    lines = out.getvalue().splitlines()
    assert sum("temp on day 8" in line for line in lines) == 1
    assert [line for line in lines if "250,000 events" in line] == [
        progress_line(scene(alert(8, "")))
    ]
    assert sum("250,001 events" in line for line in lines) == 1
    assert "\x1b" not in out.getvalue()


def test_a_progress_line_names_what_drifts() -> None:
    """The strongest few, and the number of the others."""
    shown = scene()
    shown.columns = [Column(f"c{n}", 2.0, "psi", "error") for n in range(6)]
    assert progress_line(shown).endswith("; drifting: c0, c1, c2, c3 and 2 more")


def test_the_summary_has_what_when_how_much_what_to_look_at_and_the_cost() -> None:
    """All of it computed from the alerts and the figures."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    shown = scene(alert(8, "temp", mean=(36.5, 61.4)))
    with console.capture() as capture:
        console.print(closing(shown, Cost(flow_s=10.0, worker_cpu_s=5.0)))
    text = capture.get()
    for told in ("temp", "data drift", "Jan 9 - still open", "mean 61.4", "was 36.5", "temp (92 days)",
                 "250,000 events, 1 alerts of 1 incidents; 25,000 events a second", "20 us of CPU"):  # fmt: skip
        assert told in text


def test_a_run_without_alerts_says_that_nothing_drifted() -> None:
    """No empty table."""
    console = Console(file=io.StringIO(), width=120, color_system=None)
    with console.capture() as capture:
        console.print(closing(scene(), Cost(10.0, 5.0)))
    assert "nothing: all columns stayed" in capture.get()
    assert "What to look at" not in capture.get()
