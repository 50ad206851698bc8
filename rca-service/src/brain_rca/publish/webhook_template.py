"""The body of an outgoing webhook: a Jinja2 template of the user, or one of two that are built in.

Called by the webhook sink and, at the start, by ``config``: a template that fails with a sample incident
stops the start. The template is trusted as far as the configuration is, its data are not: it runs in the
immutable sandbox and gets plain values only. Values go into JSON by ``| tojson``; there is no other escaping,
since the format is unknown.

Variables: ``incident`` (the JSON document of the incident), ``summary`` (``title``, ``headline``, ``status``,
``severity``, ``causes`` with ``rank``, ``entity``, ``fault_kind``, ``probability``, ``evidence`` and
``text``, ``none_probability``, ``fix``, ``missing``, ``link``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from brain_common.errors import ConfigError, PermanentError
from brain_rca.model import Analysis, Incident
from brain_rca.publish.sample import SAMPLE
from brain_rca.publish.summary import summarize

MAX_BODY: Final = 1 << 20  # bytes


GENERIC_TEMPLATE: Final = (
    '{"version": 1, "link": {{ summary.link | tojson }}, "summary": {{ summary | tojson }}, '
    '"incident": {{ incident | tojson }}}'
)
"""Everything, for programs."""

CHAT_TEMPLATE: Final = (
    "{% set lines = [summary.title ~ ' (' ~ summary.severity ~ ', ' ~ summary.status ~ ')', summary.headline]"
    " + summary.causes[1:3] | map(attribute='text') | list"
    " + (['Proposed fix: ' ~ summary.fix] if summary.fix else []) + [summary.link] %}"
    '{"text": {{ lines | join("\\n") | replace("&", "&amp;") | replace("<", "&lt;") | replace(">", "&gt;")'
    " | tojson }}}"
)
"""For Slack and what understands its incoming webhooks; the three characters are Slack's own escaping,
without which a label could mention ``<!channel>`` or disguise a link."""

BUILT_IN: Final[Mapping[str, str]] = {"json": GENERIC_TEMPLATE, "chat": CHAT_TEMPLATE}


class BodyTemplate:
    """A checked template.

    Args:
        source: Jinja2.
        key: The user's key of it, for messages.

    Raises:
        ConfigError: It is no Jinja2, or fails with the sample incident.
    """

    def __init__(self, source: str, key: str) -> None:
        environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
        # Jinja2's own tojson escapes for HTML and is wrong for text that people read as it is.
        environment.filters["tojson"] = _tojson
        assert SAMPLE.analysis is not None
        try:
            self._template = environment.from_string(source)
            self.render(SAMPLE, SAMPLE.analysis, "https://brain.example")
        except (TemplateError, PermanentError) as error:
            raise ConfigError(f"{key}: the template does not work: {error}") from error

    def render(self, incident: Incident, analysis: Analysis, external_url: str) -> bytes:
        """The body about an incident.

        Raises:
            PermanentError: The template fails, or makes more than ``MAX_BODY`` bytes.
        """
        try:
            text = self._template.render(_variables(incident, analysis, external_url))
        except Exception as error:  # a template can raise anything: its expressions are the user's
            raise PermanentError(f"template: {type(error).__name__}: {error}") from error
        body = text.encode(errors="replace")
        if len(body) > MAX_BODY:
            raise PermanentError(f"template: made {len(body)} bytes, more than {MAX_BODY}")
        return body


def _variables(incident: Incident, analysis: Analysis, external_url: str) -> dict[str, Any]:
    summary = summarize(incident, analysis, external_url)
    causes = [{**msgspec.to_builtins(cause), "text": cause.text} for cause in summary.causes]
    return {
        "incident": msgspec.to_builtins(incident),
        "summary": {**msgspec.to_builtins(summary), "causes": causes},
    }


def _tojson(value: object) -> str:
    """Lone surrogates, which JSON cannot carry, become question marks."""
    return msgspec.json.encode(_encodable(value)).decode()


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode(errors="replace").decode()
    if isinstance(value, Mapping):
        return {str(_encodable(key)): _encodable(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_encodable(item) for item in value]
    return value
