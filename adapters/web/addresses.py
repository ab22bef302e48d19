"""Addresses that belong to the public internet, and to nothing closer or stranger."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

_SPECIAL = tuple(
    ip_network(block)
    for block in (
        "0.0.0.0/8",  # this network
        "100.64.0.0/10",  # shared by the customers of a carrier
        "192.0.0.0/24",  # protocol assignments
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "2001::/23",  # protocol assignments: Teredo, benchmarks, ORCHID
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4, which holds an address of version 4
        "3fff::/20",  # documentation
    )
)
"""Blocks of the IANA special-purpose registries that ``is_global`` of some Python releases lets
pass, or that lead to an address inside of the one that is looked at."""

_GLOBAL_UNICAST = ip_network("2000::/3")
"""All public addresses of version 6. Outside of it lie loopback, link-local and unique local
addresses, those mapped from version 4 and those of NAT64 (64:ff9b::/96, 64:ff9b:1::/48)."""


def is_public(text: str) -> bool:
    """Return whether ``text`` is the address of a host that anybody could reach as well."""
    try:
        address: IPv4Address | IPv6Address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST:
        return False
    return address.is_global and not any(address in block for block in _SPECIAL)
