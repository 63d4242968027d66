"""The command line: `driftbus VERB ...`.

Each verb reads its configuration and hands over to the module that does the work. These are
imported inside the verbs, so that `--help` and `config check` answer at once. Exit codes: 0 done,
alerts or not; 1 it failed; 2 usage, configuration or file; 130 after Ctrl-C.
"""
# ruff: noqa: PLC0415 - late imports are the point, see above

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stream.cli_state import state as state_verbs
from stream.errors import ConfigError, UsageError
from stream.run.terminal.arguments import Moment, Verbs, plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from stream.config import Config
    from stream.files import FileEvent
    from stream.run.terminal.progress import Progress

__all__ = ["main"]

FILE = click.Path(path_type=Path)
FILES_HELP = "FILEs are .jsonl, .csv or .parquet, plain or .gz; they are merged by time."


def _config_option(
    *, required: bool = False
) -> "Callable[[Callable[..., Any]], Callable[..., Any]]":
    told = "The configuration file." + ("" if required else " Without one: the defaults.")
    return click.option("-c", "--config", "config_path", type=FILE, required=required, help=told)


_quiet = click.option("--quiet", is_flag=True, help="No progress, no summary.")
_reference = click.option(
    "--reference", "references", multiple=True, type=FILE, metavar="REF",
    help="A reference file, as `driftbus reference build` writes it; may be given several times.",
)  # fmt: skip


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="driftbus", prog_name="driftbus")
def main() -> None:
    """Watch the features, predictions and labels of models on Kafka, and tell when one drifts."""


main.add_command(state_verbs)


@main.command(epilog=FILES_HELP)
@click.argument("files", nargs=-1, required=True, type=FILE, metavar="FILE...")
@click.option("--alerts", "out", required=True, type=FILE, metavar="OUT",
              help="Where the drift events go; what cannot be read goes to OUT.dlq.")  # fmt: skip
@click.option("--state", type=FILE, metavar="FILE",
              help="Also write the state at the end, to compare it: driftbus state diff.")  # fmt: skip
@_config_option()
@_reference
@click.option("--no-flush", is_flag=True, help="Leave windows open that are open at the end.")
@click.option("--batch-size", type=click.IntRange(min=1), default=5_000, show_default=True,
              help="Events folded at once; the alerts do not depend on it.")  # fmt: skip
@_quiet
def replay(
    files: tuple[Path, ...], out: Path, state: Path | None, config_path: Path | None,
    references: tuple[Path, ...], no_flush: bool, batch_size: int, quiet: bool,
) -> None:  # fmt: skip
    """Run the pipeline over files: no Kafka, no Redis, the alerts a worker would raise."""
    config = _load(config_path)
    from stream.run.offline.replay_files import check_apart, dead_letter_path, replay_files
    from stream.run.references.files import read_checked
    from stream.run.terminal.progress import Progress
    from stream.run.terminal.tables import show_table

    read = [*files, *references, *([config_path] if config_path else [])]
    for written in (out, dead_letter_path(out), *([state] if state else [])):
        check_apart(written, read)
    known = read_checked(config, references)
    with Progress("replay", quiet=quiet) as progress:
        done = replay_files(
            config, known, files, out, progress, flush=not no_flush, batch=batch_size, state=state
        )
    if not quiet:
        show_table("events", ["kind", "events", "dead letters", "late"], done.kinds())
        header = ["column", "alerts", "incidents", "first", "what"]
        show_table(f"{len(done.alerts):,} alerts in {out}", header, done.columns())
        if any(dead for _, dead, _ in done.counters.values()):
            click.echo(f"what could not be read is in {dead_letter_path(out)}")


@main.group(cls=Verbs)
def reference() -> None:
    """Baselines: build one, look at it, bring it to the workers."""


@reference.command(epilog=FILES_HELP)
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@click.option("--out", required=True, type=FILE, metavar="REF", help="Where the reference goes.")
@_config_option()
@click.option("--from", "start", type=Moment(), help="Learn from events at this time and later.")
@click.option("--to", "end", type=Moment(), help="Learn from events before this time.")
@_quiet
def build(
    files: tuple[Path, ...], out: Path, config_path: Path | None, start: int | None,
    end: int | None, quiet: bool,
) -> None:  # fmt: skip
    """Learn references from FILEs or, without any, from the topics between --from and --to.

    TS is a day, an RFC 3339 time or whole ms since 1970; it is the time of events, also on topics.
    """
    config = _load(config_path)
    if not files and start is None and end is None:
        raise UsageError(
            "nothing to learn from", "reference build", "give FILEs, or --from or --to over topics"
        )
    if start is not None and end is not None and start >= end:
        raise UsageError("it is not before --to", "--from", "turn them round")
    from stream.reference.file import write_references
    from stream.run.fleet.rules import model_rules
    from stream.run.offline.replay_files import check_apart
    from stream.run.references.build import build_references
    from stream.run.references.show import show_learned, show_unsteady
    from stream.run.terminal.progress import Progress

    check_apart(out, [*files, *([config_path] if config_path else [])])
    dead: list[object] = []
    with Progress("learn", quiet=quiet) as progress:
        events = _events(config, files, start, end, progress)
        learned = build_references(
            config,
            events,
            start if files else None,
            end if files else None,
            dead.extend,
            progress.events,
        )
    write_references(out, learned)
    if not quiet:
        show_learned(learned)
        show_unsteady(learned, model_rules(config).judging)
        if dead:
            click.echo(f"{len(dead):,} events could not be read and were left out")


def _events(
    config: "Config",
    files: tuple[Path, ...],
    start: int | None,
    end: int | None,
    progress: "Progress",
) -> "Iterable[FileEvent]":
    if files:
        from stream.files import read_events

        return read_events(files, config.files, progress.part)
    from stream.run.offline.topic_range import read_range

    return read_range(config, start, end, progress)


@reference.command()
@click.argument("path", type=FILE, metavar="REF")
@_config_option()
@click.option("--column", metavar="NAME", help="Show the bins of this column.")
def show(path: Path, config_path: Path | None, column: str | None) -> None:
    """Show what a reference holds, and warn of columns whose own windows are not of one piece."""
    config = _load(config_path)
    from stream.reference.file import read_references
    from stream.run.fleet.rules import model_rules
    from stream.run.references.show import show_column, show_references, show_unsteady

    references = read_references(path)
    if column is None:
        show_references(references)
        show_unsteady(references, model_rules(config).judging)
    else:
        show_column(references, column)


@reference.command()
@click.argument("path", type=FILE, metavar="REF")
@_config_option(required=True)
@click.option(
    "--from",
    "start",
    type=Moment(),
    help="The pane from which on it holds; by default the next whole largest window.",
)
def promote(path: Path, config_path: Path, start: int | None) -> None:
    """Bring a reference to the workers, from a time on that they have not reached."""
    config = _load(config_path)
    if config.redis.url is None:
        told = "is null, so there is no state that workers share"
        raise ConfigError(told, str(config_path), "set it, or use --reference", key="redis.url")
    from stream.run.fleet.topics import cluster_of, sources_of
    from stream.run.references.files import read_checked
    from stream.run.references.promote import promote as enter
    from stream.run.references.promote import told_of
    from stream.state.redis import RedisStore

    known = read_checked(config, [path])
    sources = sources_of(config, cluster_of(config))
    with closing(RedisStore(config.redis.url)) as store:
        store.check()
        for promoted in enter(config, known, start, store, sources):
            click.echo(told_of(promoted))


@main.group(cls=Verbs)
def config() -> None:
    """The configuration: check it, show it, or its JSON Schema."""


@config.command()
@_config_option()
def check(config_path: Path | None) -> None:
    """Say whether a configuration is good; name every key that is not."""
    from stream.config import cautions

    for caution in cautions(_load(config_path)):
        click.echo(f"caution: {caution}")
    click.echo("ok")


@config.command()
def schema() -> None:
    """Print the JSON Schema of the configuration file."""
    import orjson

    from stream.config import json_schema

    click.echo(orjson.dumps(json_schema(), option=orjson.OPT_INDENT_2).decode())


@config.command("show")
@_config_option()
def show_config(config_path: Path | None) -> None:
    """Print the whole configuration, defaults filled in, secrets masked."""
    from stream.config import masked

    click.echo(masked(_load(config_path)), nl=False)


@main.command(epilog=FILES_HELP)
@click.argument("files", nargs=-1, type=FILE, metavar="[FILE]...")
@_config_option()
@click.option(
    "--bootstrap", metavar="HOST:PORT", help="Kafka's address, instead of the configuration's."
)
@click.option(
    "--rate",
    type=click.FloatRange(min=0, min_open=True),
    help="Events a second; by default as fast as it goes.",
)
@click.option(
    "--arrow",
    "arrow_rows",
    type=click.IntRange(min=1, max=100_000),
    metavar="ROWS",
    help="Send Arrow messages of so many events each, instead of one JSON message an event.",
)
@_quiet
def produce(
    files: tuple[Path, ...],
    config_path: Path | None,
    bootstrap: str | None,
    rate: float | None,
    arrow_rows: int | None,
    quiet: bool,
) -> None:
    """Write the events of FILEs to the input topics; without any, the flights of 2013.

    An event's key is its id, so that one model spreads over the partitions; an Arrow message's that of its first event.
    """
    overrides: dict[str, object] = {} if bootstrap is None else {"bootstrap": bootstrap}
    config = _load(config_path, overrides)
    from importlib.resources import as_file

    from stream.files import read_events
    from stream.run.offline import produce as producing
    from stream.run.terminal.progress import Progress

    with as_file(producing.FLIGHTS) as flights, as_file(producing.FLIGHTS_CONFIG) as flights_config:
        mapping = config.files if files else _load(flights_config).files
        with Progress("produce", quiet=quiet) as progress:
            events = read_events(files or [flights], mapping, progress.part)
            written = producing.produce(config, events, rate, progress, arrow_rows)
    if not quiet:
        told = ", ".join(f"{n:,} {kind.value}" for kind, n in sorted(written.items()))
        click.echo(f"wrote {told or 'nothing'} to {config.bootstrap}")


@main.command()
@_config_option(required=True)
def doctor(config_path: Path) -> None:
    """Tell what is wrong with topics, Redis, permissions and clocks, before it hurts."""
    config = _load(config_path)
    from stream.run.doctor.doctor import Level, examine

    colours = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "red"}
    failed = False
    for finding in examine(config):
        level = click.style(f"{finding.level:<4}", fg=colours[finding.level])
        todo = f"; {finding.todo}" if finding.todo else ""
        click.echo(f"{level}  {plain(f'{finding.what}: {finding.found}{todo}')}")
        failed = failed or finding.level is Level.FAIL
    if failed:
        click.get_current_context().exit(1)


@main.command()
@_config_option(required=True)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
@click.option("--model", metavar="M", help="Show this model only.")
def status(config_path: Path, as_json: bool, model: str | None) -> None:
    """Show the fleet plan, how far each model is, and what is watched, still learns, or cannot be watched."""
    config = _load(config_path)
    if config.redis.url is None:
        http = config.http
        told = "is null, and state in memory cannot be looked at from outside"
        todo = f"ask the worker itself: http://{http.host}:{http.port}/status"
        raise ConfigError(told, str(config_path), todo, key="redis.url")
    import orjson

    from stream.run.fleet.show import show_status
    from stream.run.fleet.status import status as read_status
    from stream.state.redis import RedisStore

    with closing(RedisStore(config.redis.url)) as store:
        found = read_status(config, store, model)
    if as_json:
        click.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())
    else:
        show_status(found)


@main.command()
@_config_option(required=True)
@_reference
@click.option("--rates", type=FILE, metavar="STATE",
              help="Read the log at the sampling rates of an export of the state, not by the load.")  # fmt: skip
def worker(config_path: Path, references: tuple[Path, ...], rates: Path | None) -> None:
    """Run a worker: consume, judge, tell. One process a core; start as many as you like."""
    config = _load(config_path)
    from stream.run.copies.rates import recorded_rates
    from stream.run.references.files import read_checked

    known = read_checked(config, references)
    recorded = None if rates is None else recorded_rates(rates)
    from stream.run.work.worker import run

    click.get_current_context().exit(run(config, known, recorded))


@main.command()
@click.option("--alerts", type=FILE, metavar="OUT", help="Also write the drift events to a file.")
@click.option("--speed", type=click.FloatRange(min=0), default=0.0, show_default=True,
              help="Days of flights a second; 0: as fast as it goes.")  # fmt: skip
def demo(alerts: Path | None, speed: float) -> None:
    """Show the whole system on an embedded broker with real flights; ends by itself."""
    from stream.run.demo.demo import run

    click.get_current_context().exit(run(alerts, speed))


def _load(path: Path | None, overrides: "dict[str, object] | None" = None) -> "Config":
    from stream.config import load

    return load(path, overrides or {})
