"""A program whose log is written: what it says in good times and of which troubles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.template import Template


@dataclass(frozen=True, slots=True)
class Program:
    """The voice of one kind of component.

    Attributes:
        name: Such as `spring` or `postgres`.
        usual: What it says when a request or a step of work went well.
        failed: What it says when one failed and nothing more is known; empty: it says what it always says.
        faults: Its words for the troubles that concern it; the first of several is the most frequent.
        escape: How it writes foreign text into its lines; None: as it comes.
    """

    name: str
    usual: tuple[Template, ...]
    failed: tuple[Template, ...] = ()
    faults: Mapping[LogFault, tuple[Template, ...]] = field(default_factory=dict)
    escape: Callable[[str], str] | None = None
