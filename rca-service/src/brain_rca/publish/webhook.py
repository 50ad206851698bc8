"""An HTTP POST to any address of the configuration, with a body of the user's making.

A sink (see ``sink``). The body is a Jinja2 template in the sandbox; what it is given are plain values (see
``webhook_template``). A webhook cannot be refreshed or changed afterwards, so it is called only when what
matters to a reader changed: the incident opened or closed, or the causes are others or in another order.
After a lost answer it is called twice; both calls carry the same ``Idempotency-Key``.

``Delivery.external_id`` is ``<number of the last call>-<digest of what it told>``.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import Final

from brain_common.clients.http import HttpSettings, build_client
from brain_common.clients.post import post
from brain_rca.model import Analysis, Delivery, Incident
from brain_rca.publish.webhook_template import BodyTemplate

MIN_INTERVAL: Final = 60.0  # seconds between two calls about one open incident
CAUSES_TOLD: Final = 3  # a change further down the ranking is nothing to call anybody for


class WebhookSink:
    """Calls one address.

    Args:
        name: Its name in the configuration.
        url: Where to; never shown in messages, since the path is often a secret.
        template: Makes the body.
        content_type: Of the body.
        settings: Time-out, TLS, credentials and headers; its URL is only the origin of ``url``.
        external_url: Where people reach this service.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    refresh_seconds: float | None = None
    min_interval_seconds = MIN_INTERVAL

    def __init__(
        self,
        name: str,
        url: str,
        template: BodyTemplate,
        content_type: str,
        settings: HttpSettings,
        external_url: str,
    ) -> None:
        self.name = f"webhook:{name}"
        self._url = url
        self._template = template
        self._content_type = content_type
        self._settings = settings
        self._client = build_client(settings)
        self._external_url = external_url

    async def publish(self, incident: Incident, delivery: Delivery) -> str:
        """See ``sink.Sink.publish``.

        Raises:
            PermanentError: Also when the template fails with this incident.
        """
        if incident.analysis is None:
            return delivery.external_id
        number, _, told = delivery.external_id.partition("-")
        digest = _digest(incident, incident.analysis)
        if digest == told:
            return delivery.external_id
        call = f"{int(number) + 1 if number.isdecimal() else 1}-{digest}"
        # In a thread: an incident of a storm is megabytes of JSON.
        body = await asyncio.to_thread(self._template.render, incident, incident.analysis, self._external_url)
        await post(self._client, self._settings, self._url, body, self._headers(incident, call))
        return call

    async def aclose(self) -> None:
        await self._client.aclose()

    def _headers(self, incident: Incident, call: str) -> Mapping[str, str]:
        return {"Content-Type": self._content_type, "Idempotency-Key": f"{incident.id}-{call}"}


def _digest(incident: Incident, analysis: Analysis) -> str:
    """16 hex digits of the status and the first causes in their order; probabilities move all the time."""
    causes = (f"{cause.entity} {cause.fault_kind}" for cause in analysis.causes[:CAUSES_TOLD])
    told = [incident.id, incident.status.value, *causes]
    return hashlib.sha256("\n".join(told).encode(errors="replace")).hexdigest()[:16]
