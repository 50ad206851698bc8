"""What the cloud charges for: kinds of usage with the names and list prices that a bill of eu-central-1 shows.

Prices are AWS' public list prices for Frankfurt as of 2025, rounded; what matters to the lab is that their proportions are
right. A simulation says how much was used in an hour, and gets the row of the bill.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from brain_lab.emit.records import NANOS, CostRow

_EC2: Final = "Amazon Elastic Compute Cloud - Compute"
_OTHER: Final = "EC2 - Other"
_RDS: Final = "Amazon Relational Database Service"
_HOURS_OF_MONTH: Final = 730.0
_HOUR: Final = 3600 * NANOS


@dataclass(frozen=True, slots=True)
class Usage:
    """Something that is charged for.

    Attributes:
        service: As Cost Explorer spells it.
        usage_type: Without the region's prefix.
        operation: API operation or engine.
        unit: That quantities are in.
        price: USD for a unit.
    """

    service: str
    usage_type: str
    operation: str
    unit: str
    price: float


def _node(instance_type: str, price: float, market: str = "BoxUsage") -> Usage:
    return Usage(_EC2, f"{market}:{instance_type}", "RunInstances", "Hrs", price)


USAGES: Final[Mapping[str, Usage]] = MappingProxyType(
    {
        "m6i.large": _node("m6i.large", 0.115),
        "m6i.xlarge": _node("m6i.xlarge", 0.23),
        "m6i.2xlarge": _node("m6i.2xlarge", 0.46),
        "c6i.xlarge": _node("c6i.xlarge", 0.194),
        "c6i.2xlarge": _node("c6i.2xlarge", 0.388),
        "r6i.2xlarge": _node("r6i.2xlarge", 0.608),
        "g5.xlarge": _node("g5.xlarge", 1.258),
        "g5.12xlarge": _node("g5.12xlarge", 7.094),
        "p4d.24xlarge": _node("p4d.24xlarge", 40.97),
        "spot:m6i.xlarge": _node("m6i.xlarge", 0.09, "SpotUsage"),
        "spot:g5.xlarge": _node("g5.xlarge", 0.52, "SpotUsage"),
        "ebs-gp3": Usage(_OTHER, "EBS:VolumeUsage.gp3", "CreateVolume-Gp3", "GB-Mo", 0.0952),
        "nat-hours": Usage(_OTHER, "NatGateway-Hours", "NatGateway", "Hrs", 0.052),
        "nat-bytes": Usage(_OTHER, "NatGateway-Bytes", "NatGateway", "GB", 0.052),
        "between-zones": Usage(_OTHER, "DataTransfer-Regional-Bytes", "InterZone-In", "GB", 0.01),
        "internet-out": Usage("AWS Data Transfer", "DataTransfer-Out-Bytes", "RunInstances", "GB", 0.09),
        "eks": Usage(
            "Amazon Elastic Container Service for Kubernetes",
            "AmazonEKS-Hours:perCluster",
            "CreateOperation",
            "Hrs",
            0.1,
        ),
        "alb-hours": Usage(
            "Amazon Elastic Load Balancing", "LoadBalancerUsage", "LoadBalancing:Application", "Hrs", 0.027
        ),
        "alb-lcu": Usage("Amazon Elastic Load Balancing", "LCUUsage", "LoadBalancing:Application", "LCU-Hrs", 0.008),
        "rds-r6g.xlarge": Usage(_RDS, "Multi-AZUsage:db.r6g.xl", "CreateDBInstance:0014", "Hrs", 1.079),
        "rds-io": Usage(_RDS, "RDS:StorageIOUsage", "CreateDBInstance:0014", "IOs", 0.00000022),
        "elasticache-r6g.large": Usage(
            "Amazon ElastiCache", "NodeUsage:cache.r6g.large", "CreateCacheCluster:0002", "Hrs", 0.247
        ),
        "msk-m5.large": Usage("Amazon Managed Streaming for Apache Kafka", "Kafka.m5.large", "RunBroker", "Hrs", 0.253),
        "s3-storage": Usage(
            "Amazon Simple Storage Service", "TimedStorage-ByteHrs", "StandardStorage", "GB-Mo", 0.0245
        ),
        "s3-requests": Usage("Amazon Simple Storage Service", "Requests-Tier2", "GetObject", "Requests", 0.00000043),
        "dynamodb-writes": Usage(
            "Amazon DynamoDB", "WriteRequestUnits", "PayPerRequestThroughput", "WriteRequestUnits", 0.000000763
        ),
        "logs-ingested": Usage("AmazonCloudWatch", "DataProcessing-Bytes", "PutLogEvents", "GB", 0.63),
        "metrics": Usage("AmazonCloudWatch", "CW:MetricMonitorUsage", "MetricStorage", "Metrics", 0.3),
        "sqs": Usage("Amazon Simple Queue Service", "Requests-Tier1", "SendMessage", "Requests", 0.0000004),
        "kms": Usage("AWS Key Management Service", "KMS-Requests", "Decrypt", "Requests", 0.000003),
    }
)
"""Short name → what is charged. Storage is charged for a month: give GB, and `charge` divides by the hours of one."""

_PREFIXES: Final = {"eu-central-1": "EUC1-", "eu-west-1": "EU-", "us-east-1": "", "us-west-2": "USW2-"}


def charge(
    name: str,
    hour: int,
    quantity: float,
    *,
    account: str,
    region: str,
    resource: str = "",
    tags: Mapping[str, str] | None = None,
    zone: str = "",
    discount: float = 0.0,
) -> CostRow:
    """The row of the bill for one resource and one hour.

    Args:
        name: A key of `USAGES`.
        hour: Nanoseconds since the epoch of any moment in the hour.
        quantity: How much of the unit; of what is stored, the GB or metrics that there were.
        account: 12 digits.
        region: Such as `eu-central-1`.
        resource: ARN or id; empty for none.
        tags: User tags.
        zone: Availability zone; empty for none.
        discount: Share of the price that is not paid.

    Raises:
        KeyError: Nobody charges for such a thing.
    """
    usage = USAGES[name]
    monthly = usage.unit in ("GB-Mo", "Metrics")
    return CostRow(
        hour=hour // _HOUR * _HOUR,
        account=account,
        region=region,
        service=usage.service,
        usage_type=_PREFIXES.get(region, "") + usage.usage_type,
        resource=resource,
        quantity=quantity / _HOURS_OF_MONTH if monthly else quantity,
        unit=usage.unit,
        unit_price=usage.price,
        discount=discount,
        tags=tags or {},
        zone=zone,
        operation=usage.operation,
    )
