"""Finds the Grafana dashboards that an incident's alerts name, so that its annotation appears on them.

Called by the Grafana sink. Only a uid is taken out of an address; the address itself is never opened, since
alert annotations are data that anybody who writes a rule or a label can choose.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

import msgspec

from brain_rca.model import Alert, Incident

MAX_DASHBOARDS: Final = 3  # one annotation each; more would be noise, and an alert rule could name thousands
_UID: Final = re.compile(r"[A-Za-z0-9_-]{1,40}")  # Grafana's own limit
_PATH: Final = re.compile(r"/d/([A-Za-z0-9_-]{1,40})(?:/|$)")
_PANEL: Final = re.compile(r"[1-9][0-9]{0,8}")
_LONGEST_URL: Final = 2048


class Target(msgspec.Struct, frozen=True):
    """Where an annotation belongs: a dashboard and maybe a panel of it; an empty uid is the organisation."""

    uid: str = ""
    panel_id: int = 0  # 0 = the whole dashboard


ORGANISATION: Final = Target()


def targets(incident: Incident) -> tuple[Target, ...]:
    """The dashboards that alerts name, in the order the alerts began; the organisation when they name none."""
    found: dict[str, Target] = {}
    for alert in sorted(incident.alerts, key=lambda alert: (alert.starts_at, alert.fingerprint)):
        target = _target(alert)
        if target is not None:
            found.setdefault(target.uid, target)
        if len(found) == MAX_DASHBOARDS:
            break
    return tuple(found.values()) or (ORGANISATION,)


def _target(alert: Alert) -> Target | None:
    uid = alert.annotations.get("dashboard_uid", "").strip()
    if not _UID.fullmatch(uid):
        uid = _uid_of(alert.annotations.get("dashboard_url", "").strip())
    if not uid:
        return None
    panel = alert.annotations.get("panel_id", "").strip()
    return Target(uid, int(panel) if _PANEL.fullmatch(panel) else 0)


def _uid_of(url: str) -> str:
    if not url or len(url) > _LONGEST_URL:
        return ""
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    match = _PATH.search(path)
    return match[1] if match else ""
