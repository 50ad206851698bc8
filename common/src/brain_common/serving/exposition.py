"""The text of a scrape.

Families go through prometheus_client's encoders. Counters with a hundred thousand series need not: the
objects that those want would take several times the memory of the counters, and a second of a core.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Protocol

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

_PART: Final = 5_000  # series encoded at once
_EOF: Final = b"# EOF\n"  # the end of OpenMetrics
_SPECIAL: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})

Series = Mapping[tuple[str, ...], float]


class Described(Protocol):
    """What a counter is called: ``name`` without ``_total``."""

    @property
    def name(self) -> str: ...
    @property
    def help(self) -> str: ...
    @property
    def labels(self) -> tuple[str, ...]: ...


def encode(
    accept: str, registry: CollectorRegistry, counters: Iterable[tuple[Described, Series]] = ()
) -> tuple[list[bytes], str]:
    """A scrape in parts, and its content type.

    Args:
        accept: What the scraper wants.
        registry: All but those counters.
        counters: With their series, which nobody changes meanwhile.
    """
    encoder, content_type = choose_encoder(accept)
    rest = encoder(registry)
    open_metrics = rest.endswith(_EOF)
    parts = [rest.removesuffix(_EOF) if open_metrics else rest]
    for spec, series in counters:
        parts.extend(_counter(spec, series, spec.name if open_metrics else f"{spec.name}_total"))
    return [*parts, _EOF] if open_metrics else parts, content_type


def _counter(spec: Described, series: Series, family: str) -> Iterator[bytes]:
    yield f"# HELP {family} {_escaped(spec.help)}\n# TYPE {family} counter\n".encode()
    order = sorted(range(len(spec.labels)), key=spec.labels.__getitem__)  # as the encoders write them
    pattern = ",".join(f'{spec.labels[place]}="%s"' for place in order)
    pattern = f"{spec.name}_total" + (f"{{{pattern}}}" if pattern else "") + " %r\n"
    lines: list[str] = []
    for labels, value in series.items():
        lines.append(pattern % (*(_escaped(labels[place]) for place in order), float(value)))
        if len(lines) >= _PART:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _escaped(text: str) -> str:
    """As both formats want a label's value; most have nothing to escape."""
    return text.translate(_SPECIAL) if '"' in text or "\\" in text or "\n" in text else text
