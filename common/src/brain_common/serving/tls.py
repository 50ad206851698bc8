"""Whether a listener's TLS files can be used; asked before anything listens, and by ``--check-config``."""

from __future__ import annotations

import ssl
from pathlib import Path

from brain_common.errors import ConfigError
from brain_common.serving.config import TlsSettings


def check_tls(tls: TlsSettings, key: str) -> None:
    """Read the files as a listener would.

    Args:
        tls: The files.
        key: Theirs in the configuration, such as ``http.tls``; messages begin with it.

    Raises:
        ConfigError: One cannot be read, is no PEM, or the key is not the certificate's.
    """
    for name in ("cert_file", "key_file", "client_ca_file"):
        file: Path | None = getattr(tls, name)
        if file is not None:
            _check_readable(f"{key}.{name}", file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:  # with a password, or OpenSSL would ask for it at the terminal
        context.load_cert_chain(tls.cert_file, tls.key_file, password="")
    except ssl.SSLError as error:
        raise _unusable(f"{key}: cert_file {tls.cert_file} with key_file {tls.key_file}", error) from error
    try:
        if tls.client_ca_file:
            context.load_verify_locations(tls.client_ca_file)
    except ssl.SSLError as error:
        raise _unusable(f"{key}.client_ca_file: {tls.client_ca_file}", error) from error


def _check_readable(key: str, file: Path) -> None:
    try:
        file.open("rb").close()
    except OSError as error:
        raise ConfigError(f"{key}: {file} cannot be read: {error.strerror}") from error


def _unusable(what: str, error: ssl.SSLError) -> ConfigError:
    return ConfigError(f"{what} cannot be used: {error.reason or error.strerror}")
