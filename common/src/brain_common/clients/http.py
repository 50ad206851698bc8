"""How every client of the stack reaches its server: address, headers, TLS, credentials, time-out.

One set of settings and one way from them to an ``httpx.AsyncClient``, so that ``prometheus``, ``grafana`` and
``alertmanager`` read alike in the configuration file. It knows no server's API and does not retry
(``brain_common.retry``). Secrets given as files are read again for each request: mounted tokens rotate.
"""

from __future__ import annotations

import asyncio
import os
import re
import socket
import ssl
from collections.abc import AsyncGenerator, Collection, Generator, Iterator
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import urlsplit

import httpx
from pydantic import AfterValidator, ConfigDict, Field, SecretStr, model_validator

from brain_common.errors import ConfigError, PermanentError, TemporaryError, UnreachableError
from brain_common.settings import Settings

_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|password", re.IGNORECASE)
_MASK = "***"
_ERROR_TEXT_LIMIT = 300  # characters of a server's words that are worth a line on a page
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110
# What httpx and h11 send without complaint: no blanks around it.
_HEADER_VALUE = re.compile(r"(?:[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?)?")
_CONNECT_SHARE = 0.75  # of the time for a request: who is not there is told from who does not answer
_TEMPORARY_STATUS = frozenset({408, 425, 429})  # of the 4xx: "come back later" (RFC 9110, RFC 6585)


def _server_url(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("expected http://host[:port][/path] or https://…")
    if parts.username is not None or parts.password is not None:
        raise ValueError("no credentials in the URL, it ends up in messages: use basic_auth or bearer")
    if parts.query or parts.fragment:
        raise ValueError("no ?query or #fragment in a base URL")
    check_url(url)
    return url.rstrip("/")


def check_url(url: str) -> None:
    """Refuse what would fail at the first request, such as a port that is none.

    Raises:
        ValueError: Without the URL, which may be secret.
    """
    try:
        if not all(c.isprintable() and not c.isspace() for c in url):
            raise ValueError
        httpx.URL(url)
        _ = urlsplit(url).port
    except (httpx.InvalidURL, ValueError):
        raise ValueError("no URL: check host, port and special characters") from None


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header")
        if not _HEADER_VALUE.fullmatch(value):
            raise ValueError(f"the value of {name} is not printable ASCII without blanks around it")
    return headers


def _fit(token: str) -> bool:
    return bool(token and _HEADER_VALUE.fullmatch(token))


ServerUrl = Annotated[str, AfterValidator(_server_url)]
Headers = Annotated[dict[str, str], AfterValidator(_headers)]


class _Strict(Settings):
    model_config = ConfigDict(str_strip_whitespace=False)  # a password may begin or end with a blank


class TlsSettings(_Strict):
    """TLS towards a server, with the key names of Prometheus' own ``tls_config``."""

    ca_file: Path | None = Field(None, description="PEM bundle to trust instead of the system's.")
    cert_file: Path | None = Field(None, description="Client certificate (PEM) for mTLS.")
    key_file: Path | None = Field(None, description="Its private key (PEM).")
    insecure_skip_verify: bool = Field(False, description="Accept any certificate. For trials only.")

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("cert_file and key_file are given together or not at all")
        return self


class BasicAuth(_Strict):
    """User name and password; the password may live in a file."""

    username: str
    password: SecretStr | None = None
    password_file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.password is None) == (self.password_file is None):
            raise ValueError("give password or password_file, one of them")
        return self


class BearerAuth(_Strict):
    """A bearer token; it may live in a file."""

    token: SecretStr | None = None
    token_file: Path | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.token is None) == (self.token_file is None):
            raise ValueError("give token or token_file, one of them")
        if self.token is not None and not _fit(self.token.get_secret_value()):
            raise ValueError("token is empty, or not printable ASCII without blanks around it")
        return self


class HttpSettings(_Strict):
    """Settings shared by all clients."""

    url: ServerUrl = Field(description="Base URL, path prefix included.")
    headers: Headers = Field(default_factory=dict, description="Sent along, e.g. X-Scope-OrgID.")
    tls: TlsSettings = TlsSettings.model_construct()
    basic_auth: BasicAuth | None = None
    bearer: BearerAuth | None = None
    timeout_seconds: float = Field(10.0, gt=0, le=600, description="For one request, start to end.")

    @model_validator(mode="after")
    def _one_credential(self) -> Self:
        if self.basic_auth and self.bearer:
            raise ValueError("give basic_auth or bearer, not both")
        return self


def build_client(
    settings: HttpSettings, transport: httpx.AsyncBaseTransport | None = None, max_connections: int = 10
) -> httpx.AsyncClient:
    """A client for ``settings``; redirects are not followed and proxy variables are ignored.

    Args:
        settings: Where and how.
        transport: Replaces the network in tests.
        max_connections: Open at the same time.

    Raises:
        ConfigError: A TLS file cannot be read or does not fit.
    """
    return httpx.AsyncClient(
        base_url=settings.url,
        headers=settings.headers,
        auth=_Credentials(settings),
        verify=_ssl_context(settings),
        timeout=httpx.Timeout(settings.timeout_seconds, connect=_connect_seconds(settings)),
        limits=httpx.Limits(max_connections=max_connections),
        transport=transport,
        trust_env=False,  # a stray HTTP_PROXY would see credentials and break loopback addresses
        follow_redirects=False,  # a redirect would take the credentials elsewhere
    )


def _connect_seconds(settings: HttpSettings) -> float:
    return settings.timeout_seconds * _CONNECT_SHARE


def _ssl_context(settings: HttpSettings) -> ssl.SSLContext | bool:
    if not settings.url.startswith("https:"):
        return False  # saves reading the system's certificates
    tls = settings.tls
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.cert_file:
            context.load_cert_chain(tls.cert_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"tls of {settings.url}: {error}; check ca_file, cert_file and key_file") from error
    if tls.insecure_skip_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class _Credentials(httpx.Auth):
    """Adds the Authorization header, reading secret files anew each time."""

    def __init__(self, settings: HttpSettings) -> None:
        self._settings = settings

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        header = (
            await asyncio.to_thread(_authorization, self._settings)
            if _has_file(self._settings)
            else (_authorization(self._settings))
        )
        if header:
            request.headers["Authorization"] = header
        yield request

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        header = _authorization(self._settings)
        if header:
            request.headers["Authorization"] = header
        yield request


def _has_file(settings: HttpSettings) -> bool:
    basic, bearer = settings.basic_auth, settings.bearer
    return bool((basic and basic.password_file) or (bearer and bearer.token_file))


def _authorization(settings: HttpSettings) -> str | None:
    if basic := settings.basic_auth:
        password = _secret(basic.password, basic.password_file, "basic_auth.password_file")
        pair = httpx.BasicAuth(basic.username, password)
        probe = next(pair.auth_flow(httpx.Request("GET", settings.url)))
        return probe.headers["Authorization"]
    if bearer := settings.bearer:
        token = _secret(bearer.token, bearer.token_file, "bearer.token_file")
        if not _fit(token):
            raise PermanentError(f"bearer.token_file {bearer.token_file}: not one line of printable ASCII")
        return f"Bearer {token}"
    return None


def _secret(value: SecretStr | None, file: Path | None, key: str) -> str:
    if file is None:
        return value.get_secret_value() if value else ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise PermanentError(f"{key} {file}: {error}") from error


def secrets_of(settings: HttpSettings) -> tuple[str, ...]:
    """Every secret that a message must not show, longest first."""
    found = {value for name, value in settings.headers.items() if _SECRET_HEADER.search(name)}
    if authorization := _authorization(settings):
        found.add(authorization)
    found |= {value.partition(" ")[2] for value in found}  # without the scheme: servers repeat only the token
    if settings.basic_auth:
        basic = settings.basic_auth
        found.add(_secret(basic.password, basic.password_file, "basic_auth.password_file"))
    return tuple(sorted((secret for secret in found if secret), key=len, reverse=True))


def safe_text(settings: HttpSettings, text: str, also: Collection[str] = ()) -> str:
    """A server's words, fit for messages: one line, at most 300 characters, our credentials and ``also`` masked."""
    line = " ".join(text.split())
    secrets = (" ".join(secret.split()) for secret in (*secrets_of(settings), *also))
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        line = line.replace(secret, _MASK)
    return line if len(line) <= _ERROR_TEXT_LIMIT else line[: _ERROR_TEXT_LIMIT - 1] + "…"


def status_error(server: str, response: httpx.Response, text: str) -> TemporaryError | PermanentError:
    """Translate an answer that is no success: 5xx and "come back later" are temporary, the rest is permanent.

    Args:
        server: Name and address for the message, e.g. ``Prometheus http://prometheus:9090``.
        response: Only status and headers are read.
        text: What the server said, already made safe.
    """
    message = f"{server} answered {response.status_code}: {text or response.reason_phrase}"
    if response.status_code >= 500 or response.status_code in _TEMPORARY_STATUS:
        hint = response.headers.get("Retry-After", "")
        return TemporaryError(message, float(hint) if hint.isascii() and hint.isdigit() else None)
    return PermanentError(message)


def transport_error(server: str, settings: HttpSettings, error: httpx.TransportError) -> TemporaryError:
    """Translate "no answer": refused, reset, timed out; ``UnreachableError`` where there was no connection at all."""
    if isinstance(error, httpx.ConnectTimeout):
        return UnreachableError(f"{server} cannot be reached: no connection within {_connect_seconds(settings):g} s")
    if isinstance(error, httpx.TimeoutException):
        return TemporaryError(f"{server}: no answer within {settings.timeout_seconds:g} s")
    if isinstance(error, httpx.ConnectError):
        return UnreachableError(f"{server} cannot be reached: {safe_text(settings, _reason(error))}")
    return TemporaryError(f"{server}: {safe_text(settings, str(error)) or type(error).__name__}")


def _reason(error: httpx.ConnectError) -> str:
    """Why there is no connection, in the system's words.

    The libraries in between say "all connection attempts failed" of everything.
    """
    said = [_words(cause) for cause in _causes(error) if isinstance(cause, OSError) and cause.errno]
    return next(filter(None, reversed(said)), str(error) or type(error).__name__)


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what it came from, outermost first; of several tries with one name, the first."""
    met: set[int] = set()
    cause: BaseException | None = error
    while cause is not None and id(cause) not in met:
        met.add(id(cause))
        yield cause
        inner = cause.__cause__ or cause.__context__
        cause = cause.exceptions[0] if isinstance(cause, BaseExceptionGroup) else inner


def _words(error: OSError) -> str:
    """Numbers of TLS and of the resolver are not those of the system; asyncio repeats the address, which is known."""
    own = isinstance(error, ssl.SSLError | socket.gaierror)
    return (error.strerror or "") if own else os.strerror(error.errno or 0)
