"""Calls of the AWS API."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

from brain_lake.schemas.table import ENTITY, TableSchema, at, column, text

CLOUDTRAIL: Final = TableSchema(
    "cloudtrail",
    pa.schema(
        [
            at("`eventTime`"),
            *ENTITY,
            text("event_id", "`eventID`: unique"),
            text("account_id", "recipient account, 12 digits"),
            text("region", "`awsRegion`"),
            text("service", "`eventSource`, such as `ec2.amazonaws.com`"),
            text("operation", "`eventName`"),
            text("event_type", "`AwsApiCall`, `AwsConsoleSignIn`…"),
            column("read_only", pa.bool_(), "false: the call may have changed something"),
            text("error_code", "`errorCode`; null where the call went well", nullable=True),
            text("error_message", "`errorMessage`", nullable=True),
            text("principal_arn", "who called", nullable=True),
            text("principal_type", "`IAMUser`, `AssumedRole`, `Root`, `AWSService`…", nullable=True),
            text("source_ip", "`sourceIPAddress`: an address or a service's name", nullable=True),
            text("user_agent", "`userAgent`", nullable=True),
            column("resources", pa.list_(pa.string()), "ARNs and ids named by the call", nullable=True),
            column("rules", pa.list_(pa.string()), "rules for suspicious calls that matched", nullable=True),
            text("record", "the whole record, as JSON", nullable=True),
        ]
    ),
    "A call of the AWS API, about the entity it named, or the account where it named none. `event_id` names the row.",
)
