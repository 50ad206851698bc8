"""Settings of a listener."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, SecretStr, model_validator

from brain_common.settings import Settings

BCRYPT = re.compile(r"\$2[aby]\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{53}")


class TlsSettings(Settings):
    """Server certificate, and whether clients must show one."""

    cert_file: Path = Field(description="PEM certificate chain of the server.")
    key_file: Path = Field(description="PEM private key of the server.")
    client_ca_file: Path | None = Field(
        default=None,
        description="PEM CA bundle; when set, clients must present a certificate signed by it (mTLS).",
    )


class CallerSettings(Settings):
    """One who may call: by bearer token, or by user name and password."""

    name: str = Field(
        description="Who this is: names the source of its notifications and the actor in the audit log.",
        pattern=r"^[A-Za-z0-9_.-]{1,64}$",
    )
    bearer_token: SecretStr | None = Field(default=None, description="Token; use ${file:…} or ${env:…}.")
    username: str | None = Field(default=None, description="User name for basic auth.")
    password_bcrypt: SecretStr | None = Field(default=None, description="bcrypt hash of the password.")

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        basic = self.username is not None and self.password_bcrypt is not None
        if basic == (self.bearer_token is not None) or (self.username is None) != (self.password_bcrypt is None):
            raise ValueError("give either bearer_token, or username with password_bcrypt")
        if self.bearer_token is not None and len(self.bearer_token.get_secret_value()) < 8:
            raise ValueError("bearer_token is shorter than 8 characters")
        if self.password_bcrypt is not None and not BCRYPT.fullmatch(self.password_bcrypt.get_secret_value()):
            raise ValueError("password_bcrypt is no bcrypt hash")
        return self


class ListenSettings(Settings):
    """Where to listen and how."""

    host: str = Field(default="127.0.0.1", description="Address to bind; loopback unless told otherwise.")
    port: int = Field(ge=0, le=65535, description="TCP port; 0 takes a free one.")
    tls: TlsSettings | None = Field(default=None, description="Serve TLS; plain text when absent.")


class WebSettings(ListenSettings):
    """The listener of ``/metrics``."""

    web_config_file: Path | None = Field(
        default=None,
        description="Prometheus web configuration file: TLS, basic auth; read again when it changes. Instead of tls.",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        if self.tls is not None and self.web_config_file is not None:
            raise ValueError("give tls or web_config_file, not both")
        return self
