"""Writes ``docs/configuration.md`` and ``docs/otel/configuration.md`` from the models of the settings.

Run it after changing a setting.

Why a program: the models already hold each key with its meaning, bounds and default, and a copy by hand would drift.
Maintainers call it; a repository test fails when its result differs from what is committed. It reads no configuration.

    python docs/generate_configuration.py [--check]
"""

from __future__ import annotations

import argparse
import enum
import inspect
import json
import sys
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal

from annotated_types import Ge, Gt, Le, Lt, MaxLen, MinLen
from pydantic import BaseModel, HttpUrl, SecretStr
from pydantic.fields import FieldInfo

from brain_otel.config import OtelSettings
from brain_rca.config import RcaSettings

DOCS = Path(__file__).parent
Model = type[BaseModel]

RCA_INTRODUCTION = """\
<!-- Written by docs/generate_configuration.py from the models of the settings. Do not edit; run it. -->
# Configuration of the RCA service

One YAML file: `brain rca serve --config FILE`. `brain rca analyze` and `brain audit verify` read the same file.
[`examples/rca.yaml`](../examples/rca.yaml) is a small one, [`examples/rca-ha.yaml`](../examples/rca-ha.yaml) one with
PostgreSQL, TLS and tokens. Only `store` and `evidence` are required.

```yaml
store: {sqlite: var/incidents.sqlite}
evidence:
  prometheus: {url: "http://localhost:9090"}
```

- **Checked strictly, at the start.** An unknown key, a wrong type or a value out of bounds stops the start with a line
  that names the key. `--check-config` does the same and exits; it also loads the plug-ins, catalogues, webhook
  templates and TLS files, and warns of a credential's file that is not there yet. It opens no store and reaches no
  server.
- **Secrets stay outside.** In any value, `${env:NAME}` is replaced by an environment variable and `${file:PATH}` by
  the content of a file without surrounding white space. Both are read once, at the start. A `token_file` or
  `password_file` is read for every request, so a mounted token may rotate.
- **Numbers** may be written as text, `"8088"`, since what is filled in is text. `true` is no number.
- **Paths** are relative to the folder the process was started in. An empty one is refused.
- There is no reload: change the file, check it, restart. Nothing accepted is lost by a restart.
- Durations are in seconds unless the name says otherwise.

"""

OTEL_INTRODUCTION = """\
<!-- Written by docs/generate_configuration.py from the models of the settings. Do not edit; run it. -->
# Configuration of the processor

One YAML file: `brain otel --config FILE`; every key has a default. How it runs is in [running it](running.md), the
settings of each step of `enrich` are in [steps](enrichers.md).

- **Checked strictly, at the start.** An unknown key, a wrong type or a value out of bounds stops the start with a line
  that names the key. `--check-config` does the same and exits; it listens nowhere and reaches no server.
- **Secrets stay outside.** In any value, `${env:NAME}` is replaced by an environment variable and `${file:PATH}` by
  the content of a file without surrounding white space. Both are read once, at the start.
- **Numbers** may be written as text, `"4317"`, since what is filled in is text. `true` is no number.
- **Paths** are relative to the folder the process was started in. An empty one is refused.
- There is no reload: change the file, check it, restart. A process that was started again after it died has the
  settings of the start, whatever the file says by then.

"""


@dataclass(frozen=True)
class Page:
    """One page: where it is, what stands in front, and the model of the file."""

    target: Path
    introduction: str
    model: Model


PAGES = (
    Page(DOCS / "configuration.md", RCA_INTRODUCTION, RcaSettings),
    Page(DOCS / "otel" / "configuration.md", OTEL_INTRODUCTION, OtelSettings),
)

# Settings whose model does not describe them.
MEANINGS = {
    ("HttpSettings", "tls"): "TLS towards the server.",
    ("HttpSettings", "basic_auth"): "User name and password; not together with `bearer`.",
    ("HttpSettings", "bearer"): "Bearer token; not together with `basic_auth`.",
    ("BasicAuth", "username"): "User name.",
    ("BasicAuth", "password"): "Password; this or `password_file`.",
    ("BasicAuth", "password_file"): "File that holds the password; read for every request.",
    ("BearerAuth", "token"): "Token; this or `token_file`.",
    ("BearerAuth", "token_file"): "File that holds the token; read for every request.",
}
UNITS = {"_seconds": "seconds", "_days": "days", "bytes": "bytes"}
NAMES: Mapping[object, str] = {
    bool: "true or false",
    int: "whole number",
    float: "number",
    str: "text",
    Path: "path",
    SecretStr: "text, secret",
    HttpUrl: "URL",
    Any: "setting",
}


def render(page: Page) -> str:
    """The whole of it."""
    places: dict[Model, list[str]] = {}
    for path, model in walk(page.model, ""):
        places.setdefault(model, []).append(path)
    return page.introduction + "\n".join(_section(model, paths) for model, paths in places.items())


def walk(model: Model, path: str) -> Iterator[tuple[str, Model]]:
    """Every model of the configuration with its place, e.g. ``publish.webhooks[].tls``; the top's is empty."""
    yield path, model
    for name, field in model.model_fields.items():
        for inner, suffix in _models(field.annotation, ""):
            yield from walk(inner, f"{path}.{name}{suffix}".removeprefix("."))


def _models(annotation: object, suffix: str) -> Iterator[tuple[Model, str]]:
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation, suffix
        return
    origin = typing.get_origin(annotation)
    inside = "[]" if inspect.isclass(origin) and issubclass(origin, Sequence) else ""
    for argument in typing.get_args(annotation):
        yield from _models(argument, suffix + inside)


def _section(model: Model, paths: Sequence[str]) -> str:
    shared = len(paths) > 1
    heading = (f"`{paths[0]}`" if paths[0] else "Top level") + (" and alike" if shared else "")
    about = inspect.cleandoc(model.__doc__ or "").split("\n\n")[0].replace("``", "`")
    if shared:
        about += f" The same at {', '.join(f'`{path}`' for path in paths[1:])}."
    prefix = "" if shared or not paths[0] else f"{paths[0]}."
    rows = [_row(model, name, field, prefix) for name, field in model.model_fields.items()]
    table = ["| setting | meaning | type, unit, bounds | default |", "|---|---|---|---|", *rows]
    return "\n".join([f"## {heading}", "", about, "", *table, ""])


def _row(model: Model, name: str, field: FieldInfo, prefix: str) -> str:
    cells = (f"`{prefix}{name}`", meaning(model, name, field), _type(name, field), _default(field))
    return "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |"


def meaning(model: Model, name: str, field: FieldInfo) -> str:
    """What a setting means, in a sentence.

    Raises:
        LookupError: Nobody says.
    """
    owners = [(parent.__name__, name) for parent in model.__mro__]
    text = field.description or next((MEANINGS[owner] for owner in owners if owner in MEANINGS), None)
    if text is None:
        raise LookupError(f"{model.__name__}.{name} has no description")
    return text.replace("<name>", "NAME")


def _type(name: str, field: FieldInfo) -> str:
    unit = next((unit for ending, unit in UNITS.items() if name.endswith(ending)), None)
    parts = [unit or ("URL" if name == "url" and field.annotation is str else _name(field.annotation))]
    return ", ".join([*parts, *filter(None, [_bounds(field.metadata)])])


def _name(annotation: object) -> str:
    if inspect.isclass(annotation) and issubclass(annotation, enum.Enum):
        return " or ".join(f"`{member.value}`" for member in annotation)
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        return "section"
    if annotation in NAMES:
        return NAMES[annotation]
    arguments = [one for one in typing.get_args(annotation) if one not in (NoneType, Ellipsis)]
    origin = typing.get_origin(annotation)
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if inspect.isclass(origin) and issubclass(origin, Mapping):
        return f"mapping of {_name(arguments[0])} to {_name(arguments[1])}"
    if inspect.isclass(origin) and issubclass(origin, Sequence):
        return f"list of {_name(arguments[0])}s"
    return _name(arguments[0])


def _bounds(metadata: Sequence[Any]) -> str:
    words = []
    for item in metadata:
        match item:
            case Ge(ge=value):
                words.append(f"at least {_number(value)}")
            case Gt(gt=value):
                words.append(f"more than {_number(value)}")
            case Le(le=value):
                words.append(f"at most {_number(value)}")
            case Lt(lt=value):
                words.append(f"less than {_number(value)}")
            case MinLen(min_length=value):
                words.append(f"not fewer than {value}")
            case MaxLen(max_length=value):
                words.append(f"not more than {value}")
            case _ if getattr(item, "pattern", None):
                words.append(f"matches `{item.pattern}`")
    return ", ".join(words)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None:
        return "none"
    if isinstance(value, BaseModel):
        return "its defaults"
    return f"`{_number(value) if isinstance(value, float) else json.dumps(value, default=_plain)}`"


def _plain(value: object) -> object:
    return list(value) if isinstance(value, Sequence) else str(value)


def _number(value: object) -> str:
    """``5`` for 5.0."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def main(arguments: Sequence[str]) -> int:
    """Write or compare; 1 when a committed page is not up to date."""
    parser = argparse.ArgumentParser(description="Writes the pages of settings from their models.")
    parser.add_argument("--check", action="store_true", help="only say whether one would change")
    if not parser.parse_args(arguments).check:
        for page in PAGES:
            page.target.write_text(render(page), encoding="utf-8")
        return 0
    late = [page.target for page in PAGES if page.target.read_text(encoding="utf-8") != render(page)]
    for target in late:
        print(f"{target.relative_to(DOCS)} is out of date: python docs/generate_configuration.py", file=sys.stderr)
    return 1 if late else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
