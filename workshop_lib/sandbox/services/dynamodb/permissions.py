"""What a DynamoDB call needs permission for: actions, resources and condition keys.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_dynamodb.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/specifying-conditions.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.call import Call, Check
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.partiql import Statement, in_transaction, read_statement

Context = dict[str, Any]

_TABLES = ("TableName", "SourceTableArn", "SourceTableName")
_WITHOUT_RESOURCE = {
    "DescribeEndpoints", "DescribeLimits", "ListBackups", "ListContributorInsights", "ListExports",
    "ListGlobalTables", "ListImports", "ListStreams", "ListTables",
}  # fmt: skip
# Parameters that carry a resource's whole ARN.
_ARNS = ("ResourceArn", "BackupArn", "StreamArn", "TableArn", "ExportArn", "ImportArn")
# A restore writes into its target in the caller's name.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/backuprestore_IAM.html
_RESTORE_WRITES = (
    "PutItem", "UpdateItem", "DeleteItem", "GetItem", "Query", "Scan", "BatchWriteItem",
)  # fmt: skip
_TRANSACTION = {
    "Get": "GetItem",
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
_STATEMENT_LISTS = {
    "BatchExecuteStatement": "Statements",
    "ExecuteTransaction": "TransactStatements",
}
_READS = {"GetItem", "BatchGetItem", "Query", "Scan"}
_WRITES = {"PutItem", "UpdateItem", "DeleteItem"}


def table_name(name_or_arn: str) -> str:
    """The name of a table that is given by its name, or by an ARN of it, its index or stream."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn.split(":", 5)[-1].removeprefix("table/").split("/")[0]
    return name_or_arn


def account_in(arn: str) -> str | None:
    """The account in an ARN; None for a name."""
    return arn.split(":", 5)[4] if arn.startswith("arn:") and arn.count(":") >= 5 else None


def owner(call: Call) -> str:
    """The account whose table, stream or backup a call names, by its ARN where it is another's.

    Raises NotEmulated for tables of several accounts.
    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/rbac-cross-account-access.html
    """
    parameters = call.parameters
    named = [parameters[name] for name in (*_ARNS, *_TABLES) if name in parameters]
    if "ShardIterator" in parameters:
        named.append(str(parameters["ShardIterator"]).split("|")[0])
    if isinstance(items := parameters.get("RequestItems"), dict):
        named += items
    if isinstance(parameters.get("TransactItems"), list):
        named += [asked.get("TableName") for _, asked in _actions(parameters)]
    accounts = {account_in(str(name)) or call.account for name in named}
    if len(accounts) > 1:
        raise NotEmulated(
            f"The sandbox does not emulate a {call.operation} about tables of several accounts: "
            "make a call for each account."
        )
    return accounts.pop() if accounts else call.account


def table_arn(call: Call, name_or_arn: str) -> str:
    """The ARN of a table that a call names by its name or its ARN."""
    if name_or_arn.startswith("arn:"):
        return name_or_arn
    return f"arn:aws:dynamodb:{call.region}:{call.account}:table/{name_or_arn}"


def tables_of(call: Call) -> list[str]:
    """The names of the tables whose items a call reads or writes; empty for any other call."""
    operation, parameters = call.operation, call.parameters
    if operation in _READS_AND_WRITES_ONE:
        return [table_name(parameters.get("TableName", ""))]
    if operation in ("BatchGetItem", "BatchWriteItem"):
        return [table_name(name) for name in parameters.get("RequestItems", {})]
    if operation in ("TransactGetItems", "TransactWriteItems"):
        return [table_name(asked.get("TableName", "")) for _, asked in _actions(parameters)]
    return [statement.table for statement in _statements(call)]


_WITH_A_NEW_TABLE = {"Tags": "TagResource", "ResourcePolicy": "PutResourcePolicy"}
_READS_AND_WRITES_ONE = (_READS - {"BatchGetItem"}) | _WRITES


def checks(call: Call, tables: Mapping[str, Table]) -> Iterator[Check]:
    """The permissions a DynamoDB call needs.

    ``tables`` are those of the Region, by name: their keys and tags are conditions.
    """
    operation, parameters = call.operation, call.parameters
    found = _Resources(call, tables)
    if operation in ("TransactGetItems", "TransactWriteItems"):
        for action, asked in _actions(parameters):
            table = asked.get("TableName", "")
            context = found.of_item(action, table, asked)
            context["dynamodb:EnclosingOperation"] = operation
            yield found.check(action, table, context)
    elif operation in ("BatchGetItem", "BatchWriteItem"):
        for table, asked in parameters.get("RequestItems", {}).items():
            yield found.check(operation, table, found.of_batch(table, asked))
    elif operation == "ExecuteStatement" or operation in _STATEMENT_LISTS:
        for statement in _statements(call):
            yield found.of_statement(statement)
    elif operation in _READS_AND_WRITES_ONE:
        table = parameters.get("TableName", "")
        context = found.of_item(operation, table, parameters)
        yield found.check(operation, table, context, parameters.get("IndexName"))
    elif operation.startswith("RestoreTable"):
        yield from _restore(call, found)
    else:
        yield Check(f"dynamodb:{operation}", found.resource(), found.of_management())
        if operation == "CreateTable":
            for parameter, action in _WITH_A_NEW_TABLE.items():
                if parameters.get(parameter):
                    yield Check(f"dynamodb:{action}", found.resource(), found.of_management())


def _actions(parameters: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for item in parameters.get("TransactItems", ()):
        for name, asked in item.items():
            if name in _TRANSACTION:
                yield _TRANSACTION[name], asked


def _statements(call: Call) -> Iterator[Statement]:
    parameters = call.parameters
    listed = (
        [parameters]
        if call.operation == "ExecuteStatement"
        else parameters.get(_STATEMENT_LISTS.get(call.operation, ""), [])
    )
    for place, asked in enumerate(listed):
        try:
            yield read_statement(asked["Statement"], asked.get("Parameters") or ())
        except AwsError as error:
            if call.operation == "ExecuteTransaction":
                raise in_transaction(place, error) from None
            if call.operation != "BatchExecuteStatement":  # which has an error for each statement
                raise


def _restore(call: Call, found: "_Resources") -> Iterator[Check]:
    parameters = call.parameters
    target = found.arn(parameters.get("TargetTableName", ""))
    source = (
        parameters.get("BackupArn")
        or parameters.get("SourceTableArn")
        or found.arn(parameters.get("SourceTableName", ""))
    )
    yield Check(f"dynamodb:{call.operation}", source)
    for action in (call.operation, *_RESTORE_WRITES):
        yield Check(f"dynamodb:{action}", target)


class _Resources:
    """ARNs and condition keys of one call."""

    def __init__(self, call: Call, tables: Mapping[str, Table]) -> None:
        self._call = call
        self._tables = tables

    def arn(self, table: str, index: str | None = None) -> str:
        """The ARN of a table, or of its index."""
        table = table_arn(self._call, table)
        return f"{table}/index/{index}" if index else table

    def resource(self) -> str:
        """What an operation on a table as a whole, a backup, a stream … is about."""
        parameters = self._call.parameters
        if self._call.operation in _WITHOUT_RESOURCE:
            return "*"
        for name in _ARNS:
            if name in parameters:
                return str(parameters[name])
        if "ShardIterator" in parameters:
            return str(parameters["ShardIterator"]).split("|")[0]
        if "GlobalTableName" in parameters:
            name = parameters["GlobalTableName"]
            return f"arn:aws:dynamodb::{self._call.account}:global-table/{name}"
        created = parameters.get("TableCreationParameters", parameters)
        return self.arn(created["TableName"]) if "TableName" in created else "*"

    def check(self, action: str, table: str, context: Context, index: str | None = None) -> Check:
        """An action on a table or an index of it."""
        context.update(self._tags(table))
        return Check(f"dynamodb:{action}", self.arn(table, index), context)

    def of_management(self) -> Context:
        """Condition keys of an operation on a table as a whole: its tags and the request's."""
        parameters = self._call.parameters
        context = self._tags(parameters.get("TableName") or parameters.get("ResourceArn") or "")
        tags = {tag["Key"]: tag.get("Value", "") for tag in parameters.get("Tags") or ()}
        context.update({f"aws:RequestTag/{name}": value for name, value in tags.items()})
        names = [*tags, *parameters.get("TagKeys", ())]
        return {**context, "aws:TagKeys": names} if names else context

    def _tags(self, name: str) -> Context:
        table = self._tables.get(name) or self._tables.get(table_name(name))
        if table is None:
            return {}
        return {f"aws:ResourceTag/{name}": value for name, value in table.tags.items()}

    def _hash_key(self, name: str, index: str | None = None) -> str | None:
        table = self._tables.get(name) or self._tables.get(table_name(name))
        if table is None:
            return None
        for found in table.indexes if index else ():
            if found.name == index:
                return found.keys[0]
        return table.hash_key

    def of_item(self, action: str, table: str, asked: Mapping[str, Any]) -> Context:
        """Condition keys of an operation on items of one table."""
        hash_key = self._hash_key(table, asked.get("IndexName"))
        item = asked.get("Item") or asked.get("Key") or {}
        context: Context = {"dynamodb:Attributes": [*dict.fromkeys(named_attributes(asked, item))]}
        if hash_key in item:
            context["dynamodb:LeadingKeys"] = [_text(item[hash_key])]
        elif action == "Query" and hash_key is not None:
            values = _asked_for(hash_key, asked)
            if values:
                context["dynamodb:LeadingKeys"] = values
        context.update(_consumed(self._call.parameters))
        if action in _READS:
            context["dynamodb:Select"] = _select(asked)
        elif action in _WRITES:
            context["dynamodb:ReturnValues"] = asked.get("ReturnValues", "NONE")
        return context

    def of_batch(self, table: str, asked: Any) -> Context:
        """Condition keys of one table's part in a batch."""
        hash_key = self._hash_key(table)
        if isinstance(asked, dict):
            keys, names = asked.get("Keys", []), list(named_attributes(asked))
            context: Context = {"dynamodb:Select": _select(asked)}
        else:
            requests = [request for entry in asked for request in entry.values()]
            keys, names = [r.get("Item") or r.get("Key") or {} for r in requests], []
            context = {}
        leading = [_text(key[hash_key]) for key in keys if hash_key in key]
        if leading:
            context["dynamodb:LeadingKeys"] = leading
        names += [name for key in keys for name in key]
        context.update(_consumed(self._call.parameters))
        return {**context, "dynamodb:Attributes": [*dict.fromkeys(names)]}

    def of_statement(self, statement: Statement) -> Check:
        """The permission of a PartiQL statement.

        https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-iam.html
        """
        hash_key = self._hash_key(statement.table, statement.index)
        leading = [_text(value) for value in statement.values_of(hash_key)] if hash_key else []
        context: Context = {"dynamodb:Attributes": statement.attributes()}
        if leading:
            context["dynamodb:LeadingKeys"] = leading
        if statement.verb == "Select":
            context["dynamodb:FullTableScan"] = "false" if leading else "true"
            context["dynamodb:Select"] = (
                "ALL_ATTRIBUTES" if statement.selects_everything else "SPECIFIC_ATTRIBUTES"
            )
        if self._call.operation != "ExecuteStatement":
            context["dynamodb:EnclosingOperation"] = self._call.operation
        return self.check(f"PartiQL{statement.verb}", statement.table, context, statement.index)


_PLAIN_NAMES = ("AttributeUpdates", "Expected", "KeyConditions", "QueryFilter", "ScanFilter")
_EXPRESSIONS = (
    "ProjectionExpression", "UpdateExpression", "ConditionExpression", "KeyConditionExpression",
    "FilterExpression",
)  # fmt: skip
_NAME = re.compile(r"(?<![\w:#.])(#?[A-Za-z_]\w*|#\d\w*)(?!\w)(?!\s*\()")
_KEYWORDS = {"set", "remove", "add", "delete", "and", "or", "not", "between", "in"}


def named_attributes(asked: Mapping[str, Any], item: Iterable[str] = ()) -> Iterator[str]:
    """The top-level attributes that a request names, one after the other, ``item``'s first."""
    yield from item
    yield from asked.get("AttributesToGet", ())
    for parameter in _PLAIN_NAMES:
        yield from asked.get(parameter, ())
    names = asked.get("ExpressionAttributeNames", {})
    for parameter in _EXPRESSIONS:
        for name in _NAME.findall(asked.get(parameter) or ""):
            if name.lower() not in _KEYWORDS:
                yield names.get(name, name)


def _consumed(parameters: Mapping[str, Any]) -> Context:
    """Whether a request asks for the capacity it consumes."""
    asked = parameters.get("ReturnConsumedCapacity", "NONE")
    return {"dynamodb:ReturnConsumedCapacity": str(asked)}


def _select(asked: Mapping[str, Any]) -> str:
    """What a read returns: always one of AWS's four values."""
    if "Select" in asked:
        return str(asked["Select"])
    if asked.get("ProjectionExpression") or asked.get("AttributesToGet"):
        return "SPECIFIC_ATTRIBUTES"
    return "ALL_PROJECTED_ATTRIBUTES" if asked.get("IndexName") else "ALL_ATTRIBUTES"


def _asked_for(hash_key: str, asked: Mapping[str, Any]) -> list[str]:
    """The partition key's value in a Query's key condition."""
    if hash_key in asked.get("KeyConditions", {}):
        return [_text(value) for value in asked["KeyConditions"][hash_key]["AttributeValueList"]]
    names = asked.get("ExpressionAttributeNames", {})
    values = asked.get("ExpressionAttributeValues", {})
    equalities = re.findall(r"(#?\w+)\s*=\s*(:\w+)", asked.get("KeyConditionExpression") or "")
    return [
        _text(values[value])
        for name, value in equalities
        if names.get(name, name) == hash_key and value in values
    ]


def _text(value: Any) -> str:
    """An attribute value ({"S": "a"}) as IAM compares it."""
    return str(next(iter(value.values()), "")) if isinstance(value, dict) else str(value)
