"""Tests stay on this machine."""

import socket

import pytest


@pytest.mark.parametrize("host", ["192.0.2.1", "::ffff:192.0.2.1"])
def test_a_connection_beyond_this_machine_is_an_error(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as outward, pytest.raises(BaseException, match="mark the test"):
        outward.connect((host, 80))


def test_looking_up_a_name_is_an_error() -> None:
    with pytest.raises(BaseException, match="mark the test `network`, or serve it here"):
        socket.getaddrinfo("judge.example", 443)


def test_this_machine_may_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
        assert socket.getaddrinfo("localhost", 80)
