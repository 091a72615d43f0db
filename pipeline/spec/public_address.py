"""Decides whether an IP address is public."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network

_NAT64 = IPv6Network("64:ff9b::/96")
_NOT_PUBLIC = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15", "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's services for virtual machines
        "::/96", "::ffff:0:0/96", "::ffff:0:0:0/96",  # IPv4 in IPv6: no resolver returns them for a public host
        "64:ff9b:1::/48",  # NAT64 with a prefix of one's own
        "100::/64", "fc00::/7", "fec0::/10", "fe80::/10", "ff00::/8", "5f00::/16", "3fff::/20",
    )
)  # fmt: skip
"""Networks that aren't public, some of which Python's tables count as global."""


def is_public(address: str) -> bool:
    """Returns whether an IP address is public. IPv6 addresses that embed IPv4 addresses are as public as these."""
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if ip in _NAT64:
        return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
    if any(ip in network for network in _NOT_PUBLIC if network.version == ip.version):
        return False
    return ip.is_global and not ip.is_multicast and all(map(is_public, map(str, _embedded(ip))))


def _embedded(ip: IPv4Address | IPv6Address) -> Iterator[IPv4Address]:
    """Yields the IPv4 addresses in an IPv6 address to which a translator or tunnel would pass the connection on."""
    if isinstance(ip, IPv4Address):
        return
    if ip.sixtofour is not None:
        yield ip.sixtofour
    if ip.teredo is not None:
        yield from ip.teredo
