"""Redis' server log: `pid:role time level message`.

https://redis.io/docs/latest/operate/oss_and_stack/management/config-file/ (loglevel, logfile)
"""

from __future__ import annotations

from typing import Final

from brain_lab.emit.logs.fault import LogFault
from brain_lab.emit.logs.program import Program
from brain_lab.emit.logs.template import Template
from brain_lab.emit.records import Severity


def _line(message: str, severity: Severity = Severity.INFO, weight: float = 1.0) -> Template:
    mark = "*" if severity < Severity.WARN else "#"
    return Template(f"1:M {{redis_time}} {mark} {message}", severity, weight, (), {"db.system.name": "redis"})


PROGRAM: Final = Program(
    "redis",
    usual=(
        _line("{number} changes in 60 seconds. Saving..."),
        _line("Background saving started by pid {pid}"),
        _line("DB saved on disk"),
        _line("Fork CoW for RDB: current {thread} MB, peak {thread} MB, average {thread} MB"),
        _line("Background saving terminated with success"),
    ),
    faults={
        LogFault.OUT_OF_MEMORY: (
            _line("Can't save in background: fork: Cannot allocate memory", Severity.WARN),
            _line("OOM command not allowed when used memory > 'maxmemory'.", Severity.WARN, 3.0),
        ),
        LogFault.NO_SPACE: (
            _line("Write error saving DB on disk: No space left on device", Severity.WARN),
            _line("MISCONF Errors writing to the AOF file: No space left on device", Severity.WARN),
        ),
        LogFault.POOL_EXHAUSTED: (
            _line("Error registering fd event for the new client: max number of clients reached", Severity.WARN),
        ),
        LogFault.NETWORK_LOSS: (_line("Connection with replica {ip}:6379 lost.", Severity.WARN),),
        LogFault.TIMEOUT: (_line("Disconnecting timedout replica (streaming sync): {ip}:6379", Severity.WARN),),
        LogFault.CRASH: (_line("=== REDIS BUG REPORT START: Cut & paste starting from here ===", Severity.FATAL),),
        LogFault.CERTIFICATE_EXPIRED: (
            _line(
                "Error accepting a client connection: error:0A000415:SSL routines::sslv3 alert certificate expired",
                Severity.WARN,
            ),
        ),
    },
)
