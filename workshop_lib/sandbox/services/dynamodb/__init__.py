"""Amazon DynamoDB and its streams: tables, items and the keys they are encrypted under."""

from workshop_lib.sandbox.protocol.errors import JSON_AUTHENTICATION
from workshop_lib.sandbox.protocol.service_definition import (
    Creation,
    NamedResource,
    Protocol,
    ServiceDefinition,
)

_NAMESPACE = "com.amazonaws.dynamodb.v20120810#"

DEFINITION = ServiceDefinition(
    name="dynamodb",
    title="DynamoDB",
    protocol=Protocol.JSON,
    hosts=(r"(?:(?:search-)?dynamodb(?:-fips)?|\d{12}\.ddb)\.{region}\.(?:amazonaws\.com|api\.aws)",),
    targets=("DynamoDB_20120810",),
    version="2012-08-10",
    json_version="1.0",
    authentication_errors=JSON_AUTHENTICATION,
    error_namespace=_NAMESPACE,
    # https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchWriteItem.html
    largest_body=16 * 2**20,
    unpacks=True,
    records_version=True,
    resource=NamedResource(
        "TableName", "arn:aws:dynamodb:{region}:{account}:table/{name}"
    ),
    # https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/logging-using-cloudtrail.html
    data_events=frozenset(
        {
            "BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem",
            "ExecuteStatement", "ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan",
            "TransactGetItems", "TransactWriteItems", "UpdateItem",
        }
    ),
    creates={
        "CreateTable": Creation("table", "TableName"),
        "RestoreTableFromBackup": Creation("table", "TargetTableName"),
        "RestoreTableToPointInTime": Creation("table", "TargetTableName"),
        "CreateBackup": Creation("backup", "BackupDetails.BackupArn"),
    },
)  # fmt: skip

STREAMS = ServiceDefinition(
    name="dynamodbstreams",
    title="DynamoDB Streams",
    protocol=Protocol.JSON,
    hosts=(
        r"streams\.dynamodb(?:-fips)?\.{region}\.(?:amazonaws\.com|api\.aws)",
        r"(?:streams-dynamodb|\d{12}\.streams-ddb)(?:-fips)?\.{region}"
        r"\.(?:amazonaws\.com|api\.aws)",
    ),
    targets=("DynamoDBStreams_20120810",),
    version="2012-08-10",
    json_version="1.0",
    signing_name="dynamodb",
    event_source="dynamodb.amazonaws.com",
    authentication_errors=JSON_AUTHENTICATION,
    error_namespace=_NAMESPACE,
    records_version=True,
    data_events=frozenset({"GetRecords", "GetShardIterator"}),
)
