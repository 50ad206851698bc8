"""How exporters reach AWS: settings, one session an account, counted requests, and errors in the product's words.

Roles are assumed when the first request is made and again before their credentials expire; a role that cannot be
assumed fails that request only. Retries are botocore's, bounded; each try is a request of its own in
``aws_api_requests_total``, because each is what AWS limits and may charge.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from prometheus_client.core import CounterMetricFamily
from pydantic import Field, SecretStr

from brain_common.clients.http import ServerUrl
from brain_common.errors import BrainError, PermanentError, TemporaryError
from brain_common.settings import Settings

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from botocore.session import Session

_SESSION_NAME: Final = "ai-devops-brain"
_LONGEST_TEXT: Final = 300  # characters of AWS' words that are worth a line
_THROTTLED: Final = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "LimitExceededException",
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "SlowDown",
    }
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"})
_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "NotAuthorized"}
)
# Operations whose IAM action is called otherwise; of the Service Authorization Reference.
_ACTIONS: Final = {
    ("budgets", "DescribeBudgets"): "budgets:ViewBudget",
    ("budgets", "DescribeNotificationsForBudget"): "budgets:ViewBudget",
    ("s3", "ListObjectsV2"): "s3:ListBucket",
    ("s3", "ListObjects"): "s3:ListBucket",
    ("s3", "HeadObject"): "s3:GetObject",
    ("s3", "HeadBucket"): "s3:ListBucket",
}


class AwsAccountSettings(Settings):
    """A role in an account, assumed with the process's own credentials."""

    role_arn: str = Field(
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[\w+=,.@/-]+$", description="ARN of the role to assume."
    )
    external_id: SecretStr | None = Field(default=None, description="ExternalId that the role's trust policy asks for.")
    name: str = Field(default="", max_length=100, description="For messages; the account's number when empty.")

    @property
    def account_id(self) -> str:
        """Twelve digits, of the ARN."""
        return self.role_arn.split(":")[4]


class AwsSettings(Settings):
    """Where AWS is and as whom it is asked."""

    region: str = Field(default="us-east-1", pattern=r"^[a-z0-9-]+$", description="Region of the endpoints.")
    endpoint_url: ServerUrl | None = Field(
        default=None, description="Instead of AWS' own endpoints, for all services: a VPC endpoint or a test's server."
    )
    accounts: tuple[AwsAccountSettings, ...] = Field(
        default=(), max_length=1000, description="Roles to assume; none: the account of the process's own credentials."
    )
    connect_timeout_seconds: float = Field(default=5.0, gt=0, le=60, description="To connect, in seconds.")
    read_timeout_seconds: float = Field(default=30.0, gt=0, le=300, description="Between two bytes, in seconds.")
    max_attempts: int = Field(default=3, ge=1, le=10, description="Tries of one request, the first included.")


class ApiRequests:
    """``aws_api_requests_total``: every request of this process, tries counted one by one."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts: dict[tuple[str, str, str, str], int] = {}

    def count(self, account_id: str, service: str, operation: str, result: str) -> None:
        """One more."""
        labels = (account_id, service, operation, result)
        with self._guard:
            self._counts[labels] = self._counts.get(labels, 0) + 1

    def collect(self) -> Iterator[CounterMetricFamily]:
        """The family, fresh."""
        family = CounterMetricFamily(
            "aws_api_requests",
            "Requests to AWS since the start, each try counted.",
            labels=["account_id", "service", "operation", "result"],
        )
        with self._guard:
            for labels, count in self._counts.items():
                family.add_metric(labels, count)
        yield family


class AwsAccount:
    """One account: clients of its services. Methods may be called from any thread, and block.

    Args:
        settings: Where AWS is.
        account: The role; None: the process's own credentials.
        requests: Counts what is asked.
    """

    def __init__(self, settings: AwsSettings, account: AwsAccountSettings | None, requests: ApiRequests) -> None:
        self._settings = settings
        self._account = account
        self._requests = requests
        self._guard = threading.RLock()
        self._clients: dict[tuple[str, str, int], Any] = {}
        self._session: Session | None = None
        self._account_id = account.account_id if account else ""

    @property
    def name(self) -> str:
        """For messages and sources; ``own`` for the process's own credentials."""
        return (self._account.name or self._account.account_id) if self._account else "own"

    def account_id(self) -> str:
        """Twelve digits; the process's own is asked for once (``GetCallerIdentity`` needs no permission).

        Raises:
            TemporaryError: No answer, or the credentials have expired.
            PermanentError: There are no credentials, or they are refused.
        """
        with self._guard:
            if not self._account_id:
                sts = self.client("sts")
                with translated("sts", "GetCallerIdentity", self.name):
                    self._account_id = str(sts.get_caller_identity()["Account"])
            return self._account_id

    def client(self, service: str, *, region: str = "", max_attempts: int = 0) -> Any:  # noqa: ANN401 - botocore makes its classes
        """A boto client, made once.

        Args:
            service: boto's name of it.
            region: Instead of the settings'.
            max_attempts: Instead of the settings'; 1 where each try costs money.

        Raises:
            PermanentError: There is no such service or region.
        """
        key = (service, region or self._settings.region, max_attempts or self._settings.max_attempts)
        with self._guard:
            if key not in self._clients:
                with translated(service, "connect", self.name):
                    self._clients[key] = self._counted(self._make(self._role_session(), *key))
            return self._clients[key]

    def _make(self, session: Session, service: str, region: str, attempts: int) -> Any:  # noqa: ANN401
        from botocore.config import Config

        config = Config(
            connect_timeout=self._settings.connect_timeout_seconds,
            read_timeout=self._settings.read_timeout_seconds,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            # A VPC endpoint or a test's server has no name for each bucket.
            s3={"addressing_style": "path"} if self._settings.endpoint_url else None,
        )
        return session.create_client(
            service, region_name=region, endpoint_url=self._settings.endpoint_url, config=config
        )

    def _role_session(self) -> Session:
        if self._session is None:
            from botocore.credentials import CredentialResolver
            from botocore.session import get_session

            self._session = get_session()
            if self._account is not None:
                provider = _RoleProvider(self._assume)
                self._session.register_component("credential_provider", CredentialResolver([provider]))
        return self._session

    def _assume(self) -> dict[str, str]:
        """Credentials of the role, as botocore wants them."""
        from botocore.session import get_session

        assert self._account is not None
        arguments = {"RoleArn": self._account.role_arn, "RoleSessionName": _SESSION_NAME}
        if self._account.external_id is not None:
            arguments["ExternalId"] = self._account.external_id.get_secret_value()
        sts = self._counted(self._make(get_session(), "sts", self._settings.region, self._settings.max_attempts))
        with translated("sts", "AssumeRole", self.name):
            found = sts.assume_role(**arguments)["Credentials"]
        return {
            "access_key": found["AccessKeyId"],
            "secret_key": found["SecretAccessKey"],
            "token": found["SessionToken"],
            "expiry_time": found["Expiration"].isoformat(),
        }

    def _counted(self, client: Any) -> Any:  # noqa: ANN401 - a client has no class of its own
        service = client.meta.service_model.service_name

        def count(event_name: str, parsed_response: Any, exception: Any, **_: object) -> None:  # noqa: ANN401
            operation = event_name.rpartition(".")[2]
            self._requests.count(self._account_id or "own", service, operation, _result(parsed_response, exception))

        client.meta.events.register("response-received", count)
        return client


class _RoleProvider:
    """Credentials that are asked for when needed, and again before they expire."""

    METHOD = "assume-role"
    CANONICAL_NAME = "AssumeRole"

    def __init__(self, assume: Any) -> None:  # noqa: ANN401 - a function
        self._assume = assume

    def load(self) -> Any:  # noqa: ANN401 - botocore carries no types
        from botocore.credentials import DeferredRefreshableCredentials

        return DeferredRefreshableCredentials(refresh_using=self._assume, method=self.METHOD)


def open_accounts(settings: AwsSettings, requests: ApiRequests) -> list[AwsAccount]:
    """All accounts that are asked; no request is made yet."""
    return [AwsAccount(settings, account, requests) for account in settings.accounts or (None,)]


@contextmanager
def translated(service: str, operation: str, account: str) -> Iterator[None]:
    """botocore's errors in the product's words, with the IAM action that is missing.

    Raises:
        TemporaryError: Throttled, 5xx, no connection, or credentials that expired: they may be renewed.
        PermanentError: Denied, no credentials, or the request is refused as it stands.
    """
    from botocore.exceptions import (
        BotoCoreError,
        ClientError,
        ConnectionError,
        CredentialRetrievalError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    what = f"{service} {operation}, account {account}"
    try:
        yield
    except BrainError:
        raise
    except ClientError as error:
        raise _client_error(service, operation, what, error) from None  # its traceback may hold the request's secrets
    except (NoCredentialsError, PartialCredentialsError):
        text = "no AWS credentials; give the process a role, a profile or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
        raise PermanentError(f"{what}: {text}") from None
    except (ConnectionError, HTTPClientError, CredentialRetrievalError) as error:
        raise TemporaryError(f"{what}: {_line(str(error))}") from None
    except BotoCoreError as error:
        raise PermanentError(f"{what}: {_line(str(error))}") from None


def _client_error(service: str, operation: str, what: str, error: ClientError) -> TemporaryError | PermanentError:
    code, status = _code(error.response), _status(error.response)
    text = _line(str(error.response.get("Error", {}).get("Message", "")))
    if code in _THROTTLED or status == 429:
        return TemporaryError(f"{what}: throttled ({code})")
    if code in _EXPIRED:
        return TemporaryError(f"{what}: the credentials have expired ({code})")
    if code in _DENIED or status == 403:
        action = _ACTIONS.get((service, operation), f"{service}:{operation}")
        return PermanentError(f"{what}: denied ({code}); allow the action {action}")
    if status >= 500:
        return TemporaryError(f"{what}: {code or status}: {text}")
    return PermanentError(f"{what}: {code or status}: {text}")


def _result(parsed: Any, exception: Any) -> str:  # noqa: ANN401 - botocore carries no types
    """One of a few words, so that no answer can make a series of its own."""
    if exception is not None or parsed is None:
        return "no_answer"
    code, status = _code(parsed), _status(parsed)
    if status < 300:
        return "success"
    if code in _THROTTLED or status == 429:
        return "throttled"
    if code in _DENIED or code in _EXPIRED or status == 403:
        return "denied"
    return "server_error" if status >= 500 else "refused"


def _code(response: Any) -> str:  # noqa: ANN401
    return _line(str(response.get("Error", {}).get("Code", "")))[:80]


def _status(response: Any) -> int:  # noqa: ANN401
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def _line(text: str) -> str:
    return " ".join(text.split())[:_LONGEST_TEXT]
