"""The tables of the lake, column by column.

Every table is a Delta table partitioned by cluster, date and hour (UTC, of ``timestamp``), so that a window of one
cluster is read from a handful of files. Names of entities are kept in four columns, as everywhere in the product.
"""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

PARTITIONS = ("cluster", "date", "hour")

_ENTITY = (
    pa.field("cluster", pa.string(), nullable=False),  # name of the cluster; empty where there is only one
    pa.field("namespace", pa.string(), nullable=False),  # Kubernetes namespace; empty for what has none
    pa.field("kind", pa.string(), nullable=False),  # service, workload, pod, node, database, topic, cloud-resource
    pa.field("name", pa.string(), nullable=False),  # name within cluster, namespace and kind
)
_TIME = pa.field("timestamp", pa.timestamp("us", tz="UTC"), nullable=False)  # when it was measured or happened
_DERIVED = (
    pa.field("date", pa.string(), nullable=False),  # of timestamp, YYYY-MM-DD, UTC
    pa.field("hour", pa.int32(), nullable=False),  # of timestamp, 0 to 23, UTC
)


@dataclass(frozen=True, slots=True)
class TableSchema:
    """One table.

    Attributes:
        name: Folder below the lake's root.
        columns: What a writer gives, all but the nullable ones; ``date`` and ``hour`` are added.
    """

    name: str
    columns: pa.Schema

    @property
    def stored(self) -> pa.Schema:
        """With the derived partition columns.

        Delta keeps an empty partition value as null, so the column has to allow it; readers make it empty again.
        """
        columns = [field.with_nullable(True) if field.name == "cluster" else field for field in self.columns]
        return pa.schema([*columns, *_DERIVED])


METRICS = TableSchema(
    "metrics",
    pa.schema(
        [
            _TIME,
            *_ENTITY,
            pa.field("signal", pa.string(), nullable=False),  # name in the signal catalogue
            pa.field("value", pa.float64(), nullable=False),  # in the signal's unit
        ]
    ),
)
EDGES = TableSchema(
    "edges",
    pa.schema(
        [
            _TIME,  # when the dependency was seen
            pa.field("cluster", pa.string(), nullable=False),  # name of the cluster
            pa.field("dependent", pa.string(), nullable=False),  # who needs: cluster/namespace/kind/name
            pa.field("dependency", pa.string(), nullable=False),  # who is needed: cluster/namespace/kind/name
            pa.field("edge_kind", pa.string(), nullable=False),  # calls, runs-on
        ]
    ),
)
EVENTS = TableSchema(
    "events",  # of Kubernetes
    pa.schema(
        [
            _TIME,  # when it was last seen
            *_ENTITY,
            pa.field("type", pa.string(), nullable=False),  # Normal, Warning, change
            pa.field("reason", pa.string(), nullable=False),  # one word, as Kubernetes gives it
            pa.field("message", pa.string(), nullable=False),  # one sentence
            pa.field("actor", pa.string(), nullable=False),  # who did it; empty where nobody is known
            pa.field("count", pa.int64()),  # how many happenings this row stands for: the growth since the row before
            pa.field("first_seen", pa.timestamp("us", tz="UTC")),  # first happening of the whole series
            pa.field("involved_kind", pa.string()),  # kind of the object, as Kubernetes names it
            pa.field("involved_name", pa.string()),  # its name; the entity is its owner where it has one
            pa.field("involved_uid", pa.string()),  # its uid
            pa.field("event_uid", pa.string()),  # uid of the Event object; repeats share it
            pa.field("total", pa.int64()),  # happenings of the Event object so far: with event_uid it names the row
            pa.field("component", pa.string()),  # who reported it
            pa.field("host", pa.string()),  # node it was reported from
            pa.field("action", pa.string()),  # what was done or tried, of events.k8s.io
        ]
    ),
)
CHANGES = TableSchema(
    "changes",
    pa.schema(
        [
            _TIME,  # when it ended, or began where it has not ended
            *_ENTITY,
            pa.field(
                "source", pa.string(), nullable=False
            ),  # argocd, gitlab, github, terraform, cloudtrail, kubernetes…
            pa.field("change_kind", pa.string(), nullable=False),  # rollout, config, sync, pipeline, deployment, apply…
            pa.field("result", pa.string(), nullable=False),  # started, succeeded, failed, cancelled
            pa.field("change_id", pa.string(), nullable=False),  # with source: names the change; its states share it
            pa.field("title", pa.string(), nullable=False),  # one sentence
            pa.field("actor", pa.string(), nullable=False),  # who did it; empty where nobody is known
            pa.field("revision", pa.string()),  # commit, image or version that came
            pa.field("url", pa.string()),  # where people look at it; never fetched
            pa.field("started_at", pa.timestamp("us", tz="UTC")),  # when it began
            pa.field("details", pa.string()),  # the rest, as JSON
        ]
    ),
)
CLOUDTRAIL = TableSchema(
    "cloudtrail",
    pa.schema(
        [
            _TIME,  # eventTime
            *_ENTITY,  # what the call was about; the account where no resource is named
            pa.field("event_id", pa.string(), nullable=False),  # eventID: unique
            pa.field("account_id", pa.string(), nullable=False),  # recipient account, 12 digits
            pa.field("region", pa.string(), nullable=False),  # awsRegion
            pa.field("service", pa.string(), nullable=False),  # eventSource, such as ec2.amazonaws.com
            pa.field("operation", pa.string(), nullable=False),  # eventName
            pa.field("event_type", pa.string(), nullable=False),  # AwsApiCall, AwsConsoleSignIn…
            pa.field("read_only", pa.bool_(), nullable=False),  # false: the call may have changed something
            pa.field("error_code", pa.string()),  # errorCode; null where the call went well
            pa.field("error_message", pa.string()),
            pa.field("principal_arn", pa.string()),  # who called
            pa.field("principal_type", pa.string()),  # IAMUser, AssumedRole, Root, AWSService…
            pa.field("source_ip", pa.string()),  # sourceIPAddress: an address or a service's name
            pa.field("user_agent", pa.string()),
            pa.field("resources", pa.list_(pa.string())),  # ARNs and ids named by the call
            pa.field("rules", pa.list_(pa.string())),  # rules for suspicious calls that matched
            pa.field("record", pa.string()),  # the whole record, as JSON
        ]
    ),
)
COST = TableSchema(
    "cost",
    pa.schema(
        [
            _TIME,  # begin of the period that is charged
            *_ENTITY,  # what it was spent for; the account where tags name nothing better
            pa.field("period_end", pa.timestamp("us", tz="UTC"), nullable=False),
            pa.field("retrieved_at", pa.timestamp("us", tz="UTC"), nullable=False),  # a later row replaces an earlier
            pa.field("source", pa.string(), nullable=False),  # cost-explorer, focus, cur
            pa.field("account_id", pa.string(), nullable=False),
            pa.field("region", pa.string(), nullable=False),
            pa.field("service", pa.string(), nullable=False),
            pa.field("usage_type", pa.string(), nullable=False),
            pa.field(
                "cost_type", pa.string(), nullable=False
            ),  # unblended, amortized, net_unblended, billed, effective…
            pa.field("amount", pa.float64(), nullable=False),  # in currency
            pa.field("currency", pa.string(), nullable=False),  # ISO 4217
            pa.field("usage_quantity", pa.float64()),  # in usage_unit
            pa.field("usage_unit", pa.string()),
            pa.field("tags", pa.string()),  # as JSON
        ]
    ),
)
SECURITY = TableSchema(
    "security",
    pa.schema(
        [
            _TIME,
            *_ENTITY,
            pa.field("source", pa.string(), nullable=False),  # falco, cloudtrail, json
            pa.field("rule", pa.string(), nullable=False),  # name of the rule that matched
            pa.field("severity", pa.string(), nullable=False),  # critical, high, medium, low, info
            pa.field("message", pa.string(), nullable=False),  # one sentence
            pa.field("actor", pa.string(), nullable=False),  # user, principal or process; empty where nobody is known
            pa.field("event_id", pa.string(), nullable=False),  # with source: names the event
            pa.field("details", pa.string()),  # the rest, as JSON
        ]
    ),
)
TABLES = (METRICS, EDGES, EVENTS, CHANGES, CLOUDTRAIL, COST, SECURITY)
