"""AWS Budgets' notifications, as SNS hands them to an HTTP endpoint.

https://docs.aws.amazon.com/cost-management/latest/userguide/budgets-sns-policy.html and
https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html. They are not signed: the signature says so,
and a receiver that verifies it must be told not to.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from brain_lab.emit.ids import uuid_of
from brain_lab.emit.json_files import write_lines
from brain_lab.emit.records import NANOS, CostRow
from brain_lab.emit.stamps import rfc3339_millis, second_text

FILE: Final = "budget-notifications.jsonl"
_LOOK: Final = 8 * 3600 * NANOS
"""Nanoseconds between two looks of AWS Budgets at the cost: it updates up to three times a day."""


@dataclass(frozen=True, slots=True)
class Budget:
    """A monthly cost budget.

    Attributes:
        name: Its name.
        account: 12 digits.
        limit: USD for a month.
        threshold: Percent of the limit that must be exceeded, such as 80.
        services: Cost Explorer's names of the services it covers; empty: all.
        topic: ARN of the SNS topic.
    """

    name: str
    account: str
    limit: float
    threshold: float = 80.0
    services: frozenset[str] = frozenset()
    topic: str = ""


@dataclass(frozen=True, slots=True)
class Notification:
    """Cost exceeded a budget's threshold for the first time in a month.

    Attributes:
        time: Nanoseconds since the epoch when AWS Budgets noticed.
        budget: Which one.
        actual: USD of the month until then.
    """

    time: int
    budget: Budget
    actual: float


def notifications(budget: Budget, rows: Iterable[CostRow]) -> list[Notification]:
    """One for each month in which the cost of the rows exceeds the threshold, at the next look after it did."""
    seen: dict[tuple[str, int], float] = {}  # month and next look → cost that is new at it
    for row in rows:
        if row.account == budget.account and (not budget.services or row.service in budget.services):
            found = (second_text(row.hour // NANOS, "%Y-%m"), (row.hour // _LOOK + 1) * _LOOK)
            seen[found] = seen.get(found, 0.0) + row.cost
    sent: dict[str, Notification] = {}
    totals: dict[str, float] = {}
    for (month, look), cost in sorted(seen.items()):
        totals[month] = totals.get(month, 0.0) + cost
        if month not in sent and totals[month] > budget.limit * budget.threshold / 100.0:
            sent[month] = Notification(look, budget, totals[month])
    return list(sent.values())


def write_budget_notifications(found: Sequence[Notification], folder: Path) -> Path:
    """Write `budget-notifications.jsonl`, one SNS message a line; returns its path."""
    return write_lines(folder / FILE, (message(one) for one in found))


def message(notification: Notification) -> Mapping[str, str]:
    """The SNS message."""
    budget = notification.budget
    topic = budget.topic or f"arn:aws:sns:us-east-1:{budget.account}:budgets"
    return {
        "Type": "Notification",
        "MessageId": uuid_of("budget", budget.name, budget.account, notification.time),
        "TopicArn": topic,
        "Subject": f"AWS Budgets: {budget.name} has exceeded your alert threshold"[:100],
        "Message": _text(notification),
        "Timestamp": rfc3339_millis(notification.time),
        "SignatureVersion": "1",
        "Signature": "NOT-SIGNED-SYNTHETIC",
        "SigningCertURL": "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-synthetic.pem",
        "UnsubscribeURL": f"https://sns.us-east-1.amazonaws.com/?Action=Unsubscribe&SubscriptionArn={topic}:synthetic",
    }


def _text(notification: Notification) -> str:
    budget = notification.budget
    limit = budget.limit * budget.threshold / 100.0
    day = second_text(notification.time // NANOS, "%B %d, %Y")
    return (
        f"AWS Budget Notification {day}\nAWS Account {budget.account}\n\nDear AWS Customer,\n\n"
        f"You requested that we alert you when the ACTUAL Cost associated with your {budget.name} budget is greater "
        f"than ${limit:.2f} for the current month. The ACTUAL Cost associated with this budget is "
        f"${notification.actual:.2f}. You can find additional details below and by accessing the AWS Budgets "
        "dashboard [1].\n\n"
        f"Budget Name: {budget.name}\nBudget Type: Cost\nBudgeted Amount: ${budget.limit:.2f}\nAlert Type: ACTUAL\n"
        f"Alert Threshold: > ${limit:.2f}\nACTUAL Amount: ${notification.actual:.2f}\n\n"
        "[1] https://console.aws.amazon.com/billing/home#/budgets\n"
    )
