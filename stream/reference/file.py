"""Reference files: what `reference build` writes and `--reference` reads."""

from collections.abc import Sequence
from pathlib import Path

from stream.errors import CodecError, FileError
from stream.reference.reference import Reference
from stream.state.versions import dump, load, making_sense

__all__ = ["read_references", "write_references"]


def write_references(path: Path, references: Sequence[Reference]) -> None:
    """Write references to a file: under another name first, so that a half-written file never counts."""
    blob = dump("references", [reference.packed for reference in references])
    partial = path.with_name(path.name + ".partial")
    try:
        partial.write_bytes(blob)
        partial.replace(path)
    except OSError as error:
        raise FileError(
            f"cannot be written ({error.strerror})", str(path), "check the folder and its space"
        ) from None


def read_references(path: Path) -> list[Reference]:
    """Read the references of a file.

    Raises:
        FileError: when it is missing, unreadable, damaged, or no reference file.
    """
    try:
        payload = load(path.read_bytes(), "references")
        with making_sense("references"):
            return [Reference.unpack(b"%b" % blob) for blob in payload]
    except OSError as error:
        raise FileError(f"cannot be read ({error.strerror})", str(path), "check the path") from None
    except CodecError as error:
        todo = "make one with `driftbus reference build FILE... --out REF`"
        raise FileError(f"is no reference file ({error.what})", str(path), todo) from None
