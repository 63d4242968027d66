"""The code in the library's README runs, and does what it says."""

import contextlib
import io
from pathlib import Path
from typing import Any

import numpy as np

import detectors
from detectors import COMPARISONS, SEQUENTIAL

TEXT = (Path(detectors.__file__).parent / "README.md").read_text()
BLOCKS = [block.split("```")[0] for block in TEXT.split("```python\n")[1:]]


def ran(block: str, **names: Any) -> tuple[dict[str, Any], str]:
    """Run a block with some names given; tell the names after it, and what it printed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(compile(block, "README.md", "exec"), names)  # noqa: S102 - our own README
    return names, out.getvalue()


def test_the_sequential_example_runs() -> None:
    names, out = ran(BLOCKS[0], stream=np.repeat([0.0, 1.0], 500), mean=1.0, v=0.1)
    assert names["positions"].tolist() == [511]
    assert names["again"].n_detections == 0
    assert out.startswith("changed, now about 0.")
    assert names["adwin"].width > 5000


def test_the_example_of_a_comparison_finds_the_shift() -> None:
    names, out = ran(BLOCKS[1])
    assert names["verdict"].alarm
    assert out.startswith("True ")


def test_every_registered_detector_stands_in_the_readme() -> None:
    for kind in (*SEQUENTIAL, *COMPARISONS):
        assert f"`{kind.__name__}`" in TEXT
