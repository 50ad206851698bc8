"""The web configuration file of Prometheus' own exporters: TLS and basic auth, read again when it changes.

https://prometheus.io/docs/prometheus/latest/configuration/https/: a user who has one for node_exporter uses it here.
What Go's TLS has and OpenSSL names otherwise (``cipher_suites``, ``curve_preferences``) is refused rather than
ignored.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Final, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from brain_common.errors import ConfigError
from brain_common.serving.config import BCRYPT, TlsSettings
from brain_common.serving.tls import FollowingContext, Stamps, check_tls, stamps
from brain_common.settings import Settings, load_settings

_log = logging.getLogger(__name__)
_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}


class ClientAuth(StrEnum):
    """Whether clients show a certificate, in Go's words."""

    NONE = "NoClientCert"
    REQUEST = "RequestClientCert"
    REQUIRE_ANY = "RequireAnyClientCert"
    VERIFY_IF_GIVEN = "VerifyClientCertIfGiven"
    REQUIRE_AND_VERIFY = "RequireAndVerifyClientCert"


class TlsServerConfig(Settings):
    """``tls_server_config``; relative paths are relative to the file."""

    cert_file: Path = Field(description="PEM certificate chain of the server.")
    key_file: Path = Field(description="PEM private key of the server.")
    client_auth_type: ClientAuth = Field(default=ClientAuth.NONE, description="Whether clients show a certificate.")
    client_ca_file: Path | None = Field(
        default=None, description="PEM CA bundle that client certificates must chain to."
    )
    min_version: str = Field(default="TLS12", description="TLS12 or TLS13.")
    max_version: str = Field(default="TLS13", description="TLS12 or TLS13.")

    @field_validator("min_version", "max_version")
    @classmethod
    def _known(cls, version: str) -> str:
        if version not in _VERSIONS:
            raise ValueError("is TLS12 or TLS13; older ones are broken")
        return version

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.client_auth_type in (ClientAuth.REQUEST, ClientAuth.REQUIRE_ANY):
            raise ValueError(
                "client_auth_type must be NoClientCert, VerifyClientCertIfGiven or RequireAndVerifyClientCert"
            )
        if (self.client_auth_type is ClientAuth.NONE) != (self.client_ca_file is None):
            raise ValueError("client_ca_file belongs to a client_auth_type that verifies")
        return self

    def context(self) -> ssl.SSLContext:
        """A fresh context with what the files hold now.

        Raises:
            ConfigError: A file cannot be used.
        """
        files = TlsSettings(cert_file=self.cert_file, key_file=self.key_file, client_ca_file=self.client_ca_file)
        check_tls(files, "tls_server_config")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version, context.maximum_version = _VERSIONS[self.min_version], _VERSIONS[self.max_version]
        context.load_cert_chain(self.cert_file, self.key_file, password="")
        if self.client_ca_file:
            context.load_verify_locations(self.client_ca_file)
            required = self.client_auth_type is ClientAuth.REQUIRE_AND_VERIFY
            context.verify_mode = ssl.CERT_REQUIRED if required else ssl.CERT_OPTIONAL
        return context

    def files(self) -> tuple[Path, ...]:
        """What has to be read again when it changes."""
        return tuple(filter(None, (self.cert_file, self.key_file, self.client_ca_file)))


class HttpServerConfig(Settings):
    """``http_server_config``; HTTP/2 is never spoken, so ``http2`` is taken and has no effect."""

    http2: bool = Field(default=True, description="Taken for compatibility; this server speaks HTTP/1.1.")
    headers: dict[str, str] = Field(default_factory=dict, description="Headers added to each answer.")


class WebConfig(Settings):
    """The whole file."""

    tls_server_config: TlsServerConfig | None = Field(default=None, description="Serve TLS; plain text when absent.")
    http_server_config: HttpServerConfig = Field(default_factory=HttpServerConfig, description="Headers of answers.")
    basic_auth_users: dict[str, SecretStr] = Field(
        default_factory=dict,
        description="User names with the bcrypt hashes of their passwords; empty: nobody is asked.",
    )

    @field_validator("basic_auth_users")
    @classmethod
    def _hashed(cls, users: Mapping[str, SecretStr]) -> Mapping[str, SecretStr]:
        for name, password in users.items():
            if not BCRYPT.fullmatch(password.get_secret_value()):
                raise ValueError(f"the password of {name} is no bcrypt hash")
        return users


def load_web_config(path: Path) -> WebConfig:
    """Read and check the file, and the TLS files it names.

    Raises:
        ConfigError: It or one of them is wrong.
    """
    config = load_settings(path, WebConfig)
    tls = config.tls_server_config
    if tls is None:
        return config
    absolute = {
        name: path.parent / file for name in ("cert_file", "key_file", "client_ca_file") if (file := getattr(tls, name))
    }
    tls = tls.model_copy(update=absolute)
    tls.context()
    return config.model_copy(update={"tls_server_config": tls})


class LiveWebConfig:
    """The file as it is now: looked at for each connection and each request, read again when anything changed.

    A change that is wrong is logged once and not taken over: a listener that was safe stays as it was.

    Raises:
        ConfigError: At start, the file is wrong.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._config = load_web_config(path)
        self._context = self._fresh_context()
        self._seen = self._stamps()

    @property
    def config(self) -> WebConfig:
        """What holds now."""
        self._refresh()
        return self._config

    def context(self) -> ssl.SSLContext | None:
        """For ``serving``; None: plain text. TLS is not switched on or off without a restart."""
        return FollowingContext(self.fresh) if self._context else None

    def fresh(self) -> ssl.SSLContext:
        """The context of a new connection."""
        self._refresh()
        assert self._context is not None
        return self._context

    def _refresh(self) -> None:
        stamps = self._stamps()
        if stamps == self._seen:
            return
        self._seen = stamps
        try:
            config = load_web_config(self._path)
            if (config.tls_server_config is None) != (self._context is None):
                raise ConfigError(f"{self._path}: TLS is switched on or off by a restart only")
        except ConfigError as error:
            _log.error("the changed web configuration is not used: %s", error)
            return
        self._config = config
        self._context = self._fresh_context()
        self._seen = self._stamps()
        _log.info("%s: read again", self._path)

    def _fresh_context(self) -> ssl.SSLContext | None:
        tls = self._config.tls_server_config
        return tls.context() if tls else None

    def _stamps(self) -> Stamps:
        tls = self._config.tls_server_config
        return stamps((self._path, *(tls.files() if tls else ())))
