"""Pages as text: pure functions of an incident and the time; ``routes.py`` and one-shot analyses call them.

Everything is escaped by the template engine, after ``clean`` has taken out what cannot be shown honestly.
Links are relative, so that the pages work below any path of a reverse proxy.
"""

from __future__ import annotations

from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from brain_rca.feedback.fault_kinds import KINDS
from brain_rca.model import Incident
from brain_rca.page import plot
from brain_rca.page.headers import STYLE
from brain_rca.page.moments import duration, moment
from brain_rca.page.summary import IncidentPage
from brain_rca.page.text import clean, clip
from brain_rca.page.units import percent
from brain_rca.page.view import Draft, draft_view, entity_view, fault_words, incident_view, suggested

TITLE = "AI DevOps Brain"


def render_incident(
    incident: Incident, now: float, *, title: str = TITLE, refresh: bool = True, feedback: str = ""
) -> str:
    """The page of one incident.

    Args:
        incident: What to show.
        now: Seconds since the epoch; ages are counted from it.
        title: Name of the installation.
        refresh: Whether the page asks again by itself while something may still change.
        feedback: ``offered`` links the form; another text says why there is none; empty says nothing of it.
    """
    view = incident_view(incident, now)
    template = environment().get_template("incident.html")
    return template.render(
        view=view,
        now=now,
        app=title,
        root="../",
        refresh=view.refresh if refresh else 0,
        paused=not refresh,
        feedback=feedback,
    )


def render_feedback(
    incident: Incident,
    now: float,
    *,
    token: str,
    why_not: str = "",
    title: str = TITLE,
    refused: Draft | None = None,
) -> str:
    """The page with the form in which people say whether a cause was it.

    Args:
        incident: What it is about.
        now: Seconds since the epoch; ages are counted from it.
        token: Goes back with the form, see ``forgery``.
        why_not: Why there is no form; empty when there is one.
        title: Name of the installation.
        refused: What was sent and not taken, to be mended; None for a form that nobody has filled in.
    """
    template = environment().get_template("feedback.html")
    view = incident_view(incident, now)
    return template.render(
        view=view,
        now=now,
        app=title,
        root="../../",
        refresh=0,
        token=token,
        why_not=why_not,
        form=draft_view(refused, view.causes),
        kinds=KINDS,
        suggested=suggested(incident, view),
    )


def render_list(
    page: IncidentPage, now: float, *, title: str = TITLE, only_open: bool = False, first: bool = True
) -> str:
    """The list of incidents, newest first; ``first`` says that nothing newer is left out."""
    template = environment().get_template("list.html")
    return template.render(
        page=page, now=now, app=title, root="", refresh=60 if first else 0, only_open=only_open, first=first
    )


def render_message(
    heading: str, text: str, *, root: str, title: str = TITLE, refresh: int = 0, refresh_to: str = "", back: str = ""
) -> str:
    """A page that only says something, e.g. that there is no such incident.

    Args:
        heading: The short form.
        text: What it means and what to do.
        root: Relative path to the folder that holds ``incidents``: ``""``, ``"../"``, ``"../../"``.
        title: Name of the installation.
        refresh: Seconds until the page asks again; 0 = never.
        refresh_to: A relative address to ask then instead of the page's own.
        back: Relative address of the form that was refused; empty where there was none.
    """
    template = environment().get_template("message.html")
    return template.render(
        heading=heading, text=text, app=title, root=root, refresh=refresh, refresh_to=refresh_to, back=back
    )


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The template engine, compiled once a process."""
    result = Environment(
        loader=PackageLoader("brain_rca.page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
        finalize=_finalize,
    )
    result.globals.update(
        style=Markup(STYLE),  # noqa: S704  (a file of this package)
        plot_box=(plot.WIDTH, plot.HEIGHT, plot.PIXELS),
        moment=moment,
        entity_view=entity_view,
    )
    result.filters.update(duration=duration, percent=percent, fault=fault_words, clip=clip)
    return result


def _finalize(value: object) -> object:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
