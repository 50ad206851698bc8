"""When certificates of ingresses and of the mesh expire.

Only this needs the right to list secrets, so it has an account of its own. Of a secret, its name and the certificates
are decoded, no other key; of those, only the expiry is kept.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from prometheus_client.core import GaugeMetricFamily

from brain_common.clients.kubernetes.client import KubeApi, ListMeta
from brain_exporters.kube_events.config import CertificateSettings

SOURCE: Final = "certificates"
_SELECTORS: Final = ("type=kubernetes.io/tls", "type=istio.io/ca-root", "metadata.name=cacerts")
"""Ingresses, cert-manager and Linkerd; the CA that Istio makes; the one that it is given."""


class _Meta(msgspec.Struct):
    name: str = ""
    namespace: str = ""


class _Data(msgspec.Struct):
    leaf: str = msgspec.field(default="", name="tls.crt")
    authority: str = msgspec.field(default="", name="ca-cert.pem")


class _Secret(msgspec.Struct):
    metadata: _Meta
    data: _Data = msgspec.field(default_factory=_Data)


class _SecretList(msgspec.Struct):
    metadata: ListMeta
    items: list[_Secret]


_SECRETS: Final = msgspec.json.Decoder(_SecretList)


class Certificates:
    """Looks when told to; holds what it found last.

    Args:
        api: The API server, as an account that may list secrets.
        settings: Where to look.
        max_series: Secrets shown.
    """

    def __init__(self, api: KubeApi, settings: CertificateSettings, max_series: int) -> None:
        self._api = api
        self._settings = settings
        self._max_series = max_series
        self._expiry: Mapping[tuple[str, str], float] = {}

    def look(self) -> None:
        """Read all certificates; blocking.

        Raises:
            BrainError: They cannot be read; what was found last is kept.
        """
        namespaces = [f"/namespaces/{name}" for name in self._settings.namespaces] or [""]
        found: dict[tuple[str, str], float] = {}
        for namespace in namespaces:
            for selector in _SELECTORS:
                for page in self._api.pages(f"/api/v1{namespace}/secrets", _SECRETS, {"fieldSelector": selector}):
                    for secret in page.items:
                        ends = list(_ends(secret.data))
                        if ends and len(found) < self._max_series:
                            found[secret.metadata.namespace, secret.metadata.name] = min(ends)
        self._expiry = found

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The family, fresh."""
        family = GaugeMetricFamily(
            "kube_secret_certificate_not_after_timestamp_seconds",
            "When the first certificate of a secret's chain expires, seconds since the epoch.",
            labels=["namespace", "secret"],
        )
        for labels, ends in sorted(self._expiry.items()):
            family.add_metric(labels, ends)
        yield family

    def forget(self) -> None:
        """Show nothing: another replica does."""
        self._expiry = {}


def _ends(data: _Data) -> Iterator[float]:
    from cryptography import x509

    for text in filter(None, (data.leaf, data.authority)):
        try:
            for certificate in x509.load_pem_x509_certificates(base64.b64decode(text, validate=True)):
                yield certificate.not_valid_after_utc.timestamp()
        except (binascii.Error, ValueError):  # no certificate: not ours to judge
            continue
