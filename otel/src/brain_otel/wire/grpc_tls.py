"""TLS of the gRPC listener; renewed certificates are shown to new connections, those that are open go on."""

from __future__ import annotations

from typing import Any

import grpc

from brain_common.serving.config import TlsSettings
from brain_common.serving.tls import LiveTls


def listener_credentials(tls: TlsSettings, key: str) -> Any:  # noqa: ANN401 - grpc has no types
    """Credentials that follow their files.

    Args:
        tls: The files.
        key: Theirs in the configuration, for messages.

    Raises:
        ConfigError: They cannot be used.
    """
    live = LiveTls(tls, key)

    def changed() -> Any:  # noqa: ANN401 - asked by gRPC before each handshake; None: nothing changed
        return _configuration(tls) if live.changed() else None

    return grpc.dynamic_ssl_server_credentials(
        _configuration(tls), changed, require_client_authentication=tls.client_ca_file is not None
    )


def _configuration(tls: TlsSettings) -> Any:  # noqa: ANN401 - grpc has no types
    pair = (tls.key_file.read_bytes(), tls.cert_file.read_bytes())
    authority = tls.client_ca_file.read_bytes() if tls.client_ca_file else None
    return grpc.ssl_server_certificate_configuration([pair], authority)
