"""Posts alerts to one Alertmanager peer, API version 2; for the service's Alertmanager sink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from brain_common.clients.http import HttpSettings, build_client
from brain_common.clients.post import post

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LAST: Final = 253402300799.0  # 9999-12-31T23:59:59Z, the end of RFC 3339
_PATH: Final = "/api/v2/alerts"
_HEADERS: Final = {"Content-Type": "application/json"}


class PostableAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert; its labels are its identity. Times in seconds since the epoch.

    It fires until ``ends_at``; posting it again with a later one goes on, with one in the past resolves it.
    """

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: float
    ends_at: float
    generator_url: str


class AlertmanagerPeer:
    """One peer of a cluster.

    Args:
        settings: Its base URL, with the path prefix if there is one, credentials, TLS, time-out.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings
        self._client = build_client(settings)

    async def post_alerts(self, alerts: Sequence[PostableAlert]) -> None:
        """Idempotent.

        Raises:
            TemporaryError: It cannot be reached, is too slow, or answers 5xx or 429.
            PermanentError: It refuses them.
        """
        body = msgspec.json.encode([_body(alert) for alert in alerts])
        await post(self._client, self._settings, _PATH, body, _HEADERS)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def rfc3339(seconds: float) -> str:
    """UTC with milliseconds; clamped to what the format can say."""
    return (_EPOCH + timedelta(seconds=min(max(seconds, 0.0), _LAST))).isoformat(timespec="milliseconds")


def _body(alert: PostableAlert) -> dict[str, object]:
    return {
        "labels": dict(alert.labels),
        "annotations": dict(alert.annotations),
        "startsAt": rfc3339(alert.starts_at),
        "endsAt": rfc3339(alert.ends_at),
        "generatorURL": alert.generator_url,
    }
