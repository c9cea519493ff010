"""Whether the gateway may be reached from where it is about to listen."""

from __future__ import annotations

import ipaddress

from multiroute_core.api.errors import ConfigError


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_exposure(host: str, *, has_keys: bool, environment: str) -> None:
    """Without keys everyone is let in, so only this machine may, and only in development.

    Raises:
        ConfigError: it would be open to others.
    """
    if has_keys:
        return
    if environment != "dev":
        raise ConfigError(
            f"[keys] is empty and the environment is {environment!r}: make a key with "
            "'multiroute keys new NAME' and put the line it prints into the project file"
        )
    if not is_loopback(host):
        raise ConfigError(
            f"[keys] is empty, so the gateway cannot listen on {host!r}, where others reach it: "
            "listen on 127.0.0.1, or make a key with 'multiroute keys new NAME'"
        )
