"""The body of an outgoing webhook: a Jinja2 template of the user, or one of two that are built in.

Called by the webhook sink and, at the start, by ``config``: a template that fails with a sample incident, or
makes broken JSON of it, stops the start. The template is trusted as far as the configuration is, its data are
not: it runs in the immutable sandbox and gets plain values only. Values go into JSON by ``| tojson``; there is
no other escaping, since the format is unknown.

Variables: ``incident`` (the JSON document of the incident), ``summary`` (``title``, ``headline``, ``status``,
``severity``, ``causes`` with ``rank``, ``entity``, ``fault_kind``, ``probability``, ``evidence`` and
``text``, ``none_probability``, ``began``, ``fix``, ``shared``, ``missing``, ``link``). Where everything would be more
than ``MAX_BODY``, ``incident`` comes without its alerts, which ``truncated_alerts`` then counts, without plots and
the names of all entities, and with long texts cut.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import msgspec
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from msgspec.structs import replace

from brain_common.errors import ConfigError, PermanentError
from brain_rca.model import Analysis, Incident
from brain_rca.publish.sample import SAMPLES
from brain_rca.publish.summary import Summary, summarize
from brain_rca.publish.text import ELLIPSIS

MAX_BODY: Final = 1 << 20  # bytes; more than most receivers take
_CUT: Final = 500  # characters left of a text where everything would be more than that
_JSON: Final = re.compile(r"application/([\w.-]+\+)?json\b", re.IGNORECASE)

GENERIC_TEMPLATE: Final = (
    '{"version": 1, "link": {{ summary.link | tojson }}, "summary": {{ summary | tojson }}, '
    '"incident": {{ incident | tojson }}}'
)
"""Everything, for programs."""

CHAT_TEMPLATE: Final = (
    "{% set lines = [summary.title ~ ' (' ~ summary.severity ~ ', ' ~ summary.status ~ ')', summary.headline]"
    " + summary.causes[1:3] | map(attribute='text') | list"
    " + ([summary.began] if summary.began else [])"
    " + (['Proposed fix: ' ~ summary.fix] if summary.fix else [])"
    " + ([summary.shared] if summary.shared else []) + [summary.link] %}"
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
        content_type: Of what it makes; JSON is checked.

    Raises:
        ConfigError: It is no Jinja2, or fails with a sample incident, or makes no JSON of it though it should.
    """

    def __init__(self, source: str, key: str, content_type: str = "application/json") -> None:
        environment = ImmutableSandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
        # Jinja2's own tojson escapes for HTML and is wrong for text that people read as it is.
        environment.filters["tojson"] = _tojson
        try:
            self._template = environment.from_string(source)
            for incident, analysis in SAMPLES:
                self._try(incident, analysis, content_type)
        except (TemplateError, PermanentError, RecursionError) as error:
            raise ConfigError(f"{key}: the template does not work: {error}") from error

    def render(self, incident: Incident, analysis: Analysis, external_url: str) -> bytes:
        """The body about an incident.

        Raises:
            PermanentError: The template fails, or makes more than ``MAX_BODY`` bytes.
        """
        summary = summarize(incident, analysis, external_url)
        body = self._fill(summary, msgspec.to_builtins(incident))
        if len(body) > MAX_BODY:
            body = self._fill(summary, _cut(msgspec.to_builtins(_without_bulk(incident))))
        if len(body) > MAX_BODY:
            raise PermanentError(f"template: made {len(body)} bytes, more than {MAX_BODY}")
        return body

    def _fill(self, summary: Summary, incident: object) -> bytes:
        causes = [{**msgspec.to_builtins(cause), "text": cause.text} for cause in summary.causes]
        variables = {"incident": incident, "summary": {**msgspec.to_builtins(summary), "causes": causes}}
        try:
            text = self._template.render(variables)
        except Exception as error:  # a template can raise anything: its expressions are the user's
            raise PermanentError(f"template: {type(error).__name__}: {error}") from error
        return text.encode(errors="replace")

    def _try(self, incident: Incident, analysis: Analysis, content_type: str) -> None:
        body = self.render(incident, analysis, "https://brain.example")
        if _JSON.match(content_type):
            try:
                msgspec.json.decode(body)
            except msgspec.DecodeError as error:
                raise PermanentError(
                    f"not JSON, though content_type says so: {error}; put every value into it with | tojson"
                ) from error


def _without_bulk(incident: Incident) -> Incident:
    """Without what grows with a storm or with the system: alerts, plots and names of what is well."""
    analysis = incident.analysis
    if analysis is not None:
        causes = tuple(
            replace(cause, findings=tuple(replace(finding, plot=None) for finding in cause.findings))
            for cause in analysis.causes
        )
        analysis = replace(analysis, causes=causes, entities=())
    truncated = incident.truncated_alerts + len(incident.alerts)
    return replace(incident, alerts=(), truncated_alerts=truncated, analysis=analysis)


def _cut(value: object) -> object:
    if isinstance(value, str):
        return value if len(value) <= _CUT else value[: _CUT - 1] + ELLIPSIS
    if isinstance(value, Mapping):
        return {_cut(key): _cut(item) for key, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list | tuple) else value


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
