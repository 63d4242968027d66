"""What a process has sent and received over TCP, as Linux counts it for each of its connections."""

import ctypes
import os
import socket
import struct
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

__all__ = ["Bytes", "traffic"]

_PIDFD_GETFD = 438
_TCP_INFO_BYTES = 232
_ACKED_RECEIVED = struct.Struct("=QQ")
_AT = 120
"""Where struct tcp_info has tcpi_bytes_acked, and tcpi_bytes_received behind it."""
_LIBC = ctypes.CDLL(None, use_errno=True)


class Bytes(NamedTuple):
    """Bytes received and sent over connections that are open."""

    received: int
    sent: int


def traffic(pid: int) -> dict[int, Bytes] | None:
    """Tell the bytes of a process's open TCP connections, by the port at the other end.

    None where the kernel does not let us look: before Linux 5.6, or without the right to trace the process.
    """
    try:
        process = os.pidfd_open(pid)
    except OSError:
        return None
    told: dict[int, Bytes] = {}
    try:
        for number in _sockets(pid):
            fd = _LIBC.syscall(_PIDFD_GETFD, process, number, 0)
            if fd < 0 and ctypes.get_errno() in (1, 38):  # EPERM, ENOSYS
                return None
            if fd >= 0:
                with suppress(OSError), closing(socket.socket(fileno=fd)) as one:
                    _add(told, one)
    finally:
        os.close(process)
    return told


def _sockets(pid: int) -> list[int]:
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):  # closed meanwhile
            if str(link.readlink()).startswith("socket:"):
                found.append(int(link.name))
    return found


def _add(told: dict[int, Bytes], one: socket.socket) -> None:
    if one.family not in (socket.AF_INET, socket.AF_INET6) or one.type != socket.SOCK_STREAM:
        return
    port = one.getpeername()[1]  # OSError when it only listens
    info = one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO_BYTES)
    acked, received = _ACKED_RECEIVED.unpack_from(info, _AT)
    before = told.get(port, Bytes(0, 0))
    told[port] = Bytes(before.received + received, before.sent + acked)
