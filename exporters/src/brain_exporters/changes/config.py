"""Settings of the changes exporter."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Self

from pydantic import Field, model_validator

from brain_common.clients.http import HttpSettings
from brain_common.entity import EntityKind
from brain_common.serving.config import CallerSettings, WebSettings
from brain_common.settings import Settings
from brain_exporters.changes.model import ChangeKind
from brain_exporters.runtime.config import ExporterSettings

PORT: Final = 9854
CHANGE_SOURCES: Final = ("argocd", "gitlab", "github", "terraform", "generic")
SECURITY_SOURCES: Final = ("falco", "events")
_TERRAFORM_CLOUD: Final = "https://app.terraform.io"  # where HCP Terraform lives


class SourceSettings(Settings):
    """Who may call a path."""

    secret_files: tuple[Path, ...] = Field(
        default=(),
        description="Files with the secrets the sender may use, one a line; read again when they change. "
        "Several, for rotation.",
    )
    allow_unauthenticated: bool = Field(
        default=False, description="Take deliveries from anybody; only where http.host is a loopback address."
    )

    @property
    def has_webhook(self) -> bool:
        """Whether deliveries are taken."""
        return bool(self.secret_files) or self.allow_unauthenticated

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.secret_files and self.allow_unauthenticated:
            raise ValueError("give secret_files or allow_unauthenticated, not both")
        return self


class TokenSourceSettings(SourceSettings):
    """Of senders that show a bearer token or a password."""

    callers: tuple[CallerSettings, ...] = Field(
        default=(), description="More who may call, by user name and bcrypt hash, or by a token that never changes."
    )
    token_header: str | None = Field(
        default=None,
        pattern=r"^[A-Za-z0-9-]{1,64}$",
        description="Header that holds the secret; 'Authorization: Bearer …' when absent.",
    )

    @property
    def has_webhook(self) -> bool:
        """Whether deliveries are taken."""
        return bool(self.secret_files or self.callers) or self.allow_unauthenticated


class PollSettings(HttpSettings):
    """An API that is asked now and then."""

    period_seconds: float = Field(default=60.0, ge=1, le=86400, description="From one question to the next.")
    lookback_hours: float = Field(
        default=24.0, ge=0, le=7 * 24, description="At the first start, take what happened up to this long ago."
    )


class ArgoCdSettings(TokenSourceSettings):
    """Argo CD: notifications, and its API."""

    poll: PollSettings | None = Field(default=None, description="Ask the API; bearer is the token of an account.")


class GitlabPollSettings(PollSettings):
    """GitLab's API."""

    projects: tuple[str, ...] = Field(
        min_length=1, max_length=1000, description="Ids or full paths of the projects to ask for."
    )


class GitlabSettings(SourceSettings):
    """GitLab: webhooks, and its API."""

    poll: GitlabPollSettings | None = Field(
        default=None, description="Ask the API; bearer is an access token with the scope read_api."
    )


class TerraformSettings(SourceSettings):
    """HCP Terraform or Terraform Enterprise: run tasks and notifications."""

    servers: tuple[HttpSettings, ...] = Field(
        default=(HttpSettings.model_validate({"url": _TERRAFORM_CLOUD}),),
        description="The only servers whose run tasks are answered; credentials are not needed, each task has its own.",
    )

    @model_validator(mode="after")
    def _no_credentials(self) -> Self:
        if any(server.bearer or server.basic_auth for server in self.servers):
            raise ValueError("servers: no bearer or basic_auth, a run task brings its own token")
        return self


class EventsSettings(TokenSourceSettings):
    """Security events of any sender."""

    fields: dict[str, str] = Field(
        default={},
        max_length=20,
        description="Where a field stands in the sender's JSON, as a dotted path, such as alert.name; "
        "those not named stand under their own names.",
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        wrong = sorted(set(self.fields) - set(EVENT_FIELDS))
        if wrong:
            raise ValueError(f"fields: {', '.join(wrong)}: none of {', '.join(EVENT_FIELDS)}")
        return self


EVENT_FIELDS: Final = (
    "id",
    "time",
    "rule",
    "severity",
    "message",
    "actor",
    "cluster",
    "namespace",
    "kind",
    "name",
)


class EntityRule(Settings):
    """What changes of some projects are about; ``*`` and ``?`` in the first three, the first rule that fits is taken.

    In the others, ``{project}`` is the last part of the project's path, ``{project_id}`` its number and
    ``{environment}`` the environment; what is absent stays as it is without the rule.
    """

    source: str = Field(default="*", description="argocd, gitlab, github, terraform or generic.")
    project: str = Field(default="*", description="Application, full path of the repository, or workspace.")
    environment: str = Field(default="*", description="Environment; the namespace for argocd.")
    cluster: str | None = Field(default=None, description="Cluster of the entity.")
    namespace: str | None = Field(default=None, description="Namespace of the entity.")
    kind: EntityKind | None = Field(default=None, description="Kind of the entity.")
    name: str | None = Field(default=None, description="Name of the entity.")

    @model_validator(mode="after")
    def _placeholders(self) -> Self:
        for text in filter(None, (self.cluster, self.namespace, self.name)):
            for found in re.findall(r"\{([^}]*)\}", text):
                if found not in ("project", "project_id", "environment"):
                    raise ValueError(f"{{{found}}}: none of {{project}}, {{project_id}}, {{environment}}")
        return self


class AnnotationSettings(HttpSettings):
    """Grafana, and what is shown there."""

    organisation_id: int | None = Field(default=None, ge=1, description="Organisation; the token's own when absent.")
    dashboard_uid: str = Field(default="", max_length=40, description="Dashboard; the whole organisation when empty.")
    kinds: frozenset[ChangeKind] = Field(
        default=frozenset(
            {
                ChangeKind.SYNC,
                ChangeKind.ROLLOUT,
                ChangeKind.DEPLOYMENT,
                ChangeKind.APPLY,
                ChangeKind.RELEASE,
                ChangeKind.CONFIG,
            }
        ),
        description="Kinds of changes that are shown, once they have ended.",
    )
    most_waiting: int = Field(
        default=1000, ge=1, le=100_000, description="Annotations kept while Grafana is away; more are not made."
    )


class ChangesSettings(ExporterSettings):
    """The configuration file of ``brain exporter changes``."""

    http: WebSettings = Field(default=WebSettings(port=PORT), description="Listener of webhooks and metrics.")
    argocd: ArgoCdSettings | None = Field(default=None, description="Argo CD notifications and API.")
    gitlab: GitlabSettings | None = Field(default=None, description="GitLab webhooks and API.")
    github: SourceSettings | None = Field(default=None, description="GitHub webhooks.")
    terraform: TerraformSettings | None = Field(default=None, description="Terraform run tasks and notifications.")
    generic: TokenSourceSettings | None = Field(default=None, description="Changes of any sender, as JSON.")
    falco: TokenSourceSettings | None = Field(default=None, description="Falco's and Falcosidekick's webhook.")
    events: EventsSettings | None = Field(default=None, description="Security events of any sender, as JSON.")
    entities: tuple[EntityRule, ...] = Field(
        default=(), max_length=1000, description="Which entity a change is about, where the built-in rules do not fit."
    )
    grafana: AnnotationSettings | None = Field(default=None, description="Annotate ended changes; not when absent.")
    body_limit_bytes: int = Field(default=4 << 20, ge=1024, le=64 << 20, description="Largest delivery accepted.")
    most_waiting: int = Field(
        default=2000, ge=1, description="Deliveries being made durable at one time; beyond, the answer is 503."
    )
    remember_days: float = Field(
        default=14.0, ge=8, le=400, description="How long a delivery that comes again is recognised."
    )
    remember_changes: int = Field(
        default=200_000, ge=1000, le=5_000_000, description="At most so many are remembered; the oldest are forgotten."
    )

    @model_validator(mode="after")
    def _callable(self) -> Self:
        for name, source in self.sources():
            if not source.has_webhook and getattr(source, "poll", None) is None:
                raise ValueError(f"{name}: give secret_files, or allow_unauthenticated on a loopback address")
            if source.allow_unauthenticated and not _is_loopback(self.http.host):
                raise ValueError(f"{name}.allow_unauthenticated: not while http.host is {self.http.host}, no loopback")
        if not list(self.sources()):
            raise ValueError(f"nothing to listen to: give one of {', '.join((*CHANGE_SOURCES, *SECURITY_SOURCES))}")
        return self

    def sources(self) -> Iterator[tuple[str, SourceSettings]]:
        """Those that are configured, by name."""
        for name in (*CHANGE_SOURCES, *SECURITY_SOURCES):
            source = getattr(self, name)
            if source is not None:
                yield name, source


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
