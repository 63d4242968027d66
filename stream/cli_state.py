"""The verbs of `driftbus state`: look at what is kept, compare it, move it, bring it back."""
# ruff: noqa: PLC0415 - late imports, as in `cli`: help answers at once

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from stream.run.terminal.arguments import Verbs, plain

if TYPE_CHECKING:
    from stream.config import Config

__all__ = ["state"]

FILE = click.Path(path_type=Path)
_config = click.option(
    "-c", "--config", "path", type=FILE, required=True, help="The configuration file."
)


@click.group(cls=Verbs)
def state() -> None:
    """What is kept between events and alerts: show, export, compare, restore it."""


@state.command()
@click.option(
    "-c", "--config", "path", type=FILE, help="The configuration file; a FILE needs none."
)
@click.argument("file", type=FILE, required=False)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def show(path: Path | None, file: Path | None, as_json: bool) -> None:
    """Show what is kept: partitions, models, sizes. Of FILE, an export, instead of the store."""
    import orjson

    from stream.errors import UsageError
    from stream.run.copies.command import export_told, open_store
    from stream.run.copies.show import show_state, state_told

    if file is not None:
        told = export_told(file, None if path is None else _load(path))
    elif path is not None:
        config = _load(path)
        with closing(open_store(config, path)) as store:
            told = state_told(config, store)
    else:
        raise UsageError(
            "a store is found by a configuration", "state show", "give -c, or the FILE of an export"
        )
    if as_json:
        click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2).decode())
    else:
        show_state(told)


@state.command()
@_config
@click.argument("out", type=FILE)
def export(path: Path, out: Path) -> None:
    """Write the state to OUT: the same state, the same bytes. Workers may go on meanwhile."""
    from stream.run.copies.command import export_state, open_store

    config = _load(path)
    with closing(open_store(config, path)) as store:
        written = export_state(config, store, out)
    click.echo(f"{written.size:,} bytes in {out}, sha256 {written.sha256}")


@state.command()
@click.argument("one", type=FILE)
@click.argument("other", type=FILE)
@click.option("--merged", "as_merged", is_flag=True,
              help="Put partitions together, and leave out where events lay: a replay against workers.")  # fmt: skip
def diff(one: Path, other: Path, as_merged: bool) -> None:
    """Tell what differs between two exports. Exit code 0: nothing; 1: something does."""
    from stream.run.copies.diff import differences
    from stream.run.copies.export import read_export
    from stream.run.copies.merged import merged
    from stream.run.copies.plainly import plainly

    read = [read_export(path) for path in (one, other)]
    first, second = (
        merged(of.hashes, of.kinds) if as_merged else plainly(of.hashes) for of in read
    )
    found = list(differences(first, second))
    for path, place, a, b in found:
        within = f" at {place}" if place else ""
        click.echo(plain(f"{path}{within}: {a} | {b}"))
    click.echo(f"{len(found):,} of {len(first.keys() | second.keys()):,} things differ")
    if found:
        click.get_current_context().exit(1)


@state.command()
@_config
@click.argument("file", type=FILE, required=False)
@click.option("--force", is_flag=True, help="Replace what the store holds.")
def restore(path: Path, file: Path | None, force: bool) -> None:
    """Build the state again from the newest copy on the backup topic, or from FILE, an export.

    Stop all workers first.
    """
    from stream.run.copies.command import restore_state

    config = _load(path)
    restored = restore_state(config, path, file, force=force)
    for caution in restored.cautions:
        click.echo(plain(f"caution: {caution}"), err=True)
    click.echo(plain(f"restored {restored.hashes:,} hashes from {restored.source}"))
    if restored.cautions:
        click.echo(f"workers meet what is lost as on_lost_log says: {config.on_lost_log}", err=True)


def _load(path: Path) -> "Config":
    from stream.config import load

    return load(path)
