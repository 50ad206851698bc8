"""A listener as Prometheus' own exporters have one: plain, with TLS, or by a web configuration file."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from starlette.types import ASGIApp

from brain_common.serving.config import WebSettings
from brain_common.serving.guard import Guard
from brain_common.serving.http import serving
from brain_common.serving.tls import check_tls
from brain_common.serving.web_config import LiveWebConfig, load_web_config


def check_web(settings: WebSettings, key: str) -> None:
    """What can be known to be wrong before anything listens.

    Args:
        settings: Of the listener.
        key: Theirs in the configuration, for messages.

    Raises:
        ConfigError: Something is.
    """
    if settings.tls is not None:
        check_tls(settings.tls, f"{key}.tls")
    if settings.web_config_file is not None:
        load_web_config(settings.web_config_file)


@contextlib.asynccontextmanager
async def serving_web(
    app: ASGIApp, settings: WebSettings, key: str = "http", own: frozenset[str] = frozenset()
) -> AsyncIterator[str]:
    """Serve ``app`` while the block runs; yields the URL.

    Args:
        app: What answers.
        settings: Where to listen, and how.
        key: Of these settings in the configuration, for messages.
        own: Paths that check their callers themselves.

    Raises:
        ConfigError: The address cannot be bound, or a file cannot be used.
    """
    live = LiveWebConfig(settings.web_config_file) if settings.web_config_file else None
    context = live.context() if live else None
    guarded = Guard(app, live, own) if live else app
    async with serving(guarded, settings, key, context=context) as port:
        secure = settings.tls is not None or context is not None
        yield f"{'https' if secure else 'http'}://{settings.host}:{port}"
