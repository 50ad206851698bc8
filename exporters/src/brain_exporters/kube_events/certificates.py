"""Expiry of the certificates in TLS secrets; nothing else of a secret is kept."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import msgspec
from cryptography import x509
from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily

from brain_exporters.kube_events.client import KubeClient, decode
from brain_exporters.kube_events.objects import TlsSecret

_TYPES = ("kubernetes.io/tls", "istio.io/key-and-cert")
_CERTIFICATES = ("tls.crt", "cert-chain.pem")


class _List(msgspec.Struct, frozen=True):
    items: list[TlsSecret] | None = None


async def read(client: KubeClient, namespaces: Sequence[str]) -> Metric:
    """The family, fresh.

    Raises:
        BrainError: The secrets cannot be listed.
    """
    family = GaugeMetricFamily(
        "kube_secret_certificate_not_after_timestamp_seconds",
        "When the first certificate of the secret expires, seconds since the epoch.",
        labels=["namespace", "secret"],
    )
    paths = [f"/api/v1/namespaces/{name}/secrets" for name in namespaces] or ["/api/v1/secrets"]
    for path in paths:
        for kind in _TYPES:
            async for page in client.pages(path, selector=f"type={kind}"):
                for secret in decode(page, _List).items or []:
                    expiry = _not_after(secret)
                    if expiry is not None:
                        family.add_metric([secret.metadata.namespace, secret.metadata.name], expiry)
    return family


def _not_after(secret: TlsSecret) -> float | None:
    for name in _CERTIFICATES:
        if name in secret.data:
            try:
                pem = base64.b64decode(msgspec.json.decode(secret.data[name], type=str))
                return x509.load_pem_x509_certificate(pem).not_valid_after_utc.timestamp()
            except ValueError:  # no base64, no certificate: nothing to say of it
                return None
    return None
