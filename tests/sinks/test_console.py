"""The console: readable for people, harmless to their terminal."""

import io

import pytest

from sinks import ConsoleSink, DriftEvent, SinkError

from .events import drift_event


class Terminal(io.StringIO):
    """A text stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def colourful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Terminals here are like those of people, whatever runs the tests."""
    monkeypatch.setenv("TERM", "xterm-256color")
    for name in ("NO_COLOR", "FORCE_COLOR", "COLORTERM", "TTY_COMPATIBLE", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def shown(event: DriftEvent, stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    ConsoleSink(stream).send([event])
    return stream.getvalue()


def test_a_line_tells_severity_time_subject_phase_and_summary() -> None:
    """In plain text where nobody asked for colours."""
    event = drift_event(0, segment={"origin": "EWR"}, data={"summary": "temp is 9 degrees higher"})
    expected = (
        "WARNING   2013-07-01T00:00:00Z  flights/1/temp/origin=EWR  "
        "started: temp is 9 degrees higher\n"
    )
    assert shown(event) == expected


def test_a_roll_up_is_one_line() -> None:
    """Without a column, and its members are not listed."""
    told = {"summary": "3 columns began to drift: a, b, c", "members": ["1" * 32] * 3}
    expected = (
        "WARNING   2013-07-01T00:00:00Z  flights/1  started: 3 columns began to drift: a, b, c\n"
    )
    assert shown(drift_event(0, column=None, data=told)) == expected


def test_a_long_line_is_neither_cut_nor_wrapped() -> None:
    """A log file has no width."""
    text = "word " * 100 + "end"
    assert shown(drift_event(1, data={"summary": text})).endswith(f"{text}\n")


@pytest.mark.parametrize("severity", ["info", "warning", "error", "critical"])
def test_colours_appear_on_a_terminal_only(severity: str) -> None:
    """The words are the same."""
    event = drift_event(1, severity=severity)
    plain, coloured = shown(event), shown(event, Terminal())
    assert "\x1b" not in plain
    assert f"{severity.upper()}" in plain
    assert coloured.startswith("\x1b[")
    assert severity.upper() in coloured


def test_no_color_is_respected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bold may stay; colours go."""
    monkeypatch.setenv("NO_COLOR", "1")
    assert "33m" not in shown(drift_event(1), Terminal())


@pytest.mark.parametrize(
    ("hostile", "harmless"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("two\nlines\r", "two\\nlines\\r"),
        ("right\u202eleft", "right\\u202eleft"),
        ("[red]not markup[/red] :bomb:", "[red]not markup[/red] :bomb:"),
        ("気温", "気温"),
    ],
)
def test_text_from_outside_commands_no_terminal(hostile: str, harmless: str) -> None:
    """What is not printable is shown as an escape, and markup is only text."""
    assert shown(drift_event(1, data={"summary": hostile})).endswith(f": {harmless}\n")
    assert "\x1b[2J" not in shown(drift_event(1, model=hostile), Terminal())


def test_an_event_is_one_line_even_with_line_ends_in_its_names() -> None:
    """Who counts lines counts events."""
    assert shown(drift_event(1, model="a\nb", column="c\u2028d")).count("\n") == 1


def test_a_stream_that_cannot_say_a_letter_gets_its_escape() -> None:
    """An alert is not lost to an old encoding."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="ascii")
    ConsoleSink(stream).send([drift_event(1, model="Zürich", data={"summary": "気温"})])
    assert raw.getvalue().endswith(b"Z\\xfcrich/1/temp  started: \\u6c17\\u6e29\n")


def test_an_event_without_a_summary_shows_its_kind() -> None:
    """Something to read is always there."""
    assert shown(drift_event(1, data={"summary": ""})).endswith("started: data_drift\n")


def test_a_closed_stream_is_a_sink_error() -> None:
    """The destination's fault, so the same send may be repeated elsewhere or later."""
    stream = io.StringIO()
    stream.close()
    with pytest.raises(SinkError, match="closed"):
        ConsoleSink(stream).send([drift_event(1)])


def test_closing_leaves_the_stream_to_its_owner() -> None:
    """Standard output must survive its sink."""
    stream = io.StringIO()
    ConsoleSink(stream).close()
    assert not stream.closed
