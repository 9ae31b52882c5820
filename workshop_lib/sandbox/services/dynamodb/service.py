"""Amazon DynamoDB: what it enforces and moto does not.

moto keeps tables and items; what is here decides who may, under which key, and what the answers
say about encryption.
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/Welcome.html
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.call import Authorize, Call
from workshop_lib.sandbox.moto_backend.core import missing_in_moto
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.serialization import error_type
from workshop_lib.sandbox.services.dynamodb import permissions
from workshop_lib.sandbox.services.dynamodb.descriptions import (
    complete,
    leave_out_layout,
    with_former_units,
)
from workshop_lib.sandbox.services.dynamodb.encryption import (
    in_use,
    read_specification,
)
from workshop_lib.sandbox.services.dynamodb.expressions import (
    Expressions,
    parts,
    read_expressions,
    read_part,
)
from workshop_lib.sandbox.services.dynamodb.index_keys import refused_before
from workshop_lib.sandbox.services.dynamodb.keys import require_keys
from workshop_lib.sandbox.services.dynamodb.limits import require_limits, require_model
from workshop_lib.sandbox.services.dynamodb.permissions import table_name
from workshop_lib.sandbox.services.dynamodb.queries import query, require_query, scan
from workshop_lib.sandbox.services.dynamodb.reads import get_batch, get_one, get_together
from workshop_lib.sandbox.services.dynamodb.requests import (
    answer,
    require_shallow,
    require_throughput,
    with_body,
)
from workshop_lib.sandbox.services.dynamodb.resource_policies import resource_of
from workshop_lib.sandbox.services.dynamodb.settings import require_class
from workshop_lib.sandbox.services.dynamodb.statement_transactions import execute_transaction
from workshop_lib.sandbox.services.dynamodb.statements import execute, execute_batch
from workshop_lib.sandbox.services.dynamodb.stream_records import label_in_milliseconds
from workshop_lib.sandbox.services.dynamodb.table_schemas import require_schemas
from workshop_lib.sandbox.services.dynamodb.table_updates import (
    forwarded,
    require_capacity,
    require_changes,
    require_fitting,
    require_new_stream,
    takes_time,
    warm_from_start,
)
from workshop_lib.sandbox.services.dynamodb.tables import Tables
from workshop_lib.sandbox.services.dynamodb.tags import OPERATIONS as TAGGING
from workshop_lib.sandbox.services.dynamodb.tags import require_few, require_tags
from workshop_lib.sandbox.services.dynamodb.transactions import Tokens, write_together
from workshop_lib.sandbox.services.dynamodb.values import require_values
from workshop_lib.sandbox.services.dynamodb.writes import (
    require_returns,
    require_sizes,
    write_batch,
    write_one,
)
from workshop_lib.sandbox.services.foundations import Foundations, Service

Document = dict[str, Any]
# How code that expects a well-built request fails at another one.
_MISBUILT = (
    AssertionError, AttributeError, LookupError, RecursionError, StopIteration, TypeError,
    ValueError,
)  # fmt: skip


# Operations that name the missing table in their refusal.
_NAME_THE_TABLE = (
    "DescribeTable", "UpdateTable", "DeleteTable", "DescribeTimeToLive", "UpdateTimeToLive",
)  # fmt: skip
_READS = ("GetItem", "BatchGetItem", "TransactGetItems", "Query", "Scan")
_WRITES = ("PutItem", "UpdateItem", "DeleteItem", "BatchWriteItem", "TransactWriteItems")
_STATEMENTS = ("ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction")
# Operations that tell of each statement whether its table is there.
_TELL_EACH = ("BatchExecuteStatement", "ExecuteTransaction")
_OF_ITEMS = frozenset((*_READS, *_WRITES, *_STATEMENTS))
# Operations with expressions of their own.
_ALONE: dict[str, Callable[[Call, Expressions, Mapping[str, Table]], Response]] = {
    "GetItem": get_one,
    "PutItem": write_one,
    "UpdateItem": write_one,
    "DeleteItem": write_one,
    "Query": query,
    "Scan": scan,
}
# What moto answers as it is. It takes imports and exports too, past S3's and IAM's rules.
_FORWARDED = ("DescribeEndpoints", "DescribeTimeToLive", "ListTables")
_PARAMETERS_NOT_EMULATED = (
    "ReplicaUpdates", "GlobalTableWitnessUpdates", "GlobalTableSourceArn",
    "GlobalTableSettingsReplicationMode", "MultiRegionConsistency", "RestoreDateTime",
    "GlobalSecondaryIndexOverride", "LocalSecondaryIndexOverride", "VectorIndexes",
    "VectorIndexUpdates", "VectorIndexOverride",
)  # fmt: skip


class DynamoDb(Service):
    """DynamoDB's operations."""

    def __init__(self, foundations: Foundations) -> None:
        self._moto = foundations.moto
        self._tokens = Tokens()
        tables = foundations.shared(Tables)
        self.encryption, self.policies = tables.encryption, tables.policies
        self.storage, self.settings = tables.storage, tables.settings
        self.streams = tables.streams
        foundations.disk.read_item = self.storage.look
        self._handlers: dict[str, Callable[[Call], Response]] = {
            "CreateTable": self._create_table,
            "UpdateTable": self._update_table,
            "DescribeTable": self._describe_table,
            "DeleteTable": self._delete_table,
            "CreateBackup": self._create_backup,
            "DescribeBackup": self._describe_backup,
            "DeleteBackup": self._describe_backup,
            "ListBackups": self._list_backups,
            "RestoreTableFromBackup": self._restore,
            "RestoreTableToPointInTime": self._restore,
            "DescribeContinuousBackups": self._continuous_backups,
            "UpdateContinuousBackups": self._continuous_backups,
            "DescribeLimits": self._describe_limits,
            "UpdateTimeToLive": self._update_time_to_live,
            "PutResourcePolicy": self._put_policy,
            "GetResourcePolicy": self._get_policy,
            "DeleteResourcePolicy": self._delete_policy,
            **dict.fromkeys(TAGGING, self._tagging),
            **dict.fromkeys(_FORWARDED, self._forward),
        }
        self.operations = (*self._handlers, *sorted(_OF_ITEMS))

    def owner(self, call: Call) -> str:
        """The account whose table it is. Raises NotEmulated for tables of several accounts."""
        return permissions.owner(call)

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer a DynamoDB call. Raises AwsError, NotEmulated."""
        require_model(call)
        require_limits(call)
        require_tags(call)
        require_class(call.parameters.get("TableClass"))
        if call.operation == "UpdateTable":
            require_changes(call.parameters)
        given = self._given(call) if call.operation in _OF_ITEMS else []
        try:
            needed = permissions.checks(call, self._tables(call))
            authorize(call, self.policies.applied(needed))
            return self._handle(call, given)
        except _MISBUILT as error:
            missing = missing_in_moto(error) if isinstance(error, AttributeError) else None
            raise missing or NotEmulated(
                f"The sandbox cannot answer this {call.operation} of DynamoDB: try it on AWS."
            ) from error

    def _given(self, call: Call) -> list[Expressions]:
        """The expressions of a request about items, after what AWS checks before it looks at them.

        Raises AwsError ValidationException.
        """
        if call.operation == "TransactWriteItems":
            return [self._given_of_action(call, action) for action in parts(call)]
        require_returns(call)
        require_shallow(call, call.parameters)
        require_values(call, call.parameters)
        require_sizes(call, call.parameters)
        given = read_expressions(call)
        require_query(call, given)
        return given

    def _given_of_action(self, call: Call, action: Mapping[str, Any]) -> Expressions:
        """A transaction's writes are checked one after the other, each of them all through.

        Seen by paritysuite's validation-ordering (transactions and deepRequests), 2026
        """
        require_values(call, action)
        given = read_part(call, action)
        require_shallow(call, action)
        require_sizes(call, action)
        return given

    def _handle(self, call: Call, given: Sequence[Expressions]) -> Response:
        if call.operation in _NAME_THE_TABLE:
            self._require_table(call)
        for name in _PARAMETERS_NOT_EMULATED:
            if name in call.parameters:
                raise NotEmulated(f"The sandbox does not emulate {name} of {call.operation}.")
        if call.operation in _OF_ITEMS:
            return self._items(call, given)
        return self._handlers[call.operation](call)

    def _tagging(self, call: Call) -> Response:
        """Tags decide as conditions: they are on a table that exists."""
        arn = call.parameters["ResourceArn"]
        table = self._tables(call).get(table_name(arn))
        if table is None:
            message = f"Requested resource not found: ResourceArn: {arn} not found"
            raise AwsError("ResourceNotFoundException", message)
        if call.operation == "ListTagsOfResource":  # all that there can be are on one page
            tags = [{"Key": key, "Value": value} for key, value in table.tags.items()]
            return answer(call, {"Tags": tags})
        if call.operation == "TagResource":
            asked = {tag["Key"]: tag["Value"] for tag in call.parameters["Tags"]}
            after = {**table.tags, **asked}
            require_few(len(after))
        else:
            gone = call.parameters["TagKeys"]
            after = {key: value for key, value in table.tags.items() if key not in gone}
        table.set_tags(after)
        return answer(call, None)

    def _require_table(self, call: Call) -> None:
        name = call.parameters.get("TableName")
        if isinstance(name, str) and table_name(name) not in self._tables(call):
            message = f"Requested resource not found: Table: {name} not found"
            raise AwsError("ResourceNotFoundException", message)

    def _require_tables(self, call: Call, names: Iterable[str]) -> None:
        if not all(name in self._tables(call) for name in names):
            raise AwsError("ResourceNotFoundException", "Requested resource not found")

    def _tables(self, call: Call) -> Mapping[str, Table]:
        return self.storage.store.tables(call.region)

    def _forward(self, call: Call, parameters: Mapping[str, Any] | None = None) -> Response:
        """Let moto answer; ``parameters`` take the place of the call's own."""
        self._moto.seed(call.operation)
        request = call.request
        if parameters is not None:
            request = replace(request, body=json.dumps(parameters).encode())
        response = self._moto.forward(request, "dynamodb", call.region, call.request_id)
        return _in_its_namespace(call, response)

    # --- items -----------------------------------------------------------------------------

    def _items(self, call: Call, given: Sequence[Expressions]) -> Response:
        """Read or write items: every such call passes here, with its tables' keys at hand."""
        tables, names = self._tables(call), permissions.tables_of(call)
        if call.operation not in _TELL_EACH:
            self._require_tables(call, names)
        vaults = self.storage.vaults(call.region, names)
        with self.storage.unlocked(call, vaults.values()):
            named = {name: tables[name] for name in vaults}
            refused = require_keys(call, named) or refused_before(call, named)
            return refused or self._answer_about(call, given, named)

    def _answer_about(
        self, call: Call, given: Sequence[Expressions], tables: Mapping[str, Table]
    ) -> Response:
        operation = call.operation
        if operation in _ALONE:
            return _ALONE[operation](call, given[0], tables)
        if operation == "BatchWriteItem":
            return write_batch(call, tables)
        if operation == "TransactWriteItems":
            return self._tokens.once(call, lambda: write_together(call, given, tables))
        if operation == "BatchGetItem":
            return get_batch(call, given, tables)
        if operation == "TransactGetItems":
            return get_together(call, given, tables)
        if operation == "ExecuteStatement":
            return execute(call, tables)
        if operation == "BatchExecuteStatement":
            return execute_batch(call, tables)
        return self._tokens.once(call, lambda: execute_transaction(call, tables))

    # --- tables ----------------------------------------------------------------------------

    def _create_table(self, call: Call) -> Response:
        parameters = dict(call.parameters)
        require_throughput(parameters)
        require_schemas(parameters)
        require_capacity(parameters, call.region)
        require_new_stream(parameters.get("StreamSpecification"))
        key_id = read_specification(parameters.pop("SSESpecification", {}), "SSESpecification")
        document, policy = parameters.pop("ResourcePolicy", None), None
        arn = permissions.table_arn(call, parameters["TableName"])
        if document is not None:
            policy = self.policies.read(call, arn, document)
        response = self._forward(call, warm_from_start(parameters))
        if response.status != 200:
            return response
        name = table_name(parameters["TableName"])
        if policy is not None:
            self.policies.put(arn, document, policy, None)
        with self._unless_refused(call, name):
            self.encryption.create(call, name, key_id)
        self.storage.keep_table(call.region, name)
        created = json.loads(response.body)["TableDescription"]["CreationDateTime"]
        self.settings.of(call.region, name).begin(parameters, created)
        return self._described(call, response, "TableDescription", status="CREATING")

    @contextmanager
    def _unless_refused(self, call: Call, table: str) -> Iterator[None]:
        """A new table is gone again if what is done to it here is refused."""
        try:
            yield
        except AwsError:
            self.storage.store.drop(call.region, table)
            self.encryption.delete(call, table)
            self.policies.forget(permissions.table_arn(call, table))
            raise

    def _update_table(self, call: Call) -> Response:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html

        What takes its time at AWS is told as it was, under the status UPDATING, and is done.
        """
        parameters, name = call.parameters, table_name(call.parameters["TableName"])
        table = self._tables(call)[name]
        if "SSESpecification" in parameters:
            self.encryption.switch(call, name, parameters["SSESpecification"])
            response = self._forward(call, {"TableName": name})
            return self._described(call, response, "TableDescription")
        require_fitting(parameters, table, call.region)
        settings = self.settings.of(call.region, name)
        if "TableClass" in parameters:
            response = self._forward(call, {"TableName": name})
            before = self._described(call, response, "TableDescription", status="UPDATING")
            settings.change_class(parameters["TableClass"])
            return before
        before = self._forward(call, {"TableName": name})
        told = self._described(call, before, "TableDescription")
        settings.update(parameters, table)
        if "StreamSpecification" in parameters:
            self._end_stream(call, name)
        response = self._forward(call, forwarded(parameters, table))
        self.storage.keep_table(call.region, name)
        status = "UPDATING" if takes_time(parameters) else None
        after = self._described(call, response, "TableDescription", status=status)
        if "BillingMode" in parameters:
            return after
        return with_body(after, with_former_units(json.loads(told.body), json.loads(after.body)))

    def _describe_table(self, call: Call) -> Response:
        return self._described(call, self._forward(call), "Table")

    def _delete_table(self, call: Call) -> Response:
        table = table_name(call.parameters.get("TableName", ""))
        if self.encryption.is_switching(call.region, table):
            raise in_use(f"Table: {table} is in the process of being updated.")
        if self._tables(call)[table].protected:
            raise AwsError(
                "ValidationException",
                "Resource cannot be deleted as it is currently protected against deletion. Disable "
                "deletion protection first.",
            )
        ended = self._tables(call)[table].stream_label
        response = self._forward(call)
        if response.status != 200:
            return response
        self.streams.end(f"{permissions.table_arn(call, table)}/stream/{ended}")
        self.encryption.delete(call, table)
        self.policies.forget(permissions.table_arn(call, table))
        self.storage.drop_table(call.region, table)
        told = self._described(call, response, "TableDescription", status="DELETING")
        self.settings.forget(call.region, table)
        return told

    def _described(
        self, call: Call, response: Response, name: str, status: str | None = None
    ) -> Response:
        """The answer with its table description mended; ``status`` is a passing one AWS shows."""
        if response.status != 200:
            return response
        document = json.loads(response.body)
        description = document[name]
        self._label_stream(call.region, description)
        complete(description)
        self.settings.of(call.region, description["TableName"]).describe(description)
        self._archive(call.region)
        self.encryption.describe(call.region, description)
        if status is not None:
            description["TableStatus"] = status
        if status == "DELETING":
            leave_out_layout(description)
        return with_body(response, document)

    def _label_stream(self, region: str, description: Document) -> None:
        """Give a new stream a label of AWS's form, in what moto keeps and what it told."""
        label = description.get("LatestStreamLabel")
        if label is not None:
            told = label_in_milliseconds(label)
            table = self.storage.store.tables(region).get(description["TableName"])
            if table is not None:
                table.set_stream_label(told)
            arn = f"{description['TableArn']}/stream/{told}"
            description["LatestStreamLabel"], description["LatestStreamArn"] = told, arn
            if table is not None:
                self.streams.begin(arn, table)

    def _end_stream(self, call: Call, name: str) -> None:
        """A table's stream is told of nothing more, so that another one may begin."""
        table = self._tables(call)[name]
        arn = permissions.table_arn(call, name)
        self.streams.end(f"{arn}/stream/{table.stream_label}")
        if call.parameters.get("StreamSpecification", {}).get("StreamEnabled"):
            table.end_stream()

    def _describe_limits(self, call: Call) -> Response:
        """The quotas that an account begins with.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
        """
        units = {"AccountMax": 80000, "TableMax": 40000}
        kinds = ("ReadCapacityUnits", "WriteCapacityUnits")
        return answer(call, {f"{of}{kind}": most for of, most in units.items() for kind in kinds})

    def _update_time_to_live(self, call: Call) -> Response:
        """Refuse a change that is none, or of another attribute than the one in use.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTimeToLive.html
        """
        parameters = call.parameters
        asked = parameters["TimeToLiveSpecification"]
        has = self._tables(call)[table_name(parameters["TableName"])].time_to_live
        if asked["Enabled"] == (has is not None):
            state = "enabled" if has is not None else "disabled"
            raise AwsError("ValidationException", f"TimeToLive is already {state}")
        if has is not None and has != asked["AttributeName"]:
            raise AwsError(
                "ValidationException",
                "TimeToLive is active on a different AttributeName: current AttributeName is "
                + has,
            )
        name = table_name(parameters["TableName"])
        self.encryption.require_key(call, name)
        self.settings.of(call.region, name).switch_time_to_live()
        return self._forward(call)

    def _need_key(self, call: Call) -> Response:
        """A change that AWS refuses as soon as the table's key is unusable."""
        self.encryption.require_key(call, table_name(call.parameters.get("TableName", "")))
        return self._forward(call)

    # --- resource-based policies -----------------------------------------------------------

    def _put_policy(self, call: Call) -> Response:
        parameters, arn = call.parameters, resource_of(call, self._tables(call))
        document = parameters["Policy"]
        policy = self.policies.read(call, arn, document)
        expected = parameters.get("ExpectedRevisionId")
        return answer(call, {"RevisionId": self.policies.put(arn, document, policy, expected)})

    def _get_policy(self, call: Call) -> Response:
        return answer(call, self.policies.get(resource_of(call, self._tables(call))))

    def _delete_policy(self, call: Call) -> Response:
        arn = resource_of(call, self._tables(call))
        return answer(call, self.policies.delete(arn, call.parameters.get("ExpectedRevisionId")))

    # --- backups ---------------------------------------------------------------------------

    def _require_in_service(self, call: Call) -> None:
        """What is asked about backups, AWS does not find of an archived table.

        https://github.com/hashicorp/terraform-provider-aws/issues/26577
        """
        name = table_name(call.parameters.get("TableName", ""))
        known = name in self._tables(call)
        if known and self.encryption.condition(call.region, name).archived is not None:
            raise AwsError("TableNotFoundException", f"Table not found: {name}")

    def _continuous_backups(self, call: Call) -> Response:
        self._require_in_service(call)
        asked = call.parameters.get("PointInTimeRecoverySpecification", {})
        if "RecoveryPeriodInDays" in asked and not asked["PointInTimeRecoveryEnabled"]:
            raise AwsError(
                "ValidationException",
                "Invalid Request: Cannot specify RecoveryPeriodInDays when disabling "
                "point-in-time recovery.",
            )
        return self._forward(call)

    def _create_backup(self, call: Call) -> Response:
        self._require_in_service(call)
        response = self._need_key(call)
        if response.status == 200:
            table = table_name(call.parameters["TableName"])
            arn = json.loads(response.body)["BackupDetails"]["BackupArn"]
            self.storage.keep_backup(
                call.region, table, self.storage.store.backup(call.region, arn)
            )
        return response

    def _describe_backup(self, call: Call) -> Response:
        self._archive(call.region)
        response = self._forward(call)
        state = self.storage.of_backup(call.parameters.get("BackupArn", ""))
        if response.status != 200:
            return response
        document = json.loads(response.body)
        description = document["BackupDescription"]
        features = description.setdefault("SourceTableFeatureDetails", {})
        description["SourceTableDetails"].pop("TableStatus", None)
        if state is not None and state.key is not None:
            features["SSEDescription"] = {
                "Status": "ENABLED", "SSEType": "KMS", "KMSMasterKeyArn": state.key.arn,
            }  # fmt: skip
        return with_body(response, document)

    def _list_backups(self, call: Call) -> Response:
        self._archive(call.region)
        return self._forward(call)

    def _restore(self, call: Call) -> Response:
        """A restored table has the source's key unless the request overrides it.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CreateBackup.html
        """
        self._archive(call.region)
        parameters = dict(call.parameters)
        override = parameters.pop("SSESpecificationOverride", None)
        source = table_name(parameters.pop("SourceTableArn", parameters.get("SourceTableName", "")))
        if call.operation == "RestoreTableToPointInTime":
            parameters["SourceTableName"] = source
            key_id = self.encryption.key_of(call.region, source)
            self._require_point_in_time(call, source)
        else:
            backup = self.storage.of_backup(parameters.get("BackupArn", ""))
            key_id = backup.key.arn if backup is not None and backup.key is not None else None
        if override is not None:
            key_id = read_specification(override, "SSESpecificationOverride")
        response = self._forward(call, parameters)
        if response.status != 200:
            return response
        name = parameters["TargetTableName"]
        with self._unless_refused(call, name):
            self.encryption.create(call, name, key_id)
            self.storage.restore(call, name, parameters.get("BackupArn"), source)
        return self._described(call, response, "TableDescription", status="CREATING")

    def _require_point_in_time(self, call: Call, source: str) -> None:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html"""
        table = self._tables(call).get(source)
        if table is None:
            raise AwsError("TableNotFoundException", f"Table not found: {source}")
        if not table.recovers_points_in_time:
            raise AwsError(
                "PointInTimeRecoveryUnavailableException",
                f"Point in time recovery is not enabled for table '{source}'",
            )

    def _archive(self, region: str) -> None:
        """Make the backups of tables whose key has been unusable for too long."""
        for table, moment in self.encryption.to_archive(region):
            backup = self.storage.store.archive(region, table, f"{table}-archived", moment)
            self.storage.keep_backup(region, table, backup)
            self.encryption.of(region, table).archive = backup.arn


def _in_its_namespace(call: Call, response: Response) -> Response:
    """moto's answer; an error's type with the namespace that DynamoDB gives it."""
    if response.status != 400:
        return response
    document = json.loads(response.body)
    code = document.get("__type", "").rpartition("#")[2]
    return with_body(response, {**document, "__type": error_type(code, call.service)})
