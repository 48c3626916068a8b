"""HAProxy before the nodes of a test, set as the guide says."""

from __future__ import annotations

import re
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.heavy import ROOT, require_program

_GUIDE = ROOT / "docs/guide/cluster.md"
# HAProxy's own answers are none of the service's: whoever meets one finds the connection closed.
_SILENT = "".join(f"    errorfile {status} /dev/null\n" for status in (502, 503, 504))


def haproxy_snippet() -> str:
    """The guide's configuration."""
    (found,) = re.findall(r"```haproxy\n(.*?)```", _GUIDE.read_text("utf-8"), re.DOTALL)
    return str(found)


@contextmanager
def serve_haproxy(
    folder: Path, servers: Mapping[str, tuple[str, int]], *, every_ms: int = 2000
) -> Iterator[int]:
    """Balance between servers, until the block ends; the port of the loopback that it is at.

    Args:
        folder: for its configuration.
        servers: name -> host and port.
        every_ms: how often it asks who is ready.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    said = haproxy_snippet().replace("bind :8080", f"bind 127.0.0.1:{port}")
    said = re.sub(r"^    server .*\n", "", said, flags=re.MULTILINE).rstrip() + "\n"
    said = said.replace("defaults\n", f"defaults\n{_SILENT}")
    said = said.replace("inter 2s", f"inter {every_ms}ms")
    for name, (host, its_port) in servers.items():
        said += f"    server {name} {host}:{its_port} check\n"
    config = folder / "haproxy.cfg"
    config.write_text(said)
    process = subprocess.Popen(
        [require_program("haproxy", "haproxy"), "-db", "-f", str(config)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            with suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port)):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()
