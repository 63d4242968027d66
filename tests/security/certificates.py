"""Certificates for tests, made by openssl: an authority, and servers that it vouches for."""

import shutil
import subprocess
from pathlib import Path

__all__ = ["Authority", "openssl_missing"]


def openssl_missing() -> str:
    """Say why there can be no certificates; empty when there can."""
    return "" if shutil.which("openssl") else "no openssl"


class Authority:
    """Signs certificates; `certificate` is what its clients trust. Everything is valid for a day."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder / name
        self._folder.mkdir()
        self.certificate = self._folder / "ca.crt"
        self._key = self._folder / "ca.key"
        _openssl(
            "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", f"/CN={name}",
            "-keyout", self._key, "-out", self.certificate,
        )  # fmt: skip

    def issue(self, name: str, subject: str) -> tuple[Path, Path]:
        """Make the key and the certificate of a server that is called `subject` (such as `IP:127.0.0.1`)."""
        key, request, made, names = (
            self._folder / f"{name}{end}" for end in (".key", ".csr", ".crt", ".ext")
        )
        names.write_text(f"subjectAltName={subject}\n")
        _openssl(
            "req",
            "-new",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            f"/CN={name}",
            "-keyout",
            key,
            "-out",
            request,
        )
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self._key, "-CAcreateserial",
            "-days", "1", "-extfile", names, "-out", made,
        )  # fmt: skip
        return key, made


def _openssl(*arguments: str | Path) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
