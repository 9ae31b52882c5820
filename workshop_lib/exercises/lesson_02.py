"""Exercises of lesson 02: DynamoDB client-side encryption."""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import ClientError

from workshop_lib.exercises.circumstances import Fact, role_may
from workshop_lib.exercises.client_items import (
    DESCRIPTION,
    SIGNATURE,
    NotOpened,
    OpenedItem,
    open_item,
)
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.policies import conditions, role_statements
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import is_ciphertext, not_readable

LAYOUT = {"customer": "S", "order_no": "N"}
_ORDER = {"customer": {"S": "lin"}, "order_no": {"N": "21"}}
_SECRET = ("card", "phone")
_REFUSED = "AccessDeniedException"
_ITEMS = ("dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem")
_PARTIQL = ("dynamodb:PartiQLInsert", "dynamodb:PartiQLUpdate")
_ALL_ALLOWED = {"Effect": "Allow", "Action": "dynamodb:*", "Resource": "*"}

Item = dict[str, Any]
Statement = Callable[[], str]
Ways = Mapping[str, Callable[[], object]]
"""Ways to write plaintext, {what it is called: the call}."""


@exercise("2.1", "a readable city, and the rest secret")
def readable_city(inspection: Inspection) -> None:
    """Order lin/21 of the tagged table: the client signed the city and encrypted card and phone."""
    described = inspection.table()
    name = described["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    inspection.keyed(described, LAYOUT, "1a")
    item = _stored(name, _ORDER)
    inspection.require(
        item,
        passed="it holds the order lin, 21",
        failed="it holds no order with customer lin and order_no 21",
        fix='Write it through an EncryptedTable: put_item(Item={"customer": "lin", …}).',
    )
    absent = [attribute for attribute in ("city", *_SECRET) if attribute not in item]
    inspection.require(
        not absent,
        passed="the order has a city, a card and a phone",
        failed=f"the order lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the order again.",
    )
    inspection.require(
        DESCRIPTION in item,
        passed="there is a material description",
        failed="it was written without the encryption client: there is no material description",
        fix="Write through EncryptedTable(…).put_item, not through the plain table.",
    )
    inspection.expect(
        "S" in item["city"],
        passed="a plain reader sees the city",
        failed="the city is not readable as text, so the index cannot find it",
        fix='Add "city": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    readable = [name for name in _SECRET if not is_ciphertext(item[name].get("B"))]
    inspection.require(
        not readable,
        passed="a plain reader sees ciphertext in card and phone",
        failed=f"a plain reader sees {' and '.join(readable)}",
        fix="Let ENCRYPT_AND_SIGN be the default action, and make no exception for them.",
    )
    opened = _opened(inspection, name, item)
    unsure = [name for name in _SECRET if name not in opened.encrypted]
    inspection.require(
        not unsure,
        passed="card and phone open under the data key of the order, which KMS unwraps",
        failed=f"{' and '.join(unsure)}: bytes that this client did not encrypt",
        fix="Give the client the plaintext and let it encrypt: ENCRYPT_AND_SIGN.",
    )
    open_to_change = [name for name in (*LAYOUT, "city") if name not in opened.signed]
    inspection.expect(
        not open_to_change,
        passed="the signature fits, and covers the city",
        failed=f"the signature does not cover {' and '.join(open_to_change)}: whoever may write "
        "can change it, and nobody notices",
        fix="Take SIGN_ONLY in place of DO_NOTHING.",
    )
    plain = {each: item[each] for each in (*opened.signed, *opened.unsigned)}
    plain |= {each: {} for each in opened.encrypted}  # of these only the names
    for secret in _SECRET:
        not_readable(inspection, name, _ORDER, plain, secret, opened.plaintext[secret])


def _opened(inspection: Inspection, table: str, item: Item) -> OpenedItem:
    try:
        return open_item(table, list(LAYOUT), item, inspection.lab.regions())
    except NotOpened as error:
        inspection.fail(
            f"no reader opens the order: {error}",
            "Write it through EncryptedTable(…).put_item with a provider of AWS KMS, and leave "
            "what is stored as it is.",
        )


@exercise("2.2", "a writer that cannot leak through PartiQL")
def no_partiql(inspection: Inspection) -> None:
    """The tagged role puts items, and is refused PartiQL even when all of DynamoDB is allowed."""
    trial = _Trial(inspection)
    trial.may_put(trial.any(), "the role may put items")
    trial.passes_none(
        trial.by_partiql(),
        _PARTIQL,
        passed="PartiQL is refused, although a second policy allowed all of DynamoDB",
        fix="Another policy may add an Allow at any time: what wins over it? Let it cover each "
        "way that is listed here.",
    )


@exercise("2.3", "a writer that writes nothing but signed items")
def signed_items_only(inspection: Inspection) -> None:
    """The tagged role puts what the client signed, and is refused every other way to write."""
    trial = _Trial(inspection)
    signed = trial.signed()
    trial.may_put(signed, "the role may put an item that the client has signed")
    trial.passes_none(
        {**trial.by_items(signed), **trial.by_partiql()},
        (*_ITEMS, *_PARTIQL),
        passed="every way past the client is refused, although a second policy allowed all of "
        "DynamoDB",
        fix="Which permission does each way need that is listed here? And what has a signed item "
        "that a plain one lacks?",
    )


class _Trial:
    """The tagged role, and what it is let do to the table of exercise 2.1 under a new key."""

    def __init__(self, inspection: Inspection) -> None:
        self._inspection = inspection
        self._role = inspection.role()
        inspection.passed(f"the role {self._role['RoleName']} carries the tag")
        self._session = inspection.become(self._role)
        self._writer = self._session.client("dynamodb")
        described = inspection.table("2.1")
        inspection.keyed(described, LAYOUT, "1a")
        self._table, self._arn = described["TableName"], described["TableArn"]
        # a policy may be about one customer, and let another one through
        self._customers = (f"check-{secrets.token_hex(4)}", _ORDER["customer"]["S"])
        self._customer = self._customers[0]
        self._attribute = f"card_{secrets.token_hex(2)}"
        named = _named_attributes(self._role["RoleName"])
        self._signature_too = ("card", *sorted({SIGNATURE, DESCRIPTION, *named} - set(LAYOUT)))
        self._made = 10**9 + secrets.randbelow(10**9)  # no order of the learner's
        self._keys: list[Item] = []

    def plain(self) -> Item:
        """A new item in plaintext."""
        return {**self._key(), self._attribute: {"S": "4111 1111 1111 1111"}}

    def unsigned(self) -> Item:
        """A new item in plaintext that has all that a policy may look for but the signature."""
        names = [name for name in self._signature_too if name != SIGNATURE]
        return {**self._key(), **{name: {"S": "4111 1111 1111 1111"} for name in names}}

    def any(self) -> Item:
        """A new item like that of exercise 2.1; in plaintext if there is none."""
        return {**(_stored(self._table, _ORDER) or self.plain()), **self._key()}

    def signed(self) -> Item:
        """A new item as the client would send it: signature and material description with it."""
        order = _stored(self._table, _ORDER)
        self._inspection.require(
            SIGNATURE in order and DESCRIPTION in order,
            passed="the table of exercise 2.1 holds an order that the client signed",
            failed="the table of exercise 2.1 holds no order that the client signed",
            fix="Do exercise 2.1 first.",
        )
        return {**order, **self._key()}

    def may_put(self, item: Item, passed: str) -> None:
        """The role may put it, by its own policies."""
        with self._undone():
            allowed = _allowed(lambda: self._put(item))
        self._inspection.expect(
            allowed,
            passed=passed,
            failed=passed.replace(" may ", " may not "),
            fix="Allow it dynamodb:PutItem on the table of exercise 2.1.",
        )

    def by_items(self, signed: Item) -> Ways:
        """PutItem, UpdateItem, batches and transactions."""
        there = {"TableName": self._table}

        def change(*names: str) -> Item:
            return {
                "Key": self._key(),
                "UpdateExpression": "SET "
                + ", ".join(f"#n{place} = :value" for place in range(len(names))),
                "ExpressionAttributeNames": {f"#n{n}": name for n, name in enumerate(names)},
                "ExpressionAttributeValues": {":value": {"S": "4111 1111 1111 1111"}},
            }

        def batch(*items: Item) -> object:
            requests = [{"PutRequest": {"Item": item}} for item in items]
            return self._writer.batch_write_item(RequestItems={self._table: requests})

        def transact(**asked: Item) -> object:
            return self._writer.transact_write_items(TransactItems=[asked])

        alone, too = (self._attribute,), self._signature_too
        return {
            "PutItem without a signature": lambda: self._put(self.plain()),
            "PutItem without a signature, with a description": lambda: self._put(self.unsigned()),
            "UpdateItem": lambda: self._writer.update_item(**there, **change(*alone)),
            "UpdateItem that sets a signature": lambda: self._writer.update_item(
                **there, **change(*too)
            ),
            "BatchWriteItem": lambda: batch(self.plain()),
            "BatchWriteItem with a signed item among others": lambda: batch(
                {**signed, **self._key()}, self.plain()
            ),
            "TransactWriteItems with a Put": lambda: transact(Put={**there, "Item": self.plain()}),
            "TransactWriteItems with an Update": lambda: transact(
                Update={**there, **change(*alone)}
            ),
            "TransactWriteItems with an Update that sets a signature": lambda: transact(
                Update={**there, **change(*too)}
            ),
        }

    def by_partiql(self) -> Ways:
        """INSERT and UPDATE: alone, in a batch, in a transaction; of one attribute, or of more."""

        def insert(*names: str) -> str:
            values = {"customer": f"'{self._customer}'", "order_no": self._number()}
            values |= dict.fromkeys(names, "'4111'")
            written = ", ".join(f"'{name}': {value}" for name, value in values.items())
            return f'INSERT INTO "{self._table}" VALUE {{{written}}}'

        def update(*names: str) -> str:
            item = self.plain()
            boto3.client("dynamodb").put_item(
                TableName=self._table, Item=item
            )  # there has to be one
            where = f"customer='{self._customer}' AND order_no={item['order_no']['N']}"
            changes = " ".join(f"SET \"{name}\"='5500'" for name in names)
            return f'UPDATE "{self._table}" {changes} WHERE {where}'

        def alone(statement: Statement) -> object:
            return self._writer.execute_statement(Statement=statement())

        def in_a_batch(statement: Statement) -> None:
            asked = [{"Statement": statement()}]
            _each_answered(self._writer.batch_execute_statement(Statements=asked))

        def in_a_transaction(statement: Statement) -> object:
            asked = [{"Statement": statement()}]
            return self._writer.execute_transaction(TransactStatements=asked)

        return {
            f"a PartiQL {what}{of}{where}": partial(run, partial(statement, *names))
            for what, statement in (("INSERT", insert), ("UPDATE", update))
            for of, names in (
                ("", (self._attribute,)),
                (" of a card", ("card",)),
                (" with a signature", self._signature_too),
            )
            for where, run in (
                ("", alone),
                (" in a batch", in_a_batch),
                (" in a transaction", in_a_transaction),
            )
        }

    def passes_none(self, ways: Ways, actions: Sequence[str], *, passed: str, fix: str) -> None:
        """With all of DynamoDB allowed the role is refused each of them, and cannot help it.

        actions: what the ways need permission for; that the role lacks, at any time.
        """
        with self._undone(), _everything_allowed(self._role["RoleName"]):
            through = [what for what, call in ways.items() if self._passes(call)]
            loosened = not through and self._without_the_table_s_policy(ways)
        self._inspection.require(
            not through,
            passed=passed,
            failed="with a second policy that allows dynamodb:*, the role wrote plaintext by "
            + ", ".join(through),
            fix=fix,
        )
        if loosened:
            self._inspection.fail(
                "with a second policy that allows dynamodb:*, the role deleted the table's own "
                "policy, and then wrote plaintext",
                "Write the Deny into the policies of the role: it cannot change those.",
            )
        one_day = next(self._one_day(actions), None)
        if one_day:
            self._inspection.fail(
                f"with a second policy that allows dynamodb:*, the role may call {one_day}",
                "What is to be refused always needs a Deny that no such condition ends.",
            )

    def _one_day(self, actions: Sequence[str]) -> Iterator[str]:
        """What the role may call in circumstances that its policies name, and in which."""
        written = ["customer", "order_no", self._attribute]
        asked: list[dict[str, Fact]] = [
            {
                "dynamodb:Attributes": written,
                "dynamodb:LeadingKeys": [self._customer],
                "dynamodb:EnclosingOperation": enclosing,
            }
            for enclosing in (None, "TransactWriteItems")
        ]
        found = role_may(
            self._role, self._arn, *actions, more=[_ALL_ALLOWED], asked=asked, fixed=["dynamodb:"]
        )
        yield from (f"{action}{where}" for action, where in found)

    def _passes(self, call: Callable[[], object]) -> bool:
        """Whether the call is allowed for one of the customers."""
        for customer in self._customers:
            self._customer = customer
            if _allowed(call):
                return True
        return False

    def _without_the_table_s_policy(self, ways: Ways) -> bool:
        """Whether the role can take the table's policy away, and writes then."""
        admin = boto3.client("dynamodb")
        try:
            policy = admin.get_resource_policy(ResourceArn=self._arn)["Policy"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "PolicyNotFoundException":
                raise
            return False
        if not _allowed(lambda: self._writer.delete_resource_policy(ResourceArn=self._arn)):
            return False
        try:
            return any(self._passes(call) for call in ways.values())
        finally:
            admin.put_resource_policy(ResourceArn=self._arn, Policy=policy)

    def _put(self, item: Item) -> object:
        return self._writer.put_item(TableName=self._table, Item=item)

    def _key(self) -> Item:
        return {"customer": {"S": self._customer}, "order_no": {"N": self._number()}}

    def _number(self) -> str:
        self._made += 1
        self._keys.append({"customer": {"S": self._customer}, "order_no": {"N": str(self._made)}})
        return str(self._made)

    @contextmanager
    def _undone(self) -> Iterator[None]:
        """What is written within the block is deleted after it."""
        try:
            yield
        finally:
            for key in self._keys:
                boto3.client("dynamodb").delete_item(TableName=self._table, Key=key)


def _named_attributes(role_name: str) -> set[str]:
    """The attributes that the conditions of a role's policies name."""
    return {
        value
        for statement in role_statements(role_name)
        for condition in conditions(statement)
        if condition.key.lower() == "dynamodb:attributes"
        for value in condition.values
        if not set(value) & set("'\"*?")
    }


def _stored(table: str, key: Item) -> Item:
    answer = boto3.client("dynamodb").get_item(TableName=table, Key=key, ConsistentRead=True)
    item: Item = answer.get("Item", {})
    return item


def _each_answered(answer: Mapping[str, Any]) -> None:
    """Raise the error of a statement in a batch, as if it had been alone."""
    for response in answer["Responses"]:
        if error := response.get("Error"):
            code = _REFUSED if error["Code"] == "AccessDenied" else error["Code"]
            raise ClientError(
                {"Error": {"Code": code, "Message": error.get("Message", "")}},
                "BatchExecuteStatement",
            )


def _allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as error:
        if not _is_refusal(error):
            raise
        return False
    return True


def _is_refusal(error: ClientError) -> bool:
    """AccessDenied; a transaction may name it as the reason of one of its parts."""
    if error.response["Error"]["Code"] == _REFUSED:
        return True
    reasons: Any = error.response.get("CancellationReasons", ())
    return any(str(reason.get("Code", "")).startswith("AccessDenied") for reason in reasons)


@contextmanager
def _everything_allowed(role: str) -> Iterator[None]:
    """Within the block, the role has a policy that allows all of DynamoDB."""
    name = {"RoleName": role, "PolicyName": f"exercise-check-{secrets.token_hex(4)}"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [_ALL_ALLOWED]})
    iam = boto3.client("iam")
    iam.put_role_policy(**name, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(**name)
