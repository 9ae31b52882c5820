"""The checks of lesson 04 name what went wrong, for the mistakes that learners make."""

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.exceptions import ParamValidationError
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted.client import EncryptedClient
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.material_providers.wrapped import (
    WrappedCryptographicMaterialsProvider as Wrapped,
)
from dynamodb_encryption_sdk.structures import AttributeActions

from tests.support.handed_in import ORDERS, missing
from workshop_lib.exercises import examine
from workshop_lib.lab import Lab

DESCRIPTION = "*amzn-ddb-map-desc*"
SIGNATURE = "*amzn-ddb-map-sig*"
ACTIONS = AttributeActions(attribute_actions={"city": CryptoAction.SIGN_ONLY})
OUTRIGHT = (
    "UpdateItem", "TransactWriteItems", "ExecuteStatement", "BatchExecuteStatement",
    "ExecuteTransaction",
)  # fmt: skip


@pytest.fixture
def direct(lab: Lab) -> DirectKms:
    return DirectKms(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def tagged_table(lab: Lab, number: str) -> Any:
    name = lab.name("orders")
    tags = [{"Key": "exercise", "Value": number}]
    boto3.client("dynamodb").create_table(TableName=name, Tags=tags, **ORDERS)
    return boto3.resource("dynamodb").Table(name)


def encrypted(table: Any, provider: Any, actions: AttributeActions = ACTIONS) -> EncryptedTable:
    return EncryptedTable(table=table, materials_provider=provider, attribute_actions=actions)


def seen(number: str, lab: Lab, subject: Any = None) -> str:
    return "; ".join(missing(number, lab, subject))


def refuse(model: Any, **_: Any) -> None:
    raise ParamValidationError(report=f"{model.name} goes past the encryption client.")


def items_of(params: dict[str, Any]) -> list[dict[str, Any]]:
    batches = params.get("RequestItems", {}).values()
    puts = [r["PutRequest"]["Item"] for batch in batches for r in batch if "PutRequest" in r]
    return [*puts, *([params["Item"]] if "Item" in params else [])]


def only_signed(params: dict[str, Any], model: Any, **_: Any) -> None:
    if not all(SIGNATURE in item for item in items_of(params)):
        refuse(model)


Guard = dict[str, Callable[..., None]]
WHOLE: Guard = {
    **dict.fromkeys(OUTRIGHT, refuse),
    "PutItem": only_signed,
    "BatchWriteItem": only_signed,
}


def client_with(guard: Guard, event: str = "provide-client-params") -> Any:
    client = boto3.client("dynamodb")
    for operation, handler in guard.items():
        client.meta.events.register(f"{event}.dynamodb.{operation}", handler)
    return client


class TestTheGuard:
    @pytest.fixture(autouse=True)
    def table(self, lab: Lab, direct: DirectKms) -> Any:
        table = tagged_table(lab, "4.1")
        order = {"customer": "ada", "order_no": 1, "city": "Paris", "card": "4111 1111"}
        encrypted(table, direct).put_item(Item=order)
        return table

    def test_the_whole_guard_and_nothing_is_left_behind(self, lab: Lab, table: Any) -> None:
        before = table.scan()["Items"]
        assert seen("4.1", lab, client_with(WHOLE)) == ""
        assert seen("4.1", lab, client_with({})) != ""
        assert table.scan()["Items"] == before

    def test_each_way_of_the_check_really_writes(self, lab: Lab) -> None:
        """Else a guard would seem to refuse what was never a write."""
        missed = seen("4.1", lab, client_with({}))
        for operation in WHOLE:
            assert operation in missed

    @pytest.mark.parametrize("operation", WHOLE)
    def test_one_operation_forgotten(self, lab: Lab, operation: str) -> None:
        guard = {name: handler for name, handler in WHOLE.items() if name != operation}
        assert seen("4.1", lab, client_with(guard)) == f"plaintext was sent by {operation}"

    def test_a_batch_of_which_the_first_item_is_looked_at(self, lab: Lab) -> None:
        def first_only(params: dict[str, Any], model: Any, **_: Any) -> None:
            if SIGNATURE not in items_of(params)[0]:
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "BatchWriteItem": first_only}))
        assert missed == "plaintext was sent by BatchWriteItem (beside an encrypted item)"

    def test_a_guard_of_the_card_alone(self, lab: Lab) -> None:
        def card(params: dict[str, Any], model: Any, **_: Any) -> None:
            if "S" in params["Item"].get("card", {}):
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "PutItem": card}))
        assert missed == "plaintext was sent by PutItem (of another attribute)"

    def test_expressions_refused_but_not_what_they_replaced(self, lab: Lab) -> None:
        def expression(params: dict[str, Any], model: Any, **_: Any) -> None:
            if "UpdateExpression" in params:
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "UpdateItem": expression}))
        assert missed == "plaintext was sent by UpdateItem (with AttributeUpdates)"

    def test_everything_refused(self, lab: Lab) -> None:
        missed = seen("4.1", lab, client_with({"*": refuse}))
        assert "also refuses what EncryptedClient needs: DescribeTable, PutItem of an" in missed

    def test_puts_refused_outright(self, lab: Lab) -> None:
        missed = seen("4.1", lab, client_with({**WHOLE, "PutItem": refuse}))
        assert missed.endswith("EncryptedClient needs: PutItem of an encrypted item")

    def test_a_guard_that_drops_plain_items_without_a_word(self, lab: Lab) -> None:
        def drop(params: dict[str, Any], **_: Any) -> None:
            for table, requests in params["RequestItems"].items():
                kept = [r for r in requests if SIGNATURE in r["PutRequest"]["Item"]]
                genuine = {"customer": {"S": "ada"}, "order_no": {"N": "1"}}
                params["RequestItems"][table] = kept or [{"DeleteRequest": {"Key": genuine}}]

        missed = seen("4.1", lab, client_with({**WHOLE, "BatchWriteItem": drop}))
        assert "no error, and nothing written: BatchWriteItem" in missed

    @pytest.mark.parametrize("event", ["before-parameter-build", "before-call"])
    def test_other_events_do_as_well(self, lab: Lab, event: str) -> None:
        if event == "before-call":  # the parameters are the request by then
            guard = {**dict.fromkeys(OUTRIGHT, refuse)}
            client = client_with(guard, event)
            for operation in ("PutItem", "BatchWriteItem"):
                client.meta.events.register(
                    f"provide-client-params.dynamodb.{operation}", only_signed
                )
        else:
            client = client_with(WHOLE, event)
        assert seen("4.1", lab, client) == ""

    def test_handlers_of_a_session(self, lab: Lab) -> None:
        session = boto3.Session()
        for operation, handler in WHOLE.items():
            session.events.register(f"provide-client-params.dynamodb.{operation}", handler)
        assert seen("4.1", lab, session.client("dynamodb")) == ""

    def test_another_error_than_the_lesson_raises(self, lab: Lab) -> None:
        def forbid(**_: Any) -> None:
            raise PermissionError("no")

        assert seen("4.1", lab, client_with({**WHOLE, **dict.fromkeys(OUTRIGHT, forbid)})) == ""

    @pytest.mark.parametrize(
        "operation", ["ExecuteStatement", "BatchExecuteStatement", "ExecuteTransaction"]
    )
    @pytest.mark.parametrize("looks", ["for INSERT", "for upper case", "for the card", "at one"])
    def test_a_guard_that_knows_some_statements(self, lab: Lab, operation: str, looks: str) -> None:
        def guard(params: dict[str, Any], model: Any, **_: Any) -> None:
            asked = params.get("Statements") or params.get("TransactStatements") or [params]
            texts = [each["Statement"] for each in asked]
            if looks == "for INSERT":
                bad = any(text.strip().upper().startswith("INSERT") for text in texts)
            elif looks == "for upper case":
                bad = any(text.startswith(("INSERT", "UPDATE")) for text in texts)
            elif looks == "for the card":
                bad = any("card" in text for text in texts)
            else:
                bad = not texts[0].lstrip().lower().startswith("select")
            if bad:
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, operation: guard}))
        if looks == "at one" and operation == "ExecuteStatement":
            assert missed == ""
        else:
            assert missed.startswith(f"plaintext was sent by {operation} (")

    def test_a_batch_of_which_some_items_are_looked_at(self, lab: Lab) -> None:
        def last(params: dict[str, Any], model: Any, **_: Any) -> None:
            if SIGNATURE not in items_of(params)[-1]:
                refuse(model)

        def one_table(params: dict[str, Any], model: Any, **_: Any) -> None:
            [first, *_] = params["RequestItems"].values()
            only_signed({"RequestItems": {"first": first}}, model)

        for guard in (last, one_table):
            missed = seen("4.1", lab, client_with({**WHOLE, "BatchWriteItem": guard}))
            assert missed.startswith("plaintext was sent by BatchWriteItem (")

    def test_an_item_of_which_something_is_binary(self, lab: Lab) -> None:
        def binary(params: dict[str, Any], model: Any, **_: Any) -> None:
            if not any("B" in value for value in params["Item"].values()):
                refuse(model)

        def description(params: dict[str, Any], model: Any, **_: Any) -> None:
            if DESCRIPTION not in params["Item"]:
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "PutItem": binary}))
        assert missed == "plaintext was sent by PutItem (with a binary attribute)"
        missed = seen("4.1", lab, client_with({**WHOLE, "PutItem": description}))
        assert missed == "plaintext was sent by PutItem (with a description, without a signature)"

    @pytest.mark.parametrize("operation", ["PutItem", "UpdateItem"])
    def test_a_table_by_another_name(self, lab: Lab, table: Any, operation: str) -> None:
        """A guard that compares names: a table may be named by its ARN as well."""
        rest = WHOLE[operation]

        def this_table(params: dict[str, Any], model: Any, **_: Any) -> None:
            if params["TableName"] == table.name:
                rest(params=params, model=model)

        missed = seen("4.1", lab, client_with({**WHOLE, operation: this_table}))
        assert missed == f"plaintext was sent by {operation} (by the table's ARN)"

    def test_another_table(self, lab: Lab, table: Any) -> None:
        def this_table(params: dict[str, Any], model: Any, **_: Any) -> None:
            if params["TableName"].endswith(f"{table.name}"):
                only_signed(params, model)

        missed = seen("4.1", lab, client_with({**WHOLE, "PutItem": this_table}))
        assert missed == "plaintext was sent by PutItem (in another table)"

    def test_a_guard_that_says_so_and_lets_pass(self, lab: Lab) -> None:
        said = []

        def warn(params: dict[str, Any], model: Any, **_: Any) -> None:
            said.append(model.name)

        missed = seen("4.1", lab, client_with({**WHOLE, "UpdateItem": warn}))
        assert missed == "plaintext was sent by UpdateItem"
        assert said

    def test_a_guard_that_refuses_all(self, lab: Lab) -> None:
        def never(params: dict[str, Any], model: Any, **_: Any) -> None:
            refuse(model)

        missed = seen("4.1", lab, client_with(dict.fromkeys(WHOLE, never)))
        assert "the client also refuses what EncryptedClient needs" in missed

    def test_an_update_of_the_card_alone(self, lab: Lab) -> None:
        def card(params: dict[str, Any], model: Any, **_: Any) -> None:
            if "card" in str(params):
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "UpdateItem": card}))
        assert missed == "plaintext was sent by UpdateItem (of another attribute)"

    def test_a_transaction_of_which_the_puts_are_looked_at(self, lab: Lab) -> None:
        def puts(params: dict[str, Any], model: Any, **_: Any) -> None:
            if any(SIGNATURE not in t["Put"]["Item"] for t in params["TransactItems"]):
                refuse(model)

        def some(params: dict[str, Any], model: Any, **_: Any) -> None:
            first = params["TransactItems"][0]
            if "Update" in first or SIGNATURE not in first["Put"]["Item"]:
                refuse(model)

        missed = seen("4.1", lab, client_with({**WHOLE, "TransactWriteItems": some}))
        assert missed == "plaintext was sent by TransactWriteItems (beside an encrypted item)"
        assert seen("4.1", lab, client_with({**WHOLE, "TransactWriteItems": puts})) == ""

    @pytest.mark.parametrize("event", ["before-sign", "before-send", "request-created"])
    def test_a_handler_that_reads_the_request(self, lab: Lab, event: str) -> None:
        def read(request: Any, **_: Any) -> None:
            operation = request.headers["X-Amz-Target"]
            operation = operation.decode() if isinstance(operation, bytes) else operation
            name = operation.rpartition(".")[2]
            if name in OUTRIGHT:
                raise PermissionError(name)
            if name in WHOLE:
                for item in items_of(json.loads(request.body or request.data)):
                    if SIGNATURE not in item:
                        raise PermissionError(name)

        client = boto3.client("dynamodb")
        client.meta.events.register(f"{event}.dynamodb", read)
        assert seen("4.1", lab, client) == ""

    def test_a_client_around_another(self, lab: Lab) -> None:
        class Guarded:
            def __init__(self) -> None:
                self.inner = boto3.client("dynamodb")

            def __getattr__(self, name: str) -> Any:
                if name.startswith(("execute", "batch_execute", "transact_w", "update_item")):
                    return self.refuse
                return getattr(self.inner, name)

            def refuse(self, **_: Any) -> None:
                raise PermissionError("goes past the encryption client")

            def put_item(self, **given: Any) -> Any:
                if SIGNATURE not in given["Item"]:
                    self.refuse()
                return self.inner.put_item(**given)

            def batch_write_item(self, **given: Any) -> Any:
                if not all(SIGNATURE in item for item in items_of(given)):
                    self.refuse()
                return self.inner.batch_write_item(**given)

        assert seen("4.1", lab, Guarded()) == ""

    def test_a_resource_and_an_encrypted_client(self, lab: Lab, direct: DirectKms) -> None:
        assert "no client of DynamoDB" in seen("4.1", lab)
        assert "no client of DynamoDB" in seen("4.1", lab, boto3.resource("dynamodb"))
        around = EncryptedClient(client=client_with(WHOLE), materials_provider=direct)
        assert "the check got an EncryptedClient" in seen("4.1", lab, around)

    def test_the_order_is_gone(self, lab: Lab, table: Any) -> None:
        table.delete_item(Key={"customer": "ada", "order_no": 1})
        assert "does not hold ada's encrypted order" in seen("4.1", lab, client_with(WHOLE))


class TestMoved:
    """Exercise 4.2: three orders under another KMS key."""

    @pytest.fixture
    def table(self, lab: Lab, direct: DirectKms) -> Any:
        table = tagged_table(lab, "4.2")
        old = encrypted(table, direct)
        for n, city in enumerate(("Oslo", "Rome", "Lima"), 41):
            key = {"customer": "lin", "order_no": n}
            old.put_item(Item={**key, "city": city, "card": f"4000 00{n}"})
        return table

    @pytest.fixture
    def new_key(self, lab: Lab) -> str:
        tag = {"TagKey": "exercise", "TagValue": "4.2"}
        return str(boto3.client("kms").create_key(Tags=[tag])["KeyMetadata"]["Arn"])

    def move(self, table: Any, old: Any, new: EncryptedTable, count: int = 3) -> None:
        for item in encrypted(table, old).scan()["Items"][:count]:
            new.put_item(Item=item)

    def test_not_yet(self, lab: Lab, table: Any, new_key: str) -> None:
        assert "the order lin, 41 is wrapped by another KMS key" in seen("4.2", lab)

    def test_by_reading_and_writing(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        self.move(table, direct, encrypted(table, DirectKms(new_key)))
        assert seen("4.2", lab) == ""

    def test_named_by_an_alias_and_the_old_key_disabled(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        kms = boto3.client("kms")
        kms.create_alias(AliasName="alias/lin", TargetKeyId=new_key)
        alias = new_key.rpartition(":")[0] + ":alias/lin"
        self.move(table, direct, encrypted(table, DirectKms(alias)))
        for key in kms.list_keys()["Keys"]:
            if key["KeyArn"] != new_key:
                kms.disable_key(KeyId=key["KeyId"])
        assert seen("4.2", lab) == ""

    def test_one_is_left(self, lab: Lab, table: Any, direct: DirectKms, new_key: str) -> None:
        self.move(table, direct, encrypted(table, DirectKms(new_key)), 2)
        assert "the order lin, 43 is wrapped by another KMS key" in seen("4.2", lab)

    def test_under_the_new_key_and_the_city_no_longer_readable(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        self.move(table, direct, encrypted(table, DirectKms(new_key), AttributeActions()))
        assert "the city is encrypted" in seen("4.2", lab)

    def test_under_the_new_key_with_another_card(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        new = encrypted(table, DirectKms(new_key))
        for item in encrypted(table, direct).scan()["Items"]:
            new.put_item(Item={**item, "card": "4000 0000"})
        assert "not to what it was" in seen("4.2", lab)

    def test_under_a_key_of_its_own(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        own = JceNameLocalDelegatedKey.generate("AES", 256)
        signing = JceNameLocalDelegatedKey.generate("HmacSHA256", 256)
        self.move(table, direct, encrypted(table, Wrapped(signing, own, own)))
        assert "was not wrapped by KMS" in seen("4.2", lab)

    def test_the_new_key_is_disabled(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        self.move(table, direct, encrypted(table, DirectKms(new_key)))
        boto3.client("kms").disable_key(KeyId=new_key)
        assert "its key is Disabled" in seen("4.2", lab)

    def test_in_plaintext(self, lab: Lab, table: Any, direct: DirectKms, new_key: str) -> None:
        for item in encrypted(table, direct).scan()["Items"]:
            table.put_item(Item=item)
        assert "written in plaintext" in seen("4.2", lab)

    @pytest.mark.parametrize("how", ["batch", "transaction"])
    def test_by_other_calls(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str, how: str
    ) -> None:
        new = encrypted(table, DirectKms(new_key))
        items = encrypted(table, direct).scan()["Items"]
        if how == "batch":
            with new.batch_writer() as batch:
                for item in items:
                    batch.put_item(Item=item)
        else:
            other = tagged_table(lab, "none")
            for item in items:
                table.delete_item(Key={"customer": "lin", "order_no": item["order_no"]})
                new.put_item(Item=item)
                encrypted(other, direct).put_item(Item=item)
        assert seen("4.2", lab) == ""

    def test_twice(self, lab: Lab, table: Any, direct: DirectKms, new_key: str) -> None:
        """The cell again: a second key with the tag."""
        self.move(table, direct, encrypted(table, DirectKms(new_key)))
        tag = {"TagKey": "exercise", "TagValue": "4.2"}
        again = boto3.client("kms").create_key(Tags=[tag])["KeyMetadata"]["Arn"]
        assert "is wrapped by another KMS key" in seen("4.2", lab)
        self.move(table, DirectKms(new_key), encrypted(table, DirectKms(again)))
        assert seen("4.2", lab) == ""

    def test_moved_and_then_moved_back(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        self.move(table, direct, encrypted(table, DirectKms(new_key)))
        self.move(table, direct, encrypted(table, direct))
        assert "the order lin, 41 is wrapped by another KMS key" in seen("4.2", lab)

    def test_under_a_key_of_another_region(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str
    ) -> None:
        """The tagged key is another one: said with the Region."""
        far = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
        self.move(table, direct, encrypted(table, DirectKms(far)))
        missed = seen("4.2", lab)
        assert f"another KMS key, {far.rpartition('/')[2]} in eu-west-1" in missed

    def test_under_the_tagged_key_of_another_region(
        self, lab: Lab, table: Any, direct: DirectKms
    ) -> None:
        kms = boto3.client("kms", region_name="eu-west-1")
        tag = {"TagKey": "exercise", "TagValue": "4.2"}
        far = kms.create_key(Tags=[tag])["KeyMetadata"]["Arn"]
        self.move(table, direct, encrypted(table, DirectKms(far)))
        assert seen("4.2", lab) == ""

    @pytest.mark.parametrize(
        "lost", ["deleted", "plaintext", "another table", "edited", "no table"]
    )
    def test_what_is_lost_is_made_anew(
        self, lab: Lab, table: Any, direct: DirectKms, new_key: str, lost: str
    ) -> None:
        """The first cell of the exercise makes the orders: nothing else brings them back."""
        key = {"customer": "lin", "order_no": 41}
        stored = table.get_item(Key=key)["Item"]
        if lost == "deleted":
            table.delete_item(Key=key)
        elif lost == "plaintext":
            table.put_item(Item={**key, "city": "Oslo", "card": "4000 0041"})
        elif lost == "another table":
            other = tagged_table(lab, "none")
            encrypted(other, direct).put_item(Item={**key, "city": "Oslo", "card": "4000 0041"})
            table.put_item(Item=other.get_item(Key=key)["Item"])
        elif lost == "edited":
            table.put_item(Item={**stored, "city": "Bonn"})
        else:
            table.delete()
        fix = examine("4.2", lab).steps[-1].fix
        assert fix.startswith("Run the first cell of"), fix
        assert "encrypt_python_item" not in fix

    def test_by_wrapping_the_same_data_keys_anew(self, lab: Lab, table: Any, new_key: str) -> None:
        """The description is not signed, so ReEncrypt is enough, and a good answer too."""
        for item in table.scan()["Items"]:
            table.put_item(Item={**item, DESCRIPTION: rewrapped(table.name, item, new_key)})
        assert seen("4.2", lab) == ""


def rewrapped(table: str, item: Any, key: str) -> bytes:
    """The item's description, its data key wrapped by another KMS key."""
    description = item[DESCRIPTION].value
    start = description.index(b"amzn-ddb-env-key") + 20
    size = int.from_bytes(description[start - 4 : start], "big")
    facts = {
        "*aws-kms-table*": table,
        "customer": item["customer"],
        "order_no": str(item["order_no"]),
        "*amzn-ddb-env-alg*": "AES/256",
        "*amzn-ddb-sig-alg*": "HmacSHA256/256",
    }
    answer = boto3.client("kms").re_encrypt(
        CiphertextBlob=base64.b64decode(description[start : start + size]),
        SourceEncryptionContext=facts,
        DestinationEncryptionContext=facts,
        DestinationKeyId=key,
    )
    wrapped = base64.b64encode(answer["CiphertextBlob"])
    field = len(wrapped).to_bytes(4, "big") + wrapped
    return bytes(description[: start - 4] + field + description[start + size :])
