"""The bytes of a process's connections are those that went over them."""

import os
import socket

import pytest

from benchmarks.network import traffic


def test_bytes_are_told_by_the_port_at_the_other_end() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as client,
        server.accept()[0] as other,
    ):
        client.sendall(b"x" * 12_345)
        assert len(other.recv(12_345, socket.MSG_WAITALL)) == 12_345
        other.sendall(b"y" * 77)
        assert len(client.recv(100)) == 77
        told = traffic(os.getpid())
        if told is None:
            pytest.skip("the kernel does not let us look")
        received, sent = told[server.getsockname()[1]]
        assert received == 77
        assert 12_345 <= sent <= 12_346  # the handshake counts as one


def test_a_process_that_is_gone_has_none() -> None:
    assert traffic(2**22 - 1) is None
