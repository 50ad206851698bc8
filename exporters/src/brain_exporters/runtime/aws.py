"""AWS: sessions of one or many accounts, every request counted, errors as ours.

Credentials come the usual way of AWS clients (environment, profile, service account, instance); with ``accounts``, each
is reached by assuming its role. Requests are few and cost money or quota, so each is counted, with its result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily
from pydantic import Field, SecretStr

from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_common.settings import Settings

_PASSING: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "LimitExceededException",
        "TooManyRequestsException",
        "SlowDown",
        "InternalError",
        "InternalFailure",
        "ServiceUnavailable",
        "RequestTimeout",
        "ExpiredToken",
        "ExpiredTokenException",
        "RequestExpired",
    }
)
"""Error codes after which the same request may go well; expired credentials are refreshed by whoever mounts them."""


_ROLE_SECONDS: Final = 2700.0  # an assumed role lasts an hour; also how soon changed credentials are taken up


class AccountSettings(Settings):
    """One account, reached by a role."""

    role_arn: str = Field(description="Role to assume.", pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/.+$")
    external_id: SecretStr | None = Field(default=None, description="External id that the role's trust asks for.")

    @property
    def account_id(self) -> str:
        """The account's number."""
        return self.role_arn.split(":")[4]


class AwsSettings(Settings):
    """How AWS is reached."""

    region: str = Field(default="us-east-1", description="Region of the calls.")
    endpoint_url: str | None = Field(
        default=None, description="Address of all services instead of AWS' own: a VPC endpoint or a trial's server."
    )
    profile: str | None = Field(default=None, description="Profile of the shared configuration file.")
    accounts: tuple[AccountSettings, ...] = Field(
        default=(), description="Accounts to look into, each by a role; empty: the credentials' own."
    )


class AwsClients:
    """Makes clients that count their requests. Thread-safe, as its clients are.

    Args:
        settings: How AWS is reached.
    """

    def __init__(self, settings: AwsSettings) -> None:
        self._settings = settings
        self._guard = threading.Lock()
        self._requests: dict[tuple[str, str, str], int] = {}
        self._made: dict[tuple[str, str, str], tuple[Any, float]] = {}

    def client(self, service: str, account: AccountSettings | None = None, region: str | None = None) -> Any:  # noqa: ANN401 - boto3 has no types
        """A client of a service, in an account or the credentials' own; the same one until its credentials expire.

        Raises:
            TemporaryError: No credentials are there yet, or the role cannot be assumed now.
            PermanentError: The role may not be assumed.
        """
        key = (service, account.role_arn if account else "", region or self._settings.region)
        with self._guard:
            made, until = self._made.get(key, (None, 0.0))
        if made is None or time.monotonic() > until:
            made = self._make(service, account, key[2])
            with self._guard:
                self._made[key] = (made, time.monotonic() + _ROLE_SECONDS)
        return made

    def _make(self, service: str, account: AccountSettings | None, region: str) -> Any:  # noqa: ANN401
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        try:
            session = boto3.Session(profile_name=self._settings.profile)
            credentials = self._assume(session, account) if account else {}
            made = session.client(
                service,
                region_name=region,
                endpoint_url=self._settings.endpoint_url,
                config=Config(connect_timeout=10, read_timeout=60, retries={"mode": "standard", "max_attempts": 3}),
                **credentials,
            )
        except BotoCoreError as error:
            raise translated(error, f"client of {service}") from error
        made.meta.events.register("after-call", self._answered)
        made.meta.events.register("after-call-error", self._failed)
        return made

    def collect(self) -> Iterator[Metric]:
        """The counter, fresh."""
        family = CounterMetricFamily("aws_api_requests", "Requests to AWS.", labels=["service", "operation", "result"])
        with self._guard:
            for labels, count in self._requests.items():
                family.add_metric(labels, count)
        yield family

    def _assume(self, session: Any, account: AccountSettings) -> dict[str, str]:  # noqa: ANN401
        from botocore.exceptions import BotoCoreError, ClientError

        more: dict[str, str] = {"ExternalId": account.external_id.get_secret_value()} if account.external_id else {}
        try:
            sts = session.client("sts", region_name=self._settings.region, endpoint_url=self._settings.endpoint_url)
            given = sts.assume_role(RoleArn=account.role_arn, RoleSessionName="ai-devops-brain", **more)["Credentials"]
        except (BotoCoreError, ClientError) as error:
            raise translated(error, f"role {account.role_arn}") from error
        return {
            "aws_access_key_id": given["AccessKeyId"],
            "aws_secret_access_key": given["SecretAccessKey"],
            "aws_session_token": given["SessionToken"],
        }

    def _answered(self, http_response: Any, parsed: dict[str, Any], model: Any, **_: object) -> None:  # noqa: ANN401
        result = str(parsed.get("Error", {}).get("Code", "error")) if http_response.status_code >= 300 else "ok"
        self._count(model, result)

    def _failed(self, exception: Exception, event_name: str, **more: object) -> None:
        _, service, operation = event_name.split(".", 2)
        with self._guard:
            failed = (service, operation, type(exception).__name__)
            self._requests[failed] = self._requests.get(failed, 0) + 1

    def _count(self, model: Any, result: str) -> None:  # noqa: ANN401
        key = (model.service_model.service_name, model.name, result)
        with self._guard:
            self._requests[key] = self._requests.get(key, 0) + 1


def translated(error: Exception, what: str) -> BrainError:
    """A botocore error as ours; its words name the action that was refused, and no credential."""
    from botocore.exceptions import ClientError

    if not isinstance(error, ClientError):  # no credentials, no connection, no answer in time
        return TemporaryError(f"AWS: {what}: {error}")
    code = str(error.response.get("Error", {}).get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _PASSING or status >= 500 or status == 429:
        return TemporaryError(f"AWS: {what}: {error}")
    return PermanentError(f"AWS: {what}: {error}")


def account_list(settings: AwsSettings) -> Sequence[AccountSettings | None]:
    """The accounts to look into; None is the credentials' own."""
    return settings.accounts or (None,)
