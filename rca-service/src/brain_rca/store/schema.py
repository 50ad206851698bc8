"""The tables, once for both databases; and how statements are spelled in each.

Documents are JSON in binary columns: PostgreSQL refuses NUL characters in ``text`` and ``jsonb``, labels may
hold them. Names given by others (sinks, writers, fingerprints) are bytes for the same reason, and sort alike
in both.

``brain_incidents.change`` orders the changes of all incidents for ``changed_since``. It is taken at the end
of the transaction under a lock that is held until the commit, so a lower number never becomes visible after a
higher one. Incidents, members and work hold no foreign keys: every transaction that adds or deletes rows
holds the incident.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

VERSION = 2
"""Of the tables. A database with a higher one was written by a newer release and is refused, one with a lower one is
brought up to date.
"""

_TABLES = """
CREATE TABLE brain_schema (version {integer} NOT NULL);
CREATE TABLE brain_groups (
    identity TEXT PRIMARY KEY,
    last_episode {integer} NOT NULL
);
CREATE TABLE brain_incidents (
    id TEXT PRIMARY KEY,
    identity TEXT NOT NULL,
    episode {integer} NOT NULL,
    received_at {real} NOT NULL,
    closing_received_at {real},
    content {integer} NOT NULL,
    analysed_content {integer} NOT NULL,
    last_analysis_at {real},
    revision {integer} NOT NULL,
    change {integer} NOT NULL,
    core {binary} NOT NULL,
    analysis {binary},
    UNIQUE (identity, episode)
);
CREATE INDEX brain_incidents_newest ON brain_incidents (received_at, id);
CREATE INDEX brain_incidents_change ON brain_incidents (change);
CREATE INDEX brain_incidents_closing ON brain_incidents (closing_received_at);
CREATE TABLE brain_members (
    fingerprint {binary} NOT NULL,
    incident_id TEXT NOT NULL,
    received_at {real} NOT NULL,
    PRIMARY KEY (fingerprint, incident_id)
);
CREATE INDEX brain_members_incident ON brain_members (incident_id);
CREATE TABLE brain_work (
    incident_id TEXT NOT NULL,
    queue {binary} NOT NULL,
    due_at {real},
    ready_at {real},
    token TEXT NOT NULL,
    again_at {real},
    urgent {integer} NOT NULL,
    claimed_content {integer} NOT NULL,
    first_attempt_at {real},
    unsettled {integer} NOT NULL,
    delivery {binary},
    PRIMARY KEY (incident_id, queue)
);
CREATE INDEX brain_work_ready ON brain_work (queue, ready_at) WHERE ready_at IS NOT NULL;
CREATE TABLE brain_audit_heads (
    writer {binary} PRIMARY KEY,
    sequence {integer} NOT NULL,
    digest TEXT NOT NULL
);
CREATE TABLE brain_audit (
    writer {binary} NOT NULL,
    sequence {integer} NOT NULL,
    entry {binary} NOT NULL,
    PRIMARY KEY (writer, sequence)
);
"""

_SINCE_2 = """
CREATE TABLE brain_feedback (
    incident_id TEXT NOT NULL,
    entity {binary} NOT NULL,
    kind TEXT NOT NULL,
    fault_kind {binary} NOT NULL,
    at {real} NOT NULL,
    document {binary} NOT NULL,
    PRIMARY KEY (incident_id, entity)
);
CREATE INDEX brain_feedback_at ON brain_feedback (at);
CREATE TABLE brain_causes (
    incident_id TEXT PRIMARY KEY,
    entity {binary} NOT NULL,
    entity_kind TEXT NOT NULL,
    fault_kind {binary} NOT NULL,
    received_at {real} NOT NULL,
    closed_at {real},
    onset {real} NOT NULL,
    shared_id TEXT NOT NULL,
    outline {binary} NOT NULL
);
CREATE INDEX brain_causes_entity ON brain_causes (entity, received_at);
CREATE INDEX brain_causes_kind ON brain_causes (entity_kind, fault_kind, received_at);
CREATE INDEX brain_causes_shared ON brain_causes (shared_id, closed_at, received_at, incident_id);
"""


class Dialect(msgspec.Struct, frozen=True, kw_only=True):
    """What differs between the databases.

    Attributes:
        placeholder: Of a parameter.
        lock: Suffix that holds the rows read until the end of the transaction.
        skip_locked: The same, passing over rows that another transaction holds.
        next_change: The statement that returns the next change number, under the lock described above.
        cause_lock: The statement that makes all wait who place an incident under the cause of that number.
        create: Statements that make the tables of version 1, one each.
        upgrades: Statements that lead from version 1 to 2, and so on, in order.
    """

    placeholder: str
    lock: str
    skip_locked: str
    next_change: str
    cause_lock: str
    create: tuple[str, ...]
    upgrades: tuple[tuple[str, ...], ...]

    def upgrades_from(self, version: int) -> tuple[str, ...]:
        """What brings tables of that version up to date."""
        steps = [statement for step in self.upgrades[version - 1 :] for statement in step]
        return (*steps, f"UPDATE brain_schema SET version = {VERSION}") if steps else ()  # noqa: S608


def _create(integer: str, real: str, binary: str, changes: str) -> tuple[str, ...]:
    text = _TABLES.format(integer=integer, real=real, binary=binary) + changes
    return (*_statements(text), "INSERT INTO brain_schema (version) VALUES (1)")


def _statements(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(";") if part.strip())


SQLITE = Dialect(
    placeholder="?",
    lock="",
    skip_locked="",
    next_change="UPDATE brain_changes SET last = last + 1 RETURNING last",
    cause_lock="SELECT ?",
    create=_create(
        "INTEGER",
        "REAL",
        "BLOB",
        "CREATE TABLE brain_changes (last INTEGER NOT NULL); INSERT INTO brain_changes (last) VALUES (0)",
    ),
    upgrades=(_statements(_SINCE_2.format(real="REAL", binary="BLOB")),),
)
"""One connection writes, so nothing needs a lock."""

CHANGE_LOCK = 5_218_376_104_442_950_881
"""Key of the PostgreSQL advisory lock around change numbers; an arbitrary constant of this product."""

SCHEMA_LOCK = CHANGE_LOCK + 1
"""Key of the advisory lock under which the tables are made."""

POSTGRES = Dialect(
    placeholder="%s",
    lock="FOR UPDATE",
    skip_locked="FOR UPDATE SKIP LOCKED",
    next_change=f"SELECT nextval('brain_changes') FROM pg_advisory_xact_lock({CHANGE_LOCK})",  # noqa: S608
    cause_lock="SELECT 1 FROM pg_advisory_xact_lock(?)",
    create=_create("BIGINT", "DOUBLE PRECISION", "BYTEA", "CREATE SEQUENCE brain_changes"),
    upgrades=(_statements(_SINCE_2.format(real="DOUBLE PRECISION", binary="BYTEA")),),
)


@lru_cache(maxsize=512)
def render(sql: str, dialect: Dialect) -> str:
    """Spell a statement of ``transactions.py`` for one database."""
    return (
        sql.replace("{next_change}", dialect.next_change)
        .replace("{cause_lock}", dialect.cause_lock)
        .replace("{lock}", dialect.lock)
        .replace("{skip_locked}", dialect.skip_locked)
        .replace("?", dialect.placeholder)
    )
