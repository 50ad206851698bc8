"""The notification template for Alertmanager, with this installation's address in it.

Called by the command line, which prints it for the user to save. The template itself is
``templates/brain.tmpl``.
"""

from __future__ import annotations

import re
from importlib.resources import files
from typing import Final

from brain_common.errors import ConfigError

_DEFAULT_URL: Final = "http://localhost:8088"
_URL: Final = re.compile(r"https?://[A-Za-z0-9._~:/\[\]-]+")


def notification_template(external_url: str) -> str:
    """The Go template, linking to ``external_url``.

    Raises:
        ConfigError: The URL has characters that do not belong into a template.
    """
    if not _URL.fullmatch(external_url):
        raise ConfigError(f"external_url: {external_url!r} is no plain http(s) URL")
    text = (files("brain_rca.publish") / "templates" / "brain.tmpl").read_text(encoding="utf-8")
    define = '{{ define "brain.external_url" }}%s{{ end }}'
    return text.replace(define % _DEFAULT_URL, define % external_url.rstrip("/"))
