"""What can be known of the wire's settings without listening or connecting; for ``--check-config``."""

from __future__ import annotations

from brain_common.serving.tls import check_tls
from brain_otel.client_tls import client_context
from brain_otel.config import OtelSettings
from brain_otel.wire.next_hop_grpc import channel_credentials


def check_wire(settings: OtelSettings) -> None:
    """Read the TLS files as listeners and next hop would.

    Raises:
        ConfigError: One cannot be used.
    """
    for name in ("grpc", "http"):
        listener = getattr(settings.otlp, name)
        if listener and listener.tls:
            check_tls(listener.tls, f"otlp.{name}.tls")
    if settings.next_hop.encrypted:
        channel_credentials(settings.next_hop.tls)
        client_context(settings.next_hop.tls, "next_hop.tls")
