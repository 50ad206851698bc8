"""HTML or JSON: which of the two a client asked for."""

from __future__ import annotations

from starlette.requests import Request


def wants_json(request: Request) -> bool:
    """By the address, else by the ``Accept`` header; people get HTML unless they prefer JSON."""
    if request.url.path.endswith(".json"):
        return True
    weights = dict(_weight(part) for part in request.headers.get("accept", "").split(","))
    return weights.get("application/json", 0.0) > weights.get("text/html", 0.0)


def _weight(part: str) -> tuple[str, float]:
    """A media type and how much it is wanted; a malformed weight counts as none."""
    kind, _, parameters = part.partition(";")
    for parameter in parameters.split(";"):
        name, _, value = parameter.strip().partition("=")
        if name.lower() == "q":
            try:
                return kind.strip().lower(), float(value)
            except ValueError:
                return kind.strip().lower(), 0.0
    return kind.strip().lower(), 1.0
