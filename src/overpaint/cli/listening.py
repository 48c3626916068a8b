"""The socket that the service listens on, and how that is written."""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys

from overpaint.errors import InvalidOption

_WAITING = 2048  # connections that wait while the API process is started again


def bind(host: str, port: int) -> socket.socket:
    """Take an address of this machine, without listening yet; port 0 takes a free port.

    Raises `InvalidOption` for host or port, whichever is to be changed.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidOption(
            "host", f"must be an address of this machine ({reason})", host
        ) from error
    # IPv4 first: `localhost` is both, and most clients try 127.0.0.1.
    family, kind, protocol, _, address = min(found, key=lambda one: one[0] != socket.AF_INET)
    listener = socket.socket(family, kind, protocol)
    try:
        if sys.platform != "win32":  # there it would let two programs listen on one port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            only = int(address[0] != "::")  # "::" is every address, those of IPv4 too
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, only)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _refused(host, port, error) from error
    return listener


def take(fd: int) -> socket.socket:
    """The socket of this number, on which systemd listens already.

    It stays open when this process ends, and connections wait in it for the next one.

    Raises `InvalidOption` where it is none of TCP.
    """
    try:
        listener = socket.socket(fileno=fd)
    except OSError as error:
        limit = f"must be a socket where systemd hands one over ({error.strerror or error})"
        raise InvalidOption("host", limit, f"file {fd}") from error
    if listener.family not in (socket.AF_INET, socket.AF_INET6) or (
        listener.type != socket.SOCK_STREAM
    ):
        listener.detach()
        raise InvalidOption("host", "must be a TCP socket where systemd hands one over")
    return listener


def listen(listener: socket.socket) -> None:
    """Let connections come. Raises `InvalidOption` where another program was quicker."""
    try:
        listener.listen(_WAITING)
    except OSError as error:
        host, port = listener.getsockname()[:2]
        raise _refused(host, port, error) from error


def is_loopback(listener: socket.socket) -> bool:
    """Whether only programs of this machine reach it."""
    return ipaddress.ip_address(listener.getsockname()[0].partition("%")[0]).is_loopback


def url_of(listener: socket.socket) -> str:
    """ "http://127.0.0.1:8000"."""
    host, port = listener.getsockname()[:2]
    return f"http://{f'[{host}]' if ':' in host else host}:{port}"


def own_address(listener: socket.socket) -> tuple[str, int]:
    """Host and port by which this machine itself reaches it."""
    host, port = listener.getsockname()[:2]
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host), port


def _refused(host: str, port: int, error: OSError) -> InvalidOption:
    if error.errno == errno.EADDRINUSE:
        limit = f"is taken on {host} by another program; choose another, 0 takes a free one"
        return InvalidOption("port", limit, port)
    if error.errno == errno.EACCES:
        return InvalidOption("port", "must be one that you may listen on, 1024 or more", port)
    limit = f"must be an address of this machine ({error.strerror or error})"
    return InvalidOption("host", limit, host)
