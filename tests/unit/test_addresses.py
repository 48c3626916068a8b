"""Which addresses count as public."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from overpaint.server.addresses import is_own, is_public, neighbourhood

CLOSED = """
0.0.0.0 0.0.0.1 0.255.255.255 10.0.0.0 10.0.0.1 10.255.255.255
100.64.0.0 100.100.100.200 100.127.255.255
127.0.0.1 127.0.0.53 127.1.2.3 127.255.255.255
169.254.0.1 169.254.169.254 169.254.170.2 169.254.255.255
172.16.0.0 172.17.0.1 172.31.255.255 192.0.0.0 192.0.0.8 192.0.0.9 192.0.0.192 192.0.0.255
192.0.2.1 192.88.99.1 192.168.0.0 192.168.1.1 192.168.255.255
198.18.0.1 198.19.255.255 198.51.100.7 203.0.113.9
224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.254 255.255.255.255 168.63.129.16
:: ::1 ::2 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:8.8.8.8
::ffff:169.254.169.254 ::ffff:0:127.0.0.1 ::ffff:0:8.8.8.8
64:ff9b::7f00:1 64:ff9b::10.0.0.1 64:ff9b::169.254.169.254 64:ff9b::100.100.100.200
64:ff9b:1::1 64:ff9b:1::8.8.8.8 64:ff9b:1:ffff::10.0.0.1 64:ff9b:0:1::8.8.8.8
100::1 100:0:0:1::1 1::1 1fff:ffff::1 4000::1 5f00::1 8000::1 e000::1
2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:1ff::1
2001:db8::1 2001:db8:ffff::1 2002:7f00:1::1 2002:a00:1::1 2002:808:808::1 3fff::1 3fff:fff::1
2400:cb00::5efe:10.0.0.1 2400:cb00::5efe:8.8.8.8 2400:cb00::200:5efe:127.0.0.1
fc00::1 fd00::1 fd00:ec2::254 fd20:ce::254 fdff::1
fe80::1 fe80::5efe:10.0.0.1 fe80::1%eth0 2400:cb00::1%1 fec0::1 feff::1
ff00::1 ff02::1 ff0e::1
"""

PUBLIC = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 93.184.216.34 100.63.255.255 100.128.0.0 126.255.255.255
128.0.0.1 168.63.129.15 169.253.255.255 169.255.0.1 172.15.255.255 172.32.0.0 191.255.255.255
192.0.1.1 192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 223.255.255.255
2001:200::1 2001:4860:4860::8888 2400:cb00::1 2606:4700:4700::1111 2a00:1450:4001:81b::200e
2400:cb00::5eff:8.8.8.8 3ffe:ffff::1 64:ff9b::8.8.8.8 64:ff9b::93.184.216.34
"""


@pytest.mark.parametrize("text", CLOSED.split())
def test_special_addresses_are_not_public(text: str) -> None:
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_addresses_of_the_internet_are_public(text: str) -> None:
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_no_ipv4_address_becomes_public_inside_another_one(inner: IPv4Address) -> None:
    number = int(inner)
    assert is_public(IPv6Address((0x64FF9B << 96) | number)) == is_public(inner)
    assert not is_public(IPv6Address(number))  # compatible
    assert not is_public(IPv6Address((0xFFFF << 32) | number))  # mapped
    assert not is_public(IPv6Address((0xFFFF << 48) | number))  # translated
    assert not is_public(IPv6Address((0x2002 << 112) | (number << 80) | 1))  # 6to4
    teredo = (0x20010000 << 96) | (0x5DB8D822 << 64) | (number ^ 0xFFFFFFFF)
    assert not is_public(IPv6Address(teredo))


@given(st.ip_addresses())
def test_nothing_is_public_that_python_calls_special(address: IPv4Address | IPv6Address) -> None:
    if is_public(address):
        assert not (address.is_private and address not in IPv6Network("64:ff9b::/96"))
        special = ("loopback", "link_local", "multicast", "unspecified")
        assert not any(getattr(address, f"is_{kind}") for kind in special)


def test_the_machine_knows_its_own_addresses() -> None:
    assert is_own(ip_address("127.0.0.1"))
    assert not is_own(ip_address("192.0.2.1"))
    if socket.has_ipv6:
        assert not is_own(ip_address("2001:db8::1"))


def test_ipv6_addresses_are_counted_by_their_network() -> None:
    assert neighbourhood(ip_address("8.8.8.8")) == "8.8.8.8"
    assert neighbourhood(ip_address("2400::1")) == neighbourhood(ip_address("2400::ffff:2"))
    assert neighbourhood(ip_address("2400::1")) != neighbourhood(ip_address("2400:0:0:1::1"))
