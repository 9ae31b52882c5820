"""Several statements at once: a batch, of which each answers for itself, and a transaction.

Answers and texts: seen of AWS in September 2026 by https://github.com/floci-io/floci
(DynamoDbPartiQLEdgeCaseIntegrationTest and DynamoDbPartiQLDocumentedSyntaxIntegrationTest).
"""

from collections.abc import Sequence
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.support.dynamodb_tables import aws, exactly, new_lines

FIRST = "Validation failed in TransactStatements[0]: "
SECOND = "Validation failed in TransactStatements[1]: "
NOT_BY_KEY = "Select statements within {} must specify the primary key in the where clause."
SINGLE = "EXISTS() must contain a single item read with additional condition"
MISMATCH = "The provided key element does not match the schema"
SELECT = "SELECT * FROM lines WHERE "
UPDATE = "UPDATE lines SET a = 1 WHERE "


@pytest.fixture(autouse=True)
def lines() -> Any:
    """Lines 1 and 2 of order a; a client."""
    dynamodb = new_lines()
    for line in "12":
        item = {"id": "a", "line": line, "flag": f"f{line}"}
        dynamodb.put_item(TableName="lines", Item={name: {"S": v} for name, v in item.items()})
    return dynamodb


def together(*statements: str) -> list[Any]:
    """The answers of a transaction."""
    listed = [{"Statement": each} for each in statements]
    return list(aws("dynamodb").execute_transaction(TransactStatements=listed)["Responses"])


def batch(*statements: str) -> list[Any]:
    """The answers of a batch."""
    listed = [{"Statement": each} for each in statements]
    return list(aws("dynamodb").batch_execute_statement(Statements=listed)["Responses"])


def cancelled(*statements: str) -> Sequence[dict[str, str]]:
    """The reasons for which a transaction is cancelled."""
    with pytest.raises(ClientError) as caught:
        together(*statements)
    answer: Any = caught.value.response
    assert answer["Error"]["Code"] == "TransactionCanceledException", answer["Error"]
    return list(answer["CancellationReasons"])


def named(line: str) -> Any:
    key = {"id": {"S": "a"}, "line": {"S": line}}
    return aws("dynamodb").get_item(TableName="lines", Key=key)["Item"]


# --- reads ----------------------------------------------------------------------------------------


def test_reads_name_the_whole_key_and_nothing_else() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-reference.multiplestatements.transactions.html
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchExecuteStatement.html
    "Each read statement in a BatchExecuteStatement must specify an equality condition on all key
    attributes."
    """
    for where in (
        "id = 'a' AND line = '1'", "(line = '1') AND id = 'a' AND id = 'a'",
        "id IN ['a'] AND line IN ['1']", "(id IN ['a']) AND id = 'a' AND line = '1'",
    ):  # fmt: skip
        assert together(SELECT + where) == [{"Item": named("1")}]
        [told] = batch(SELECT + where)
        assert told == {"TableName": "lines", "Item": named("1")}
    for where in (
        "id = 'a' AND line = '1' AND flag = 'f1'", "id = 'a' AND line = '1' AND id = 'b'",
        "id = 'a'", "id IN ['b'] AND id = 'a' AND line = '1'", "NOT (id = 'a' AND line = '1')",
        "id = 'a' AND line > '0'", "id = 'a' AND (line = '1' OR line = '2')",
    ):  # fmt: skip
        with exactly(FIRST + NOT_BY_KEY.format("ExecuteTransaction")):
            together(SELECT + where)
        [told] = batch(SELECT + where)
        assert told["Error"]["Message"] == NOT_BY_KEY.format("BatchExecuteStatement")


def test_what_no_read_may_say_is_told_first() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html"""
    overlap = "Overlapping conditions with range keys are not supported in where clause"
    with exactly(FIRST + overlap):
        together(f"{SELECT}id IN ['a', 'a'] AND line = '1'")
    values = ", ".join(f"'{number}'" for number in range(101))
    with exactly(
        f"{FIRST}The IN operator is provided with too many operands; number of operands: 101"
    ):
        together(f"{SELECT}id IN [{values}] AND line = '1'")
    values = ", ".join(f"'{number}'" for number in range(51))
    [told] = batch(f"{SELECT}id IN [{values}] AND line = '1'")
    assert told["Error"]["Message"] == "Too many decomposed read operations for a given query."


def test_an_item_is_read_once() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html"""
    one = f"{SELECT}id = 'a' AND line = '1'"
    with exactly("Transaction request cannot include multiple operations on one item"):
        together(one, "SELECT flag FROM lines WHERE line = '1' AND id = 'a'")
    assert len(together(one, f"{SELECT}id = 'a' AND line = '2'")) == 2


def test_reads_and_writes_do_not_mix() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    "The entire transaction must consist of either read statements or write statements, you cannot
    mix both in one transaction. The EXISTS function is an exception"
    """
    with exactly(
        "ExecuteTransaction API does not support both read and write operations in the same "
        "request."
    ):
        together(f"{SELECT}id = 'a' AND line = '1'", f"{UPDATE}id = 'a' AND line = '1'")


# --- conditions -----------------------------------------------------------------------------------


def test_exists_checks_one_item() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ql-functions.exists.html
    "This function can only be used in transactional operations. … The SELECT statement must
    specify a full primary key and one other condition."
    """
    exists = f"EXISTS({SELECT}{{}})"
    write = f"{UPDATE}id = 'a' AND line = '2'"
    together(exists.format("(id = 'a' AND line = '1') AND nope IS MISSING"), write)
    assert named("2")["a"] == {"N": "1"}
    reasons = cancelled(exists.format("id = 'a' AND line = '1' AND flag = 'x'"), write)
    assert reasons[0]["Code"] == "ConditionalCheckFailed"
    assert reasons[0]["Message"] == "The conditional request failed"
    assert reasons[1] == {"Code": "None"}
    for where in (
        "id = 'a' AND line = '1'", "id IN ['a'] AND line = '1' AND flag = 'f1'",
        "id = 'a' AND flag = 'f1'",
    ):  # fmt: skip
        with exactly(FIRST + SINGLE):
            together(exists.format(where), write)
    two = exists.format("id = 'a' AND line = '1' AND id = 'b' AND flag = 'f1'")
    assert [each["Code"] for each in cancelled(two, write)] == ["ConditionalCheckFailed", "None"]
    alone = "EXISTS can only be used in ExecuteTransaction write requests."
    with exactly(alone):
        aws("dynamodb").execute_statement(
            Statement=exists.format("id = 'a' AND line = '1' AND flag = 'f1'")
        )


# --- what is wrong with a statement ---------------------------------------------------------------


def test_a_table_that_there_is_not() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html"""
    missing = {"Code": "ResourceNotFound", "Message": "Requested resource not found"}
    update = "UPDATE nowhere SET a = 1 WHERE id = 'x' AND line = '1'"
    assert cancelled(f"{update} RETURNING ALL NEW *", "DELETE FROM nowhere WHERE id = 'x'") == [
        missing, missing,
    ]  # fmt: skip
    select = f"{SELECT}id = 'a' AND line = '1'"
    assert cancelled(select, 'SELECT * FROM "nowhere"."idx" WHERE id = \'x\'') == [
        {"Code": "None"}, missing,
    ]  # fmt: skip
    told = batch(update, select)
    assert told[0] == {"Error": missing, "TableName": "nowhere"}
    assert told[1]["Item"] == named("1")


def test_what_a_transaction_does_not_do() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExecuteTransaction.html
    It is told even where another table is missing.
    """
    missing = "UPDATE nowhere SET a = 1 WHERE id = 'x' AND line = '1'"
    with exactly(f"{SECOND}RETURNING clause is not supported in ExecuteTransaction."):
        together(missing, f"{UPDATE}id = 'a' AND line = '1' RETURNING ALL NEW *")
    with exactly(f"{SECOND}Reads on indices are not supported within transactions."):
        together("SELECT * FROM nowhere", "SELECT * FROM lines.\"idx\" WHERE id = 'x'")


def test_a_write_that_names_no_item() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_CancellationReason.html"""
    mismatch = {"Code": "ValidationError", "Message": MISMATCH}
    whole = "id = 'a' AND line = '1'"
    reasons = cancelled(
        f"{UPDATE}id = 'a'", f"{UPDATE}id IN ['a'] AND line = '1'",
        f"{UPDATE}{whole} AND id = 'b'", f"{UPDATE}id = 'a' AND line = 1", UPDATE + whole,
    )  # fmt: skip
    assert reasons == [mismatch] * 4 + [{"Code": "None"}]
    reasons = cancelled("INSERT INTO lines VALUE {'id': 'b'}", "DELETE FROM lines WHERE line = '1'")
    assert reasons[0]["Message"] == (
        "One or more parameter values were invalid: Missing the key line in the item"
    )
    assert reasons[1] == mismatch
    assert cancelled(f"{SELECT}id = 'a' AND line = 1") == [mismatch]
    assert "a" not in named("1")


def test_a_batch_of_writes_names_the_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchStatementResponse.html"""
    told = batch(f"{UPDATE}id = 'a' AND line = '1' RETURNING ALL NEW *", f"{UPDATE}id = 'a'")
    assert told[0] == {"TableName": "lines", "Item": named("1")}
    assert told[1]["TableName"] == "lines"
    [told] = batch(f"{SELECT}id = 'a' AND line = 1")
    assert told["Error"]["Message"] == MISMATCH
