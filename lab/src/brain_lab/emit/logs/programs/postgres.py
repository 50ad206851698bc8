"""PostgreSQL's server log on stderr, `log_line_prefix = '%m [%p] %u@%d '`.

https://www.postgresql.org/docs/current/runtime-config-logging.html
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity

_PREFIX: Final = "{postgres_time} UTC [{pid}] app@{database} "
_SYSTEM: Final = {"db.system.name": "postgresql"}


def _line(message: str, severity: Severity = Severity.INFO, weight: float = 1.0, prefix: str = _PREFIX) -> Template:
    return Template(prefix + message, severity, weight, (), _SYSTEM)


def _checkpoint(message: str) -> Template:
    return _line("LOG:  " + message, weight=0.3, prefix="{postgres_time} UTC [27] ")


_DEADLOCK: Final = (
    "ERROR:  deadlock detected\n"
    "DETAIL:  Process {pid} waits for ShareLock on transaction {transaction}; blocked by process {other_pid}.\n"
    "\tProcess {other_pid} waits for ShareLock on transaction {transaction}; blocked by process {pid}.\n"
    "HINT:  See server log for query details.\n"
    'CONTEXT:  while updating tuple ({number},{count}) in relation "{table}"\n'
    "STATEMENT:  UPDATE {table} SET balance = balance - $1 WHERE id = $2"
)

PROGRAM: Final = Program(
    "postgres",
    usual=(
        _line("LOG:  duration: {ms} ms  execute <unnamed>: SELECT * FROM {table} WHERE id = $1", weight=6.0),
        _line("LOG:  duration: {ms} ms  execute <unnamed>: INSERT INTO {table} (id, body) VALUES ($1, $2)", weight=3.0),
        _line("LOG:  connection authorized: user=app database={database} SSL enabled (protocol=TLSv1.3)", weight=0.8),
        _line(
            "LOG:  disconnection: session time: 0:0{thread}:12.044 user=app database={database} host={ip}", weight=0.8
        ),
        _checkpoint("checkpoint starting: time"),
        _checkpoint("checkpoint complete: wrote {number} buffers (0.4%); 0 WAL file(s) added, 0 removed, 1 recycled"),
        _line('LOG:  automatic vacuum of table "{database}.public.{table}": index scans: 1', weight=0.3),
        _line(
            'ERROR:  duplicate key value violates unique constraint "{table}_pkey"\n'
            "DETAIL:  Key (id)=({number}) already exists.",
            Severity.ERROR,
            0.05,
        ),
    ),
    faults={
        LogFault.DEADLOCK: (_line(_DEADLOCK, Severity.ERROR),),
        LogFault.LOCK_WAIT: (
            _line(
                "LOG:  process {pid} still waiting for ShareLock on transaction {transaction} after 1000.{number} ms\n"
                "DETAIL:  Process holding the lock: {other_pid}. Wait queue: {pid}.",
                Severity.WARN,
                3.0,
            ),
            _line("ERROR:  canceling statement due to lock timeout", Severity.ERROR),
        ),
        LogFault.SLOW_QUERY: (
            _line(
                "LOG:  duration: {number}{number}.204 ms  statement: SELECT * FROM {table} ORDER BY created_at",
                Severity.WARN,
            ),
            _line("ERROR:  canceling statement due to statement timeout", Severity.ERROR, 0.3),
        ),
        LogFault.POOL_EXHAUSTED: (_line("FATAL:  sorry, too many clients already", Severity.FATAL),),
        LogFault.NO_SPACE: (
            _line(
                'ERROR:  could not extend file "base/16384/{relation}": No space left on device\n'
                "HINT:  Check free disk space.",
                Severity.ERROR,
                3.0,
            ),
            _line(
                'PANIC:  could not write to file "pg_wal/xlogtemp.{pid}": No space left on device', Severity.FATAL, 0.2
            ),
        ),
        LogFault.OUT_OF_MEMORY: (
            _line(
                'ERROR:  out of memory\nDETAIL:  Failed on request of size {offset} in memory context "ExecutorState".',
                Severity.ERROR,
            ),
            _line("LOG:  server process (PID {other_pid}) was terminated by signal 9: Killed", Severity.ERROR, 0.3),
        ),
        LogFault.ACCESS_DENIED: (_line('FATAL:  password authentication failed for user "app"', Severity.FATAL),),
        LogFault.NETWORK_LOSS: (
            _line("LOG:  could not receive data from client: Connection reset by peer", Severity.WARN),
        ),
        LogFault.CERTIFICATE_EXPIRED: (
            _line("LOG:  could not accept SSL connection: sslv3 alert certificate expired", Severity.WARN),
        ),
        LogFault.CRASH: (
            _line("LOG:  database system was interrupted; last known up at {postgres_time} UTC", Severity.FATAL),
        ),
    },
)
