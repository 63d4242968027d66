"""CapyMOA, which is MOA behind a bridge to Python, with river's parameters: from Python, and all inside Java.

Its ADWIN keeps the newer part of the window after a drift, where river begins anew; its Page-Hinkley watches for rises
only, as its CUSUM does. Its EWMA chart is the one for error rates, called ECDD here.
"""

import subprocess
import tempfile
from pathlib import Path

import jpype
import numpy as np
from capymoa.drift import detectors
from capymoa.drift.base_detector import MOADriftDetector
from numpy.typing import NDArray

PACKAGES = ("capymoa", "numpy", "jpype1")
VALUES_MAX = 200_000

DETECTORS = {
    "ADWIN": detectors.ADWIN,
    "PageHinkley": detectors.PageHinkley,
    "CUSUM": detectors.CUSUM,
    "DDM": detectors.DDM,
    "EDDM": detectors.EDDM,
    "HDDMA": lambda: detectors.HDDMAverage(test_type="One-sided"),
    "HDDMW": lambda: detectors.HDDMWeighted(test_type="One-sided"),
    "ECDD": detectors.EWMAChart,
}


def feed(detector: MOADriftDetector, values: list[float]) -> list[int]:
    """Add each element, and ask each time."""
    found = []
    for at, x in enumerate(values):
        detector.add_element(x)
        if detector.detected_change():
            found.append(at)
    return found


def to_java(values: NDArray[np.float64]) -> object:
    """Copy an array over the bridge."""
    return jpype.JArray(jpype.JDouble)(values)


def feed_in_java(detector: MOADriftDetector, values: object) -> list[int]:
    """Give MOA's own detector a whole array, in one call over the bridge."""
    return list(jpype.JClass("Feed").all(detector.moa_detector, values))


def _compile() -> None:
    """Compile `Feed.java` against CapyMOA's own copy of MOA."""
    classes = tempfile.mkdtemp(prefix="driftbus-benchmark-")
    jar = Path(detectors.__file__).parents[2] / "jar" / "moa.jar"
    source = Path(__file__).with_name("Feed.java")
    subprocess.run(["javac", "-cp", str(jar), "-d", classes, str(source)], check=True)  # noqa: S607 - the one on PATH
    jpype.addClassPath(classes)


_compile()
WAYS = {"update": (np.ndarray.tolist, feed), "inside Java": (to_java, feed_in_java)}
