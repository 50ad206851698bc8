"""One configuration file per process: YAML, with ``${env:NAME}`` and ``${file:PATH}``, checked strictly.

A wrong file stops the start and says which key is wrong and what it may be; nothing is checked later. Secrets are
``pydantic.SecretStr`` and come from files or the environment, so that the configuration itself can be shown around.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, ValidationInfo, field_validator

from brain_common.errors import ConfigError
from brain_common.near_keys import nearest_key
from brain_common.yaml_lines import YamlLines

_LARGEST_FILE = 1 << 20  # bytes: no configuration is longer; protects from a mistyped path
_CREDENTIAL_FILES = frozenset({"token_file", "password_file", "secret_files"})
_PREFIX = "Value error, "  # pydantic's, before every sentence of ours
_REFERENCE = re.compile(r"\$\{(env|file):([^}]+)\}")


class Settings(BaseModel):
    """Base of all settings: unknown keys are refused, values cannot be changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    @field_validator("*", mode="before")
    @classmethod
    def _means_what_it_says(cls, value: Any, info: ValidationInfo) -> Any:  # noqa: ANN401 - YAML holds anything
        """pydantic takes true for the number 1, and an empty path for the folder that the process runs in."""
        types = _types_of(cls, info.field_name)
        values = list(_single(value))
        if not types.isdisjoint((int, float)) and bool not in types and any(isinstance(one, bool) for one in values):
            raise ValueError("give a number, not true or false")
        if Path in types and any(isinstance(one, str) and not one.strip() for one in values):
            raise ValueError("the path is empty")
        return value


SettingsT = TypeVar("SettingsT", bound=Settings)


@cache
def _types_of(model: type[BaseModel], name: str | None) -> frozenset[type]:
    return frozenset(_types(model.model_fields[name].annotation) if name else ())


def _types(annotation: object) -> Iterator[type]:
    """What a field is put together of: ``Mapping[str, Path] | None`` holds ``str`` and ``Path``."""
    if isinstance(annotation, type):
        yield annotation
    for part in get_args(annotation):
        yield from _types(part)


def _single(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for part in value:
            yield from _single(part)
    else:
        yield value


def load_settings(path: Path, model: type[SettingsT], environ: Mapping[str, str] | None = None) -> SettingsT:
    """Read and check a configuration file.

    Raises:
        ConfigError: The file cannot be read, is no YAML, refers to something absent, or a key is wrong.
    """
    return check_settings(load_yaml(path), model, str(path), environ)


def check_settings(
    data: object,
    model: type[SettingsT],
    where: str,
    environ: Mapping[str, str] | None = None,
    lines: YamlLines | None = None,
) -> SettingsT:
    """The same for data already read; ``where`` is named in errors, with ``lines`` also the line of each wrong key."""
    if not isinstance(data, dict):
        raise ConfigError(f"{where}: expected keys and values at the top, found {type(data).__name__}")
    try:
        resolved = _resolve(data, os.environ if environ is None else environ, where)
    except RecursionError as error:  # an anchor that holds itself
        raise ConfigError(f"{where}: nested too deeply") from error
    try:
        return model.model_validate(resolved)
    except ValidationError as error:
        raise ConfigError(f"{where}: {_explain(error, model, lines)}") from None


def load_yaml(path: Path) -> object:
    """Any YAML file of bounded size; an empty one is an empty mapping.

    Raises:
        ConfigError: It cannot be read, is no YAML, or a key is given twice; the message has the line.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if len(text) > _LARGEST_FILE:
        raise ConfigError(f"{path}: larger than {_LARGEST_FILE} bytes; is it the right file?")
    try:
        data = yaml.safe_load(text)
        YamlLines(path, text.decode())  # refuses a key that is given twice
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date or number that cannot be, such as 2025-13-01
        raise ConfigError(f"{path}: is no YAML: {' '.join(str(error).split())}") from error
    except RecursionError as error:
        raise ConfigError(f"{path}: nested too deeply") from error
    return {} if data is None else data


def absent_credentials(settings: BaseModel) -> Iterator[str]:
    """A sentence for each file of a token, password or secret that is not there; it may be mounted later."""
    for name, value in settings:
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, Sequence) else (value,)
        for part in parts:
            if name in _CREDENTIAL_FILES and isinstance(part, Path) and not part.exists():
                yield f"{name} {part} does not exist yet"
            if isinstance(part, BaseModel):
                yield from absent_credentials(part)


def _resolve(value: Any, environ: Mapping[str, str], where: str, path: str = "") -> Any:  # noqa: ANN401 - YAML holds anything
    if isinstance(value, dict):
        return {key: _resolve(item, environ, where, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, environ, where, f"{path}.{place}") for place, item in enumerate(value)]
    if isinstance(value, str):
        key = path.removeprefix(".")
        return _REFERENCE.sub(lambda match: _look_up(match[1], match[2], environ, f"{where}: {key}"), value)
    return value


def _look_up(kind: str, name: str, environ: Mapping[str, str], where: str) -> str:
    if kind == "env":
        if name not in environ:
            raise ConfigError(f"{where}: environment variable {name} is not set")
        return environ[name]
    try:
        return Path(name).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(f"{where}: file {name} cannot be read: {error.strerror}") from error
    except ValueError as error:  # without the words of the error: they may hold a part of the secret
        raise ConfigError(f"{where}: file {name} is no UTF-8 text") from error


def _explain(error: ValidationError, model: type[BaseModel], lines: YamlLines | None) -> str:
    """Each problem with the user's key first; values are not repeated, they may be secret."""
    problems = []
    for problem in error.errors(include_url=False, include_input=False):
        key = ".".join(str(part) for part in problem["loc"]) or "(top)"
        hint = problem["msg"].removeprefix(_PREFIX)
        if problem["type"] == "extra_forbidden":
            near = nearest_key(model, problem["loc"])
            hint = f"unknown key, did you mean {near}?" if near else "unknown key"
        line = f"line {lines.of(problem['loc'])}: " if lines else ""
        problems.append(f"{line}{key}: {hint}")
    return "; ".join(problems)
