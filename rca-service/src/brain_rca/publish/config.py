"""Settings of publishing, and the sinks made of them.

Called by the command line, which composes the service. Nothing here is reached over the network; what can be
checked without it (templates, TLS files, names) is checked here, so that a wrong setting stops the start.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from typing import Annotated, Final, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, field_validator, model_validator

from brain_common.clients.alertmanager import AlertmanagerPeer
from brain_common.clients.grafana import GrafanaAnnotations
from brain_common.clients.http import BasicAuth, BearerAuth, Headers, HttpSettings, TlsSettings, check_url
from brain_common.clock import Clock
from brain_common.errors import ConfigError
from brain_common.settings import Settings
from brain_rca.analysis.showing import LinkOf, no_link
from brain_rca.evidence.protocol import Window
from brain_rca.publish.alertmanager import AlertmanagerSink
from brain_rca.publish.explore import explore_link
from brain_rca.publish.grafana import GrafanaSink
from brain_rca.publish.sink import Sink
from brain_rca.publish.webhook import WebhookSink
from brain_rca.publish.webhook_template import BUILT_IN, BodyTemplate

_MEDIA_TYPE: Final = re.compile(r"[\w.+-]+/[\w.+-]+(; ?[\w-]+=[\w.-]+)*", re.ASCII)

LONGEST_REQUEST: Final = 25.0  # seconds: the worker cuts a publication off after 30


def _quick(http: HttpSettings) -> HttpSettings:
    if http.timeout_seconds > LONGEST_REQUEST:
        raise ValueError(f"timeout_seconds: at most {LONGEST_REQUEST:g}, since a publication is cut off after 30")
    return http


SinkHttp = Annotated[HttpSettings, AfterValidator(_quick)]


class GrafanaSinkConfig(Settings):
    """Region annotations in one Grafana."""

    http: SinkHttp = Field(
        description="Where Grafana is; as credential, a service account token with the permissions annotations:read, "
        "annotations:create, annotations:write and annotations:delete (the role Editor has them)."
    )
    organisation_id: int | None = Field(
        default=None, ge=1, description="Grafana organisation; the credential's own when absent."
    )
    explore_datasource: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_-]{0,40}$",
        description="Uid of Grafana's data source for the metrics: findings then link to their query in Explore; "
        "empty, they link to their place on the incident's page.",
    )
    refresh_seconds: float = Field(
        default=60.0,
        ge=60,
        le=3600,
        description="Seconds between updates of an open incident's annotation when nothing changes; what changes is "
        "written after a minute at the latest.",
    )


class AlertmanagerSinkConfig(Settings):
    """The alert BrainRootCause in one Alertmanager cluster."""

    peers: tuple[SinkHttp, ...] = Field(
        min_length=1,
        max_length=16,
        description="Every peer of the cluster, not a load balancer in front of them.",
    )

    @field_validator("peers")
    @classmethod
    def _distinct(cls, peers: tuple[HttpSettings, ...]) -> tuple[HttpSettings, ...]:
        if len({peer.url for peer in peers}) < len(peers):
            raise ValueError("the same url twice")
        return peers


class WebhookSinkConfig(Settings):
    """An HTTP POST to any address."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$",
        description="Names the sink in metrics and on the page: webhook:<name>.",
    )
    url: SecretStr = Field(description="Where to; a secret, since the path of chat webhooks is one. Use ${file:…}.")
    body: str = Field(
        default="json",
        max_length=65536,
        description="json (everything, for programs), chat (Slack and alike), or a Jinja2 template with the variables "
        "incident and summary; put values into JSON with | tojson.",
    )
    content_type: str = Field(default="application/json", description="Content-Type of the body.")
    headers: Headers = Field(default={}, description="Sent along.")
    tls: TlsSettings = Field(default=TlsSettings.model_construct(), description="TLS towards the receiver.")
    basic_auth: BasicAuth | None = Field(default=None, description="User name and password.")
    bearer: BearerAuth | None = Field(default=None, description="Bearer token.")
    timeout_seconds: float = Field(default=10.0, gt=0, le=LONGEST_REQUEST, description="Seconds for one request.")

    @field_validator("url")
    @classmethod
    def _web_address(cls, url: SecretStr) -> SecretStr:
        check_url(url.get_secret_value())
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ValueError("expected http://host[:port]/path or https://…")
        if "@" in parts.netloc:
            raise ValueError("no credentials in the URL: use basic_auth or bearer")
        return url

    @field_validator("content_type")
    @classmethod
    def _media_type(cls, value: str) -> str:
        if not _MEDIA_TYPE.fullmatch(value):
            raise ValueError("expected type/subtype, e.g. application/json")
        return value

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.basic_auth and self.bearer:
            raise ValueError("give basic_auth or bearer, not both")
        return self

    @property
    def http(self) -> HttpSettings:
        """How to connect; the URL is only the origin, since it appears in messages."""
        parts = urlsplit(self.url.get_secret_value())
        return HttpSettings(
            url=f"{parts.scheme}://{parts.netloc}",
            headers=self.headers,
            tls=self.tls,
            basic_auth=self.basic_auth,
            bearer=self.bearer,
            timeout_seconds=self.timeout_seconds,
        )


class PublishConfig(Settings):
    """Where incidents are published; nowhere but on the page and by gRPC when all is absent."""

    grafana: GrafanaSinkConfig | None = Field(default=None, description="Annotations.")
    alertmanager: AlertmanagerSinkConfig | None = Field(default=None, description="The alert BrainRootCause.")
    webhooks: tuple[WebhookSinkConfig, ...] = Field(default=(), max_length=16, description="Any number of receivers.")

    @model_validator(mode="after")
    def _distinct_names(self) -> Self:
        if len({webhook.name for webhook in self.webhooks}) < len(self.webhooks):
            raise ValueError("webhooks: the same name twice")
        return self


def build_sinks(config: PublishConfig, external_url: str, clock: Clock, cluster: str = "") -> list[Sink]:
    """The configured sinks, ready to use; whoever asks for them closes them.

    Args:
        config: Which.
        external_url: Where people reach this service; the base of links.
        clock: What "now" is.
        cluster: Name of the cluster for alerts that have no such label.

    Raises:
        ConfigError: A template does not work, or a TLS file cannot be read; names the user's key.
    """
    sinks: list[Sink] = []
    if config.grafana is not None:
        with _naming("publish.grafana.http"):
            sinks.append(_grafana(config.grafana, external_url, clock))
    if config.alertmanager is not None:
        peers = [_peer(peer, number) for number, peer in enumerate(config.alertmanager.peers)]
        sinks.append(AlertmanagerSink(peers, external_url, clock, cluster))
    sinks.extend(_webhook(webhook, number, external_url) for number, webhook in enumerate(config.webhooks))
    return sinks


def build_links(config: PublishConfig) -> LinkOf:
    """From a query and a window to the address in Grafana that shows it; empty addresses where none is configured."""
    grafana = config.grafana
    if grafana is None or not grafana.explore_datasource:
        return no_link

    def link_of(query: str, window: Window) -> str:
        url = str(grafana.http.url)
        return explore_link(url, grafana.explore_datasource, grafana.organisation_id, query, window)

    return link_of


@contextlib.contextmanager
def _naming(key: str) -> Iterator[None]:
    """Puts the user's key before what is wrong with it."""
    try:
        yield
    except ConfigError as error:
        raise ConfigError(f"{key}: {error}") from error


def _peer(settings: HttpSettings, number: int) -> AlertmanagerPeer:
    with _naming(f"publish.alertmanager.peers.{number}"):
        return AlertmanagerPeer(settings)


def _grafana(config: GrafanaSinkConfig, external_url: str, clock: Clock) -> Sink:
    annotations = GrafanaAnnotations(config.http, config.organisation_id)
    return GrafanaSink(
        annotations,
        external_url,
        clock,
        refresh_seconds=config.refresh_seconds,
    )


def _webhook(config: WebhookSinkConfig, number: int, external_url: str) -> Sink:
    key = f"publish.webhooks.{number}"
    template = BodyTemplate(BUILT_IN.get(config.body, config.body), f"{key}.body", config.content_type)
    url = config.url.get_secret_value()
    with _naming(key):
        return WebhookSink(config.name, url, template, config.content_type, config.http, external_url)
