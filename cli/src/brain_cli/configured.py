"""What every command that runs a part does first with its configuration file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import typer

from brain_common.settings import Settings, absent_credentials, load_settings

SettingsT = TypeVar("SettingsT", bound=Settings)


def configured(
    config: Path, model: type[SettingsT], check: Callable[[SettingsT], None], *, check_only: bool
) -> SettingsT:
    """The settings of the file.

    Args:
        config: The file.
        model: What may be in it.
        check: What else can be known to be wrong without asking anybody.
        check_only: Say that all is good, warn of credentials that may be mounted later, and exit.

    Raises:
        ConfigError: The file is wrong.
    """
    settings = load_settings(config, model)
    if not check_only:
        return settings
    check(settings)
    for warning in absent_credentials(settings):
        typer.echo(warning, err=True)
    typer.echo(f"{config}: good")
    raise typer.Exit
