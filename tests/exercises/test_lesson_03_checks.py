"""The checks of lesson 03 name what went wrong, for the mistakes that learners make."""

from collections.abc import Callable
from typing import Any

import boto3
import pytest
from dynamodb_encryption_sdk.delegated_keys.jce import JceNameLocalDelegatedKey
from dynamodb_encryption_sdk.encrypted import CryptoConfig
from dynamodb_encryption_sdk.encrypted.item import (
    decrypt_dynamodb_item,
    encrypt_dynamodb_item,
    encrypt_python_item,
)
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider,
)
from dynamodb_encryption_sdk.material_providers.wrapped import (
    WrappedCryptographicMaterialsProvider,
)
from dynamodb_encryption_sdk.structures import AttributeActions, EncryptionContext
from dynamodb_encryption_sdk.transform import ddb_to_dict, dict_to_ddb

from tests.support.handed_in import ORDERS, missing
from workshop_lib.lab import Lab

SIGN_ONLY, DO_NOTHING = CryptoAction.SIGN_ONLY, CryptoAction.DO_NOTHING
DESCRIPTION = "*amzn-ddb-map-desc*"
ORDER = {"customer": "lin", "order_no": 31, "city": "Lyon", "card": "4111 1111"}
KEY = {"customer": "lin", "order_no": 31}
Write = Callable[..., None]


@pytest.fixture
def table(lab: Lab) -> Any:
    name = lab.name("by-hand")
    boto3.client("dynamodb").create_table(
        TableName=name,
        **ORDERS,
        Tags=[{"Key": "exercise", "Value": "3.1"}],
    )
    return boto3.resource("dynamodb").Table(name)


@pytest.fixture
def provider(lab: Lab) -> AwsKmsCryptographicMaterialsProvider:
    return AwsKmsCryptographicMaterialsProvider(
        boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
    )


@pytest.fixture
def write(table: Any, provider: AwsKmsCryptographicMaterialsProvider) -> Write:
    def write(
        item: dict[str, Any] = ORDER,
        cmp: Any = provider,
        city: CryptoAction = SIGN_ONLY,
        card: CryptoAction = CryptoAction.ENCRYPT_AND_SIGN,
        **context: Any,
    ) -> None:
        given = {
            "table_name": table.name,
            "partition_key_name": "customer",
            "sort_key_name": "order_no",
            "attributes": dict_to_ddb(item),
            **context,
        }
        actions = AttributeActions(
            attribute_actions={
                "customer": SIGN_ONLY,
                "order_no": SIGN_ONLY,
                "city": city,
                "card": card,
            }
        )
        config = CryptoConfig(cmp, EncryptionContext(**given), actions)
        table.put_item(Item=encrypt_python_item(item, config))

    return write


def seen(number: str, lab: Lab) -> str:
    return "; ".join(missing(number, lab))


def own_wrapping_key() -> WrappedCryptographicMaterialsProvider:
    key = JceNameLocalDelegatedKey.generate("AES", 256)
    signing = JceNameLocalDelegatedKey.generate("HmacSHA256", 256)
    return WrappedCryptographicMaterialsProvider(signing, key, key)


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({}, ""),
        ({"attributes": {}}, "had no attributes"),
        ({"sort_key_name": None}, "named no sort key"),
        ({"partition_key_name": None}, "named no partition key"),
        ({"table_name": "another"}, "does not unwrap its data key for this table"),
        ({"city": CryptoAction.ENCRYPT_AND_SIGN}, "the city is encrypted"),
        ({"city": DO_NOTHING}, "signature does not verify"),
        ({"card": SIGN_ONLY}, "a plain reader sees the card"),
        ({"cmp": own_wrapping_key()}, "another provider wrote it"),
        ({"item": {**ORDER, "note": "x"}}, "other attributes too: note"),
        ({"item": {**KEY, "city": "Lyon"}}, "the order lin, 31 lacks card"),
        ({"item": {**ORDER, "card": 4111}}, "does not open to a text"),
        ({"item": {**ORDER, "card": ""}}, "its card is an empty text"),
        ({"item": {**ORDER, "order_no": 32}}, "no order with customer lin and order_no 31"),
    ],
)
def test_an_order_written_by_hand(lab: Lab, write: Write, how: Any, named: str) -> None:
    write(**how)
    missed = seen("3.1", lab)
    assert named in missed
    assert bool(named) == bool(missed)


def test_an_order_written_in_plaintext(lab: Lab, table: Any) -> None:
    table.put_item(Item=ORDER)
    assert "written in plaintext" in seen("3.1", lab)


def test_an_order_edited_afterwards(lab: Lab, table: Any, write: Write) -> None:
    write()
    table.put_item(Item={**table.get_item(Key=KEY)["Item"], "city": "Rome"})
    assert "signature does not verify" in seen("3.1", lab)


@pytest.mark.parametrize("description", [b"", b"\0\0\0\0\xff", b"\0\0\0\0\0\0\0\1x"])
def test_a_description_that_is_none(lab: Lab, table: Any, write: Write, description: bytes) -> None:
    write()
    table.put_item(Item={**table.get_item(Key=KEY)["Item"], DESCRIPTION: description})
    assert "not wrapped by KMS" in seen("3.1", lab)


def test_an_order_written_with_the_helper(lab: Lab, table: Any, provider: Any) -> None:
    """By whatever means: what counts is that a correct reader opens it."""
    actions = AttributeActions(attribute_actions={"city": SIGN_ONLY})
    EncryptedTable(table=table, materials_provider=provider, attribute_actions=actions).put_item(
        Item=ORDER
    )
    assert seen("3.1", lab) == ""


def test_a_forged_order(lab: Lab, table: Any, write: Write) -> None:
    """A signature and ciphertext that were made up, beside a genuine description."""
    write()
    item = table.get_item(Key=KEY)["Item"]
    table.put_item(Item={**item, "*amzn-ddb-map-sig*": bytes(32)})
    assert "signature does not verify" in seen("3.1", lab)
    table.put_item(Item={**item, "card": bytes(48)})
    assert "signature does not verify" in seen("3.1", lab)


class TestFromTheStream:
    """Exercise 3.2: what the shop's stream still has, in the archive."""

    ACTIONS = AttributeActions(
        attribute_actions=dict.fromkeys(("customer", "order_no", "city"), SIGN_ONLY)
    )

    @pytest.fixture
    def names(self, lab: Lab, provider: Any) -> tuple[str, str]:
        """The shop's table, whose orders are gone, and the tagged archive: as the lesson does."""
        client = boto3.client("dynamodb")
        stream = {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}
        shop, archive = lab.name("shop"), lab.name("archive")
        client.create_table(TableName=shop, StreamSpecification=stream, **ORDERS)
        tags = [{"Key": "exercise", "Value": "3.2"}]
        client.create_table(TableName=archive, Tags=tags, **ORDERS)
        sales = EncryptedTable(
            table=boto3.resource("dynamodb").Table(shop),
            materials_provider=provider,
            attribute_actions=self.ACTIONS,
        )
        for n, city in enumerate(("Oslo", "Rome", "Lima"), 1):
            key = {"customer": "kim", "order_no": n}
            sales.put_item(Item={**key, "city": city, "card": f"4000 000{n}"})
            sales.delete_item(Key=key)
        return shop, archive

    def images(self, shop: str) -> list[dict[str, Any]]:
        streams = boto3.client("dynamodbstreams")
        arn = boto3.client("dynamodb").describe_table(TableName=shop)["Table"]["LatestStreamArn"]
        shard = streams.describe_stream(StreamArn=arn)["StreamDescription"]["Shards"][0]
        iterator = streams.get_shard_iterator(
            StreamArn=arn, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        records = streams.get_records(ShardIterator=iterator)["Records"]
        return [r["dynamodb"]["NewImage"] for r in records if "NewImage" in r["dynamodb"]]

    def config(self, provider: Any, table: str, item: Any) -> CryptoConfig:
        context = EncryptionContext(table, "customer", "order_no", attributes=item)
        return CryptoConfig(provider, context, self.ACTIONS)

    def orders(self, provider: Any, shop: str) -> list[dict[str, Any]]:
        return [
            decrypt_dynamodb_item(image, self.config(provider, shop, image))
            for image in self.images(shop)
        ]

    def put(self, table: str, item: Any) -> None:
        boto3.client("dynamodb").put_item(TableName=table, Item=item)

    def test_decrypted_and_encrypted_anew(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        assert "no order with customer kim and order_no 1" in seen("3.2", lab)
        for order in self.orders(provider, shop):
            item = encrypt_dynamodb_item(order, self.config(provider, archive, order))
            self.put(archive, item)
        assert seen("3.2", lab) == ""

    def test_under_a_kms_key_of_its_own(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        key = boto3.client("kms").create_key()["KeyMetadata"]["Arn"]
        other = AwsKmsCryptographicMaterialsProvider(key)
        for order in self.orders(provider, shop):
            self.put(archive, encrypt_dynamodb_item(order, self.config(other, archive, order)))
        assert seen("3.2", lab) == ""

    def test_copied_as_they_are(self, lab: Lab, names: Any) -> None:
        shop, archive = names
        for image in self.images(shop):
            self.put(archive, image)
        assert "does not unwrap its data key for this table" in seen("3.2", lab)

    def test_written_in_plaintext(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        for order in self.orders(provider, shop):
            self.put(archive, order)
        assert "written in plaintext" in seen("3.2", lab)

    def test_encrypted_with_the_old_name(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        for order in self.orders(provider, shop):
            self.put(archive, encrypt_dynamodb_item(order, self.config(provider, shop, order)))
        assert "does not unwrap its data key for this table" in seen("3.2", lab)

    def test_one_is_missing(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        for order in self.orders(provider, shop)[:2]:
            self.put(archive, encrypt_dynamodb_item(order, self.config(provider, archive, order)))
        assert "order_no 3" in seen("3.2", lab)

    def test_another_card(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        for order in self.orders(provider, shop):
            order = {**order, "card": {"S": "4000 0009"}}
            self.put(archive, encrypt_dynamodb_item(order, self.config(provider, archive, order)))
        assert "not to what the shop wrote" in seen("3.2", lab)

    def test_the_numbers_swapped(self, lab: Lab, names: Any, provider: Any) -> None:
        """Three genuine orders, each under the number of another one."""
        shop, archive = names
        orders = self.orders(provider, shop)
        for order, other in zip(orders, [*orders[1:], orders[0]], strict=True):
            item = {**order, "order_no": other["order_no"]}
            self.put(archive, encrypt_dynamodb_item(item, self.config(provider, archive, item)))
        assert "not to what the shop wrote" in seen("3.2", lab)

    def test_the_city_encrypted_too(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        keys = dict.fromkeys(("customer", "order_no"), SIGN_ONLY)
        for order in self.orders(provider, shop):
            context = EncryptionContext(archive, "customer", "order_no", attributes=order)
            config = CryptoConfig(provider, context, AttributeActions(attribute_actions=keys))
            self.put(archive, encrypt_dynamodb_item(order, config))
        assert "the city is encrypted" in seen("3.2", lab)

    def test_with_when_it_was_paid(self, lab: Lab, names: Any, provider: Any) -> None:
        """One more attribute: "unchanged" was asked for."""
        shop, archive = names
        for order in self.orders(provider, shop):
            item = {**order, "paid": {"S": "2026-11-29"}}
            self.put(archive, encrypt_dynamodb_item(item, self.config(provider, archive, item)))
        assert "other attributes too: paid" in seen("3.2", lab)

    def test_under_a_key_of_another_region(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        other = far_provider()
        for order in self.orders(provider, shop):
            self.put(archive, encrypt_dynamodb_item(order, self.config(other, archive, order)))
        assert seen("3.2", lab) == ""

    def test_with_the_table_that_encrypts(self, lab: Lab, names: Any, provider: Any) -> None:
        shop, archive = names
        writer = EncryptedTable(
            table=boto3.resource("dynamodb").Table(archive),
            materials_provider=provider,
            attribute_actions=self.ACTIONS,
        )
        for order in self.orders(provider, shop):
            writer.put_item(Item=ddb_to_dict(order))
        assert seen("3.2", lab) == ""


# --- keys of other Regions, and more that a learner may do ---------------------------------------


def far_provider(region: str = "eu-west-1") -> Any:
    key = boto3.client("kms", region_name=region).create_key()["KeyMetadata"]["Arn"]
    return AwsKmsCryptographicMaterialsProvider(key)


def test_a_kms_key_of_another_region_is_right(lab: Lab, write: Write) -> None:
    write(cmp=far_provider())
    assert seen("3.1", lab) == ""


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ({"table_name": "another"}, "does not unwrap its data key for this table"),
        ({"attributes": {}}, "had no attributes"),
        ({"sort_key_name": None}, "named no sort key"),
    ],
)
def test_a_context_that_binds_nothing_is_named_in_any_region(
    lab: Lab, write: Write, how: Any, named: str
) -> None:
    write(cmp=far_provider(), **how)
    assert named in seen("3.1", lab)


def test_a_city_that_was_signed_as_something_else_is_named(
    lab: Lab, table: Any, write: Write
) -> None:
    """The card of one order beside the rest of another: both are genuine."""
    write()
    mine = table.get_item(Key=KEY)["Item"]
    write(item={**ORDER, "card": "4222 2222"})
    theirs = table.get_item(Key=KEY)["Item"]
    table.put_item(Item={**mine, "card": theirs["card"]})
    assert "signature does not verify" in seen("3.1", lab)


def test_an_alias_and_an_order_moved_by_a_transaction_are_right(
    lab: Lab, table: Any, write: Write
) -> None:
    kms = boto3.client("kms")
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/by-hand", TargetKeyId=key)
    write(cmp=AwsKmsCryptographicMaterialsProvider(f"{key.rpartition(':')[0]}:alias/by-hand"))
    item = boto3.client("dynamodb").get_item(TableName=table.name, Key=dict_to_ddb(KEY))["Item"]
    table.delete_item(Key=KEY)
    boto3.client("dynamodb").transact_write_items(
        TransactItems=[{"Put": {"TableName": table.name, "Item": item}}]
    )
    assert seen("3.1", lab) == ""
