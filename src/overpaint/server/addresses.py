"""Which network addresses the server may connect to for a stranger: public ones, and no others.

`ipaddress.is_global` alone is not enough: its tables differ between versions of Python, it knows
nothing of addresses that carry another one inside, and clouds answer with their machines' secrets
at addresses of their own choice.
"""

from __future__ import annotations

import socket
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import TypeAlias

Address: TypeAlias = IPv4Address | IPv6Address

# Special-purpose IPv4 (RFC 6890 and the IANA registry), and what clouds put elsewhere.
_CLOSED_V4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host, this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' own (RFC 6598); Alibaba's metadata at 100.100.100.200
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local; the metadata of most clouds at 169.254.169.254
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments; Oracle's metadata at 192.0.0.192
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
        "168.63.129.16/32",  # Azure's WireServer
    )
)

# Everything outside is loopback, link-local, site-local, unique local (AWS's metadata at
# fd00:ec2::254), multicast, mapped or reserved.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

_CLOSED_V6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments; Teredo at 2001::/32
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4: carries an IPv4 address
        "3fff::/20",  # documentation
    )
)

_NAT64 = IPv6Network("64:ff9b::/96")  # RFC 6052: the last 32 bits are an IPv4 address
_ISATAP = (0x00005EFE, 0x02005EFE)  # RFC 5214: bits 64 to 95 before an IPv4 address


def is_public(address: Address) -> bool:
    """Whether an address is one that anybody on the internet reaches, and nothing special.

    NAT64 (64:ff9b::/96) counts as the IPv4 address that it carries: it is how networks without
    IPv4 reach the rest. Other addresses that carry one (mapped, 6to4, Teredo, ISATAP) are closed.
    """
    if not address.is_global and address not in _NAT64:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address in _NAT64:
        return is_public(IPv4Address(int(address) & 0xFFFFFFFF))
    return (
        address.scope_id is None
        and address in _GLOBAL_UNICAST
        and not any(address in network for network in _CLOSED_V6)
        and (int(address) >> 32) & 0xFFFFFFFF not in _ISATAP
    )


def is_own(address: Address) -> bool:
    """Whether an address is this machine's: what is closed to others may be open to itself.

    Nothing is sent: a connected UDP socket only asks the system which way it would send.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((str(address), 9))
            return ip_address(str(probe.getsockname()[0])) == address
    except (OSError, ValueError):  # no way there at all
        return False


def neighbourhood(address: Address) -> str:
    """Whom to count an address with: itself, or its /64, as one machine has all of that."""
    return str(address if address.version == 4 else ip_network((address, 64), strict=False))
