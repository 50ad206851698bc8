"""What a source said at its last good refresh; kept in the state file, so that a restart costs nothing."""

from __future__ import annotations

import msgspec


class Charge(msgspec.Struct, frozen=True, array_like=True):
    """One amount of one day.

    Attributes:
        day: Begin of the UTC day, seconds since the epoch.
        tag: Key and value; both empty where the charge was not split by a tag.
        amount: In ``currency``.
    """

    day: int
    account_id: str
    region: str
    service: str
    cost_type: str
    currency: str
    tag: tuple[str, str]
    amount: float

    @property
    def key(self) -> tuple[object, ...]:
        """All but the amount: a later charge with it replaces an earlier."""
        return (self.day, self.account_id, self.region, self.service, self.cost_type, self.currency, self.tag)


class Hour(msgspec.Struct, frozen=True, array_like=True):
    """One amount of one hour; ``begin`` in seconds since the epoch."""

    begin: int
    account_id: str
    region: str
    service: str
    cost_type: str
    currency: str
    amount: float


class Forecast(msgspec.Struct, frozen=True, array_like=True):
    """Expected amount from today to the end of the month."""

    account_id: str
    cost_type: str
    currency: str
    amount: float


class Budget(msgspec.Struct, frozen=True, array_like=True):
    """One budget in its running period; ``alarm``: a notification's threshold is passed."""

    account_id: str
    name: str
    time_unit: str
    currency: str
    limit: float
    actual: float
    forecast: float | None
    alarm: bool


class Anomaly(msgspec.Struct, frozen=True, array_like=True):
    """What Cost Anomaly Detection found; impact in USD."""

    account_id: str
    service: str
    region: str
    impact: float


class Snapshot(msgspec.Struct):
    """One source's last good answer.

    Attributes:
        retrieved_at: When, seconds since the epoch.
        hours: Of the newest hour that has costs.
        nodes: Cost an hour by instance id, on the last day of the files.
        version: Names what was read, so that the same is not read again.
    """

    retrieved_at: float
    charges: list[Charge] = []
    hours: list[Hour] = []
    forecasts: list[Forecast] = []
    budgets: list[Budget] = []
    anomalies: list[Anomaly] = []
    nodes: dict[str, float] = {}
    version: str = ""


def encode(snapshot: Snapshot) -> bytes:
    """For a note."""
    return msgspec.msgpack.encode(snapshot)


def decode(note: bytes) -> Snapshot | None:
    """Back; None where another version of the product wrote it: then the source is asked anew."""
    try:
        return msgspec.msgpack.decode(note, type=Snapshot)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return None
