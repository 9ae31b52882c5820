"""What INSERT, UPDATE and DELETE statements write.

Texts and answers: recorded from AWS by https://github.com/paritysuite/dynamodb-conformance
(partiql, error-messages/indexReads and partiqlMultiAttributeIndex, 2026), and in September 2026 by
https://github.com/floci-io/floci (its tests of PartiQL's documented syntax and edge cases).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.update.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.delete.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.insert.html
"""

from typing import Any

from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.dynamodb.conditions import met
from workshop_lib.sandbox.services.dynamodb.index_keys import problem_after
from workshop_lib.sandbox.services.dynamodb.keys import require_key, require_whole
from workshop_lib.sandbox.services.dynamodb.partiql import Statement
from workshop_lib.sandbox.services.dynamodb.paths import cut
from workshop_lib.sandbox.services.dynamodb.sizes import LARGEST_ITEM, size
from workshop_lib.sandbox.services.dynamodb.writes import (
    TOO_LARGE,
    Invalid,
    Refused,
    Write,
    change,
    read,
    require_other_than_key,
)

Attributes = dict[str, Any]
DUPLICATE = "Duplicate primary key exists in table"
NOT_ON_INDEX = "This operation is not supported on an index"
_NO_KEY = "Where clause does not contain a mandatory equality on all key attributes"


class Duplicate(Exception):
    """An INSERT finds an item with its key."""


def work_out(statement: Statement, table: Table) -> Write:
    """What a statement writes. Raises AwsError, Refused, Invalid, Duplicate."""
    if statement.index is not None:
        raise _invalid(NOT_ON_INDEX)
    if statement.verb == "Insert":
        return _inserted(statement.item, table)
    key = _key(statement, table)
    before = read(table, key)
    if before is None:
        if statement.verb == "Update":
            raise Refused(None)
        return Write(table, None, None)
    if not met(statement.condition or (), before):
        raise Refused(before)
    if statement.verb == "Delete":
        return Write(table, before, None)
    require_other_than_key(table, statement.actions)
    return Write(table, before, change(table, key, before, statement.actions))


def _inserted(item: Attributes, table: Table) -> Write:
    schema = table.key_schema
    require_whole(schema, item)
    if size(item) > LARGEST_ITEM:
        raise _invalid(TOO_LARGE)
    problem = problem_after(table, {}, item, updated=False)
    if problem is not None:
        raise Invalid(problem)
    if read(table, item) is not None:
        raise Duplicate
    return Write(table, None, item)


def _key(statement: Statement, table: Table) -> Attributes:
    """The key that the WHERE clause of a write names. Raises AwsError."""
    key = {}
    schema = table.key_schema
    for name in schema:
        values = statement.equal_to(name)
        if len(values) > 1:
            raise _invalid(
                f"Multiple conditions on same key {name}. Only single item Update/Insert/Delete "
                "are supported"
            )
        if not values:
            raise _invalid(_NO_KEY)
        key[name] = dict(values[0])
    require_key(schema, key)
    return key


def returned(statement: Statement, write: Write) -> list[Attributes]:
    """What a statement with RETURNING answers: an item, or parts of it, or nothing."""
    if statement.returning is None:
        return []
    what, which = statement.returning
    item = write.before if which == "OLD" else write.after
    if item is None:
        return []
    if what == "MODIFIED":
        item = cut(item, [action.path for action in statement.actions])
    return [item] if item else []


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
