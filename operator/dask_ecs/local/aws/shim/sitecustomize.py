"""Gives a Python process the network identity of its task: one loopback address that is all its own.

Python imports `sitecustomize` at start when it is on PYTHONPATH. A server that binds every interface binds the
task's address only, and is found there by what connects to localhost; an outgoing connection comes from that
address; a datagram socket that is connected somewhere to learn its own address (as `distributed.utils.get_ip` does)
learns that one.
"""

import errno
import os
import socket
from typing import Any

_ADDRESS = os.environ.get("LOCALAWS_IP", "")
_WILDCARDS = ("", "0.0.0.0")
_IP_BIND_ADDRESS_NO_PORT = 24  # linux/in.h; not in the socket module before Python 3.12

_bind = socket.socket.bind
_connect = socket.socket.connect
_connect_ex = socket.socket.connect_ex


def _bind_to_task(sock: socket.socket, address: Any, /) -> None:
    if sock.family == socket.AF_INET and address[0] in _WILDCARDS:
        address = (_ADDRESS, *address[1:])
    _bind(sock, address)


def _take_source_address(sock: socket.socket) -> None:
    if sock.family == socket.AF_INET and sock.getsockname()[1] == 0:
        sock.setsockopt(socket.IPPROTO_IP, _IP_BIND_ADDRESS_NO_PORT, 1)
        _bind(sock, (_ADDRESS, 0))


def _only_asks_for_its_address(sock: socket.socket, address: Any) -> bool:
    return sock.family == socket.AF_INET and sock.type == socket.SOCK_DGRAM and not str(address[0]).startswith("127.")


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            _bind(probe, (_ADDRESS, port))
        except OSError as error:
            return error.errno == errno.EADDRINUSE
    return False


def _where(sock: socket.socket, address: Any) -> Any:
    """Return where to connect: localhost is the task itself if it listens there, else this machine's loopback."""
    if sock.family == socket.AF_INET and address[0] in ("localhost", "127.0.0.1") and _listens(address[1]):
        return (_ADDRESS, *address[1:])
    return address


def _connect_from_task(sock: socket.socket, address: Any, /) -> None:
    _take_source_address(sock)
    if not _only_asks_for_its_address(sock, address):
        _connect(sock, _where(sock, address))


def _connect_ex_from_task(sock: socket.socket, address: Any, /) -> int:
    _take_source_address(sock)
    return _connect_ex(sock, _where(sock, address))


if _ADDRESS:
    # Tasks differ by IPv4 address only: on the IPv6 wildcard their ports would meet.
    socket.has_ipv6 = False
    socket.socket.bind = _bind_to_task  # type: ignore[method-assign, assignment]
    socket.socket.connect = _connect_from_task  # type: ignore[method-assign, assignment]
    socket.socket.connect_ex = _connect_ex_from_task  # type: ignore[method-assign, assignment]
