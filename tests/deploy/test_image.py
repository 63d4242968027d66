"""The image: what the Dockerfile copies is there, and what the commands name is in it."""

import json
import shlex
import tomllib

from tests.deploy.files import CONFIG_IN_IMAGE, dockerfile, driftbus_commands, services
from tests.servers import ROOT

INSTRUCTIONS = dockerfile()
COPIED = [
    shlex.split(rest) for name, rest in INSTRUCTIONS if name == "COPY" and "--from" not in rest
]


def said(name: str) -> str:
    """Tell what the last instruction of a name says."""
    return [rest for instruction, rest in INSTRUCTIONS if instruction == name][-1]


def test_what_is_copied_is_there_and_reaches_the_builder() -> None:
    """Every source exists and .dockerignore, which leaves out all it does not name, names it."""
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    let_in = {line[1:] for line in ignore if line.startswith("!")}
    sources = {source for *some, _ in COPIED for source in some}
    assert "*" in ignore
    assert all((ROOT / source).exists() for source in sources)
    assert sources == let_in - {"deploy"}  # the folder itself is let in for the one file


def test_every_package_of_the_wheel_is_copied() -> None:
    """A package that is added to pyproject.toml must be added to the image."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["setuptools"]["packages"]["find"]["include"]
    sources = {source for *some, _ in COPIED for source in some}
    assert {name.rstrip("*") for name in packages} <= sources
    assert {project["project"]["readme"], *project["project"]["license-files"]} <= sources


def test_the_python_is_one_that_the_package_supports() -> None:
    """Both stages are of one pinned Python, so that the environment fits where it is copied to."""
    bases = {rest.split()[0] for name, rest in INSTRUCTIONS if name == "FROM"}
    assert bases == {"python:3.12-slim-bookworm"}


def test_every_path_that_a_command_names_is_in_the_image() -> None:
    """The configuration is copied, and the reference is built where the workers look for it."""
    assert CONFIG_IN_IMAGE in [target for *_, target in COPIED]
    build = next(
        command for command in driftbus_commands() if command[:2] == ["reference", "build"]
    )
    made = f"{said('WORKDIR')}/{build[build.index('--out') + 1]}"
    for command in (one["command"] for one in services().values() if "build" in one):
        assert command[command.index("-c") + 1] == CONFIG_IN_IMAGE
        if "--reference" in command:
            assert command[command.index("--reference") + 1] == made


def test_the_image_runs_driftbus_as_nobody_special_and_ends_on_sigterm() -> None:
    """The user that is made is the one that runs, and the one that compose names."""
    made = next(rest for name, rest in INSTRUCTIONS if name == "RUN" and "useradd" in rest)
    assert said("USER") in shlex.split(made)
    assert services()["worker-1"]["user"].split(":")[0] in shlex.split(made)
    assert said("STOPSIGNAL") == "SIGTERM"
    assert json.loads(said("ENTRYPOINT")) == ["driftbus"]


def test_compiled_kernels_have_a_place_that_stays() -> None:
    """NUMBA_CACHE_DIR is the user's own, and compose mounts a volume over the read-only root."""
    cache = dict(pair.split("=", 1) for pair in shlex.split(said("ENV")))["NUMBA_CACHE_DIR"]
    made = next(rest for name, rest in INSTRUCTIONS if name == "RUN" and "install -d" in rest)
    assert cache in shlex.split(made)
    for worker in ("worker-1", "worker-2"):
        (volume,) = services()[worker]["volumes"]
        assert volume.split(":")[1] == cache
