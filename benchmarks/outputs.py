"""Where a measurement leaves what it found: refused before it begins, if nothing can be written there."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

__all__ = ["OUT_FILE", "OUT_FOLDER"]


class _OutFile(click.Path):
    """A file to be written."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        file = Path(os.fsdecode(super().convert(value, param, ctx)))
        if not file.parent.is_dir():
            self.fail(f"{file} cannot be written: there is no folder {file.parent}", param, ctx)
        if not os.access(file if file.exists() else file.parent, os.W_OK):
            self.fail(f"{file} cannot be written: check who may write there", param, ctx)
        return file


class _OutFolder(click.Path):
    """A folder for charts, made if need be."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        folder = Path(os.fsdecode(super().convert(value, param, ctx)))
        if find_spec("matplotlib") is None:
            self.fail("charts need matplotlib: pip install 'driftbus[plots]'", param, ctx)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            self.fail(f"the folder {folder} cannot be made: {error.strerror}", param, ctx)
        return folder


OUT_FILE = _OutFile(path_type=Path, dir_okay=False)
OUT_FOLDER = _OutFolder(path_type=Path, file_okay=False)
