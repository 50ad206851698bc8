"""Options that say where the service's gRPC API is and who calls, checked before anything is sent."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

from brain_common.errors import ConfigError

if TYPE_CHECKING:
    from brain_common.clients.rca import RcaServer

_PORT = re.compile(r":(\d+)$")
_LARGEST_PORT = 65535


def check_options(server: RcaServer, address: str) -> None:
    """Refuse what does not fit together, and credentials in plain text over a network.

    So is an address without a port, which gRPC would take for 443, and one with a port that is too large, of which gRPC
    would take the lower 16 bits.

    Args:
        server: What the options say.
        address: The option that names the service.

    Raises:
        ConfigError: The message names the options.
    """
    if not server.address.startswith("unix:"):
        _check_port(server.address, address)
    if server.token_file is not None and server.username is not None:
        raise ConfigError("--token-file, --username: give one of them")
    if (server.username is None) != (server.password_file is None):
        raise ConfigError("--username, --password-file: give both")
    if (server.cert_file is None) != (server.key_file is None):
        raise ConfigError("--cert-file, --key-file: give both")
    credentials = server.token_file is not None or server.username is not None
    if credentials and not server.tls and not _is_loopback(server.address):
        raise ConfigError(f"{address} {server.address}: credentials would travel in plain text; use TLS (--ca-file)")


def _check_port(server: str, option: str) -> None:
    port = _PORT.search(server)
    if port is None:
        raise ConfigError(f"{option} {server}: no port; give HOST:PORT, such as {server}:50051")
    if not 1 <= int(port[1]) <= _LARGEST_PORT:
        raise ConfigError(f"{option} {server}: port must be 1 to {_LARGEST_PORT}")


def _is_loopback(address: str) -> bool:
    host = address.rpartition(":")[0].strip("[]")
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
