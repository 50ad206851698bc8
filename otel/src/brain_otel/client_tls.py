"""TLS towards a server: the next hop, the RCA service."""

from __future__ import annotations

import ssl

from brain_common.errors import ConfigError
from brain_otel.config import ClientTlsSettings


def client_context(tls: ClientTlsSettings, key: str) -> ssl.SSLContext:
    """The files as a client uses them; also a test of them for gRPC, which would only tell by handshakes that fail.

    Args:
        tls: The files.
        key: Theirs in the configuration, such as ``next_hop.tls``; messages begin with it.

    Raises:
        ConfigError: A file cannot be read or used.
    """
    for name in ("ca_file", "cert_file", "key_file"):
        path = getattr(tls, name)
        try:
            if path is not None:
                path.open("rb").close()
        except OSError as error:
            raise ConfigError(f"{key}.{name}: {path} cannot be read: {error.strerror}") from error
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(f"{key}: ca_file, cert_file or key_file cannot be used: {error.strerror or error}") from error
    return context
