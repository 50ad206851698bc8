"""CloudWatch Logs subscription data, as Firehose and Lambda deliver it: envelopes one after another around records.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/SubscriptionFilters.html: ``messageType``, ``logEvents`` with
``message``, each a record as text; control messages hold none.
"""

from __future__ import annotations

import msgspec


class _LogEvent(msgspec.Struct):
    message: str


class _Envelope(msgspec.Struct):
    messageType: str  # noqa: N815 - the envelope's name
    logEvents: list[_LogEvent]  # noqa: N815 - the envelope's name


_decoder = msgspec.json.Decoder(_Envelope)


def unwrapped(raw: msgspec.Raw) -> list[msgspec.Raw]:
    """The records within an envelope; what is no envelope is a record itself."""
    if b'"logEvents"' not in bytes(raw):
        return [raw]
    try:
        envelope = _decoder.decode(raw)
    except (msgspec.DecodeError, ValueError):
        return [raw]
    if envelope.messageType != "DATA_MESSAGE":
        return []
    return [msgspec.Raw(event.message.encode("utf-8", "replace")) for event in envelope.logEvents]
