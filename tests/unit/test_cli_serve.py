from __future__ import annotations

import os
import socket
from contextlib import closing
from pathlib import Path

import pytest

from overpaint import settings
from overpaint.cli import listening
from overpaint.cli.app import run
from overpaint.errors import InvalidOption


def test_a_socket_that_is_handed_over_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.listening_fd() is None
    monkeypatch.setenv("LISTEN_FDS", "1")
    monkeypatch.setenv("LISTEN_PID", "1")  # meant for another process
    assert settings.listening_fd() is None
    monkeypatch.setenv("LISTEN_PID", str(os.getpid()))
    assert settings.listening_fd() == 3
    monkeypatch.setenv("LISTEN_FDS", "0")
    assert settings.listening_fd() is None
    with socket.create_server(("127.0.0.1", 0)) as held:
        with listening.take(os.dup(held.fileno())) as taken:
            listening.listen(taken)
            assert listening.url_of(taken) == listening.url_of(held)
        socket.create_connection(held.getsockname(), timeout=10).close()  # it is open still


def test_what_is_no_socket_of_tcp_is_refused(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as file:
        number = file.fileno()
        with pytest.raises(InvalidOption) as raised:
            listening.take(number)
        assert str(raised.value).startswith("host: must be a socket where systemd hands one over (")
        assert str(raised.value).endswith(f", got file {number}")
    with socket.socket(socket.AF_UNIX) as unix:
        with pytest.raises(InvalidOption, match="host: must be a TCP socket where systemd"):
            listening.take(unix.fileno())
        unix.getsockname()  # still open


def test_port_0_takes_a_free_one_which_the_url_names() -> None:
    with listening.bind("127.0.0.1", 0) as listener:
        host, port = listener.getsockname()
        assert host == "127.0.0.1"
        assert port > 0
        assert listening.url_of(listener) == f"http://127.0.0.1:{port}"
        assert listening.own_address(listener) == ("127.0.0.1", port)


def test_nobody_can_connect_before_it_listens() -> None:
    with listening.bind("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address, timeout=10)
        listening.listen(listener)
        socket.create_connection(address, timeout=10).close()


def test_a_port_that_is_taken_is_told() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as other:
        port = other.getsockname()[1]
        with pytest.raises(InvalidOption) as raised:
            listening.bind("127.0.0.1", port)
    assert str(raised.value) == (
        "port: is taken on 127.0.0.1 by another program;"
        f" choose another, 0 takes a free one, got {port}"
    )


def test_a_port_that_another_was_quicker_to_take_is_told() -> None:
    with listening.bind("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with listening.bind("127.0.0.1", port) as other:
            listening.listen(other)
            with pytest.raises(InvalidOption, match="port: is taken on 127"):
                listening.listen(listener)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("203.0.113.9", "Cannot assign requested address"),
        ("no-such-host.invalid", ""),
        ("a" * 70 + ".example", ""),
    ],
)
def test_a_host_that_is_not_this_machine_s_is_told(host: str, reason: str) -> None:
    with pytest.raises(InvalidOption) as raised:
        listening.bind(host, 0)
    assert str(raised.value).startswith("host: must be an address of this machine (" + reason)
    assert str(raised.value).endswith(f", got {host}")


@pytest.mark.parametrize(
    ("host", "loopback"), [("127.0.0.1", True), ("127.0.0.2", True), ("0.0.0.0", False)]
)
def test_only_loopback_addresses_are_loopback(host: str, loopback: bool) -> None:
    with listening.bind(host, 0) as listener:
        assert listening.is_loopback(listener) is loopback


def test_localhost_is_taken_as_127_0_0_1() -> None:
    with listening.bind("localhost", 0) as listener:
        assert listener.getsockname()[0] == "127.0.0.1"
        assert listening.is_loopback(listener)


@pytest.mark.skipif(not socket.has_ipv6, reason="this system has no IPv6")
def test_ipv6_addresses_are_written_in_brackets_and_every_address_has_ipv4_too() -> None:
    try:
        listener = listening.bind("::1", 0)
    except InvalidOption:
        pytest.skip("this machine has no IPv6 address")
    with listener:
        assert listening.url_of(listener).startswith("http://[::1]:")
        assert listening.is_loopback(listener)
    with listening.bind("::", 0) as listener:
        listening.listen(listener)
        assert not listening.is_loopback(listener)
        host, port = listening.own_address(listener)
        assert host == "::1"
        socket.create_connection(("127.0.0.1", port), timeout=10).close()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--port", "x"), "error: port: must be a whole number between 0 and 65535 (TCP port)"),
        (("--port", "70000"), "error: port: must be a whole number between 0 and 65535"),
        (("--workers", "-1"), "error: workers: must be a whole number between 0 and 256"),
        (("--host", ""), "error: host: must not be empty (address)\n"),
        (("--config", "wrong.toml"), "error: prot: wrong.toml: must be one of host, port"),
        (
            ("--data-dir", "wrong.toml"),
            "error: data_dir: must be a folder that can be made (File exists), got /",
        ),
    ],
)
def test_a_setting_that_is_wrong_is_refused_before_anything_begins(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("wrong.toml").write_text("prot = 1\n")
    monkeypatch.setattr("overpaint.dispatch.logs.configure", lambda _: None)
    code = run(("serve", "--port", "0", "--data-dir", "data", *arguments))
    out, err = capsys.readouterr()
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)
    assert not Path("data").exists()


def test_no_key_is_made_that_would_not_be_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def another_was_quicker(_: socket.socket) -> None:
        raise InvalidOption("port", "is taken")

    monkeypatch.setattr("overpaint.dispatch.logs.configure", lambda _: None)
    monkeypatch.setattr(listening, "listen", another_was_quicker)
    assert run(("serve", "--port", "0", "--data-dir", str(tmp_path))) == 2
    assert capsys.readouterr().out == ""
    assert run(("keys", "list", "--json", "--data-dir", str(tmp_path))) == 0
    assert capsys.readouterr().out == "[]\n"
