"""UpdateTable: which changes go together, and which are none.

Texts: the probes of October 2026 (DDB-TABLE-…), where each test names them:
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
"""

from typing import Any

import boto3
import pytest
from botocore.config import Config

from tests.support.dynamodb_tables import (
    LAYOUT,
    aws,
    described,
    exactly,
    invalid,
    later,
    new_table,
    put,
    refused,
)
from workshop_lib.sandbox import clock

ON, OFF = {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}, {"StreamEnabled": False}
ALL = {"ProjectionType": "ALL"}
GUIDE = (
    "Refer to the Amazon DynamoDB Developer Guide for current limits and how to request higher "
    "limits."
)


def units(read: int, write: int) -> dict[str, int]:
    return {"ReadCapacityUnits": read, "WriteCapacityUnits": write}


PROVISIONED: dict[str, Any] = {
    "BillingMode": "PROVISIONED", "ProvisionedThroughput": units(1, 1),
}  # fmt: skip


def index(name: str, attribute: str = "a", **more: Any) -> dict[str, Any]:
    schema = [{"AttributeName": attribute, "KeyType": "HASH"}]
    return {"IndexName": name, "KeySchema": schema, "Projection": ALL, **more}


def attributes(*names: str) -> list[dict[str, str]]:
    return [{"AttributeName": name, "AttributeType": "S"} for name in names]


def indexed(name: str = "orders", *names: str, **more: Any) -> None:
    """A table with global indexes, each on the attribute a."""
    made = [index(each) for each in names or ("gsi1",)]
    if more.get("BillingMode") == "PROVISIONED":
        made = [{**each, "ProvisionedThroughput": units(1, 1)} for each in made]
    definitions = attributes("a", "id")
    new_table(name, AttributeDefinitions=definitions, GlobalSecondaryIndexes=made, **more)


def update(table: str = "orders", **changes: Any) -> dict[str, Any]:
    as_sent = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client: Any = boto3.client("dynamodb", region_name="us-east-1", config=as_sent)
    answer = client.update_table(TableName=table, **changes)
    return dict(answer["TableDescription"])


def updates(*changes: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"GlobalSecondaryIndexUpdates": [*changes], **more}


CREATE = updates({"Create": index("gsi2", "b")}, AttributeDefinitions=attributes("b"))
DELETE = updates({"Delete": {"IndexName": "gsi1"}})

NOTHING = (
    "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
    "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
    "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
    "OnDemandThroughput, WarmThroughput or TableClass is required"
)


@pytest.mark.parametrize("table", ["orders", "none"])
@pytest.mark.parametrize("asked", [{}, updates(), {"AttributeDefinitions": attributes("id")}])
def test_an_update_changes_something(asked: dict[str, Any], table: str) -> None:
    """DDB-TABLE-015, 162, 359: before AWS looks for the table.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    new_table("orders")
    with exactly(NOTHING):
        update(table, **asked)


ONLY = "must be the only operation in the request"
SSE = f"Server-Side Encryption modification {ONLY}"
CLASS = f"TableClass modification {ONLY}"
PROTECTION = f"DeletionProtection modification {ONLY}"
IOPS = "while updating table IOPS"
TOGETHER: dict[str, tuple[dict[str, Any], str]] = {
    "encryption and all": ({"SSESpecification": {"Enabled": True}, "TableClass": "STANDARD",
                            "DeletionProtectionEnabled": True}, SSE),
    "class and protection": ({"TableClass": "STANDARD", "DeletionProtectionEnabled": True}, CLASS),
    "protection and mode": ({"DeletionProtectionEnabled": True, "BillingMode": "PAY_PER_REQUEST"},
                            PROTECTION),
    "protection and warmth": ({"DeletionProtectionEnabled": True,
                               "WarmThroughput": {"ReadUnitsPerSecond": 13000}}, PROTECTION),
    "warmth and stream": ({"WarmThroughput": {"ReadUnitsPerSecond": 13000},
                           "StreamSpecification": ON}, f"WarmThroughput {ONLY}"),
    "caps and stream": ({"OnDemandThroughput": {"MaxReadRequestUnits": 5},
                         "StreamSpecification": ON},
                        "OnDemandThroughput can only be combined with BillingMode in an "
                        "UpdateTable request"),
    "units and stream": ({"ProvisionedThroughput": units(2, 2), "StreamSpecification": ON},
                         f"You cannot modify stream status {IOPS}"),
    "mode and stream": ({**PROVISIONED, "StreamSpecification": ON},
                        f"You cannot modify stream status {IOPS}"),
    "units and a new index": ({**CREATE, "ProvisionedThroughput": units(2, 2)},
                              f"You cannot create or delete index {IOPS}"),
    "units and an old index": ({**DELETE, "ProvisionedThroughput": units(2, 2)},
                               f"You cannot create or delete index {IOPS}"),
    "stream and a new index": ({**CREATE, "StreamSpecification": ON},
                               "You cannot create or delete index while changing stream status"),
    "warmth and a new index": ({**CREATE, "WarmThroughput": {"ReadUnitsPerSecond": 13000}},
                               "Create global secondary index cannot be specified when updating "
                               "WarmThroughput"),
    "protection and a new index": ({**CREATE, "DeletionProtectionEnabled": True}, PROTECTION),
    "no index and protection": ({**updates(), "DeletionProtectionEnabled": True},
                                "List of GlobalSecondaryIndexUpdates is empty"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), TOGETHER.values(), ids=TOGETHER)
def test_what_does_not_go_together(asked: dict[str, Any], message: str) -> None:
    """DDB-TABLE-174, 359, 382, 433: of several it names encryption, then class, then protection.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed()
    before = described("orders")
    with invalid(message):
        update(**asked)
    assert described("orders") == before


def test_what_goes_together() -> None:
    """DDB-TABLE-174, 382, 433

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed(**PROVISIONED)
    update(BillingMode="PAY_PER_REQUEST", StreamSpecification=ON)
    told = described("orders")
    assert told["BillingModeSummary"]["BillingMode"] == "PAY_PER_REQUEST"
    assert told["StreamSpecification"] == ON
    update(BillingMode="PAY_PER_REQUEST", OnDemandThroughput={"MaxReadRequestUnits": 7})
    assert described("orders")["OnDemandThroughput"] == {"MaxReadRequestUnits": 7}
    update(BillingMode="PAY_PER_REQUEST", **CREATE)
    assert [each["IndexName"] for each in described("orders")["GlobalSecondaryIndexes"]] == [
        "gsi1", "gsi2",
    ]  # fmt: skip


ONE = "Only one global secondary index update per index is allowed simultaneously. Index: gsi1"
GSI1 = {"IndexName": "gsi1"}
ACTIONS: dict[str, tuple[list[dict[str, Any]], str]] = {
    "one index twice": ([{"Delete": GSI1}, {"Create": index("gsi1")}], ONE),
    "two actions": ([{"Delete": GSI1, "Update": {**GSI1, "ProvisionedThroughput": units(2, 2)}}],
                    "Only one global secondary index action is allowed per "
                    "GlobalSecondaryIndexUpdate object"),
    "no action": ([{}], "One of GlobalSecondaryIndexUpdate.Update, GlobalSecondaryIndexUpdate."
                  "Create, GlobalSecondaryIndexUpdate.Delete must not be null"),
    "no attribute": ([{"Create": index("gsi2", "b")}],
                     "AttributeDefinitions is not specified for index: gsi2"),
}  # fmt: skip


@pytest.mark.parametrize(("asked", "message"), ACTIONS.values(), ids=ACTIONS)
def test_updates_of_indexes_that_are_none(asked: list[dict[str, Any]], message: str) -> None:
    """DDB-TABLE-160, 162

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed()
    with invalid(message):
        update(GlobalSecondaryIndexUpdates=asked)


def test_one_index_comes_or_goes_at_a_time() -> None:
    """DDB-TABLE-159, 169

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed("orders", "gsi1", "gsi2")
    two = {"Create": index("gsi4")}
    for first in ({"Create": index("gsi3")}, {"Delete": GSI1}):
        with refused("LimitExceededException", "Subscriber limit exceeded: Only 1 online index"):
            update(**updates(first, two, AttributeDefinitions=attributes("a")))
    names = [f"gsi{number:02}" for number in range(20)]
    indexed("full", *names)
    with refused(
        "LimitExceededException",
        "Subscriber limit exceeded: Number of global secondary indexes exceeds per-table limit of "
        "20",
    ):
        update("full", **updates({"Create": index("more")}, AttributeDefinitions=attributes("a")))


def test_an_index_that_is_there_or_not() -> None:
    """DDB-TABLE-375, 380, 442

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    new_table(
        "orders",
        AttributeDefinitions=attributes("a", "id"),
        KeySchema=[*LAYOUT["KeySchema"], {"AttributeName": "a", "KeyType": "RANGE"}],
        LocalSecondaryIndexes=[
            {
                "IndexName": "lsi1",
                "KeySchema": [*LAYOUT["KeySchema"], {"AttributeName": "a", "KeyType": "RANGE"}],
                "Projection": ALL,
            }
        ],
        GlobalSecondaryIndexes=[index("gsi1")],
    )
    none = "Requested resource not found: Index none for table orders"
    with refused("ResourceNotFoundException", none):
        update(**updates({"Delete": {"IndexName": "none"}}))
    with refused("ResourceNotFoundException", none):
        update(**updates({"Update": {"IndexName": "none", "OnDemandThroughput": {
            "MaxReadRequestUnits": 5}}}))  # fmt: skip
    with exactly("Cannot delete an index that is not a GlobalSecondaryIndex: lsi1"):
        update(**updates({"Delete": {"IndexName": "lsi1"}}))
    with exactly("Attempting to create an index which already exists"):
        update(**updates({"Create": index("gsi1")}, AttributeDefinitions=attributes("a")))
    with refused("ResourceNotFoundException", "Requested resource not found: Table: none not"):
        update("none", **updates({"Delete": {"IndexName": "gsi1"}}))


def test_the_attributes_of_keys_come_and_go_with_indexes() -> None:
    """DDB-TABLE-125, 151, 162: in the order of their names; what no key uses is left out.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed()
    put("orders")
    new = {"Create": index("gsi2", "Z")}
    update(**updates(new, AttributeDefinitions=attributes("Z", "unused")))
    assert described("orders")["AttributeDefinitions"] == attributes("Z", "a", "id")
    update(**DELETE, AttributeDefinitions=attributes("left"))
    assert described("orders")["AttributeDefinitions"] == attributes("Z", "id")
    definitions = [{"AttributeName": "id", "AttributeType": "N"}]
    update(DeletionProtectionEnabled=True, AttributeDefinitions=definitions)
    assert described("orders")["AttributeDefinitions"] == attributes("Z", "id")
    assert aws("dynamodb").get_item(TableName="orders", Key={"id": {"S": "1"}})["Item"]


def test_capacity_that_does_not_change() -> None:
    """DDB-TABLE-057, 164, 170

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed(**PROVISIONED)
    same = (
        "Current ReadCapacityUnits provisioned for {0}: 1. Requested ReadCapacityUnits: 1. "
        "Current WriteCapacityUnits provisioned for {0}: 1. Requested WriteCapacityUnits: 1. "
    )
    will_not = "will not change. The requested value equals the current value. "
    told = f"The provisioned throughput for the table {will_not}{same.format('the table')}{GUIDE}"
    for asked in ({"ProvisionedThroughput": units(1, 1)}, PROVISIONED):
        with exactly(told):
            update(**asked)
    told = f"{will_not}{same.format('index gsi1')}{GUIDE}"
    with exactly(f"The provisioned throughput for the index gsi1 {told}"):
        update(**updates({"Update": {**GSI1, "ProvisionedThroughput": units(1, 1)}}))
    with invalid("ProvisionedThroughput must be specified when BillingMode is PROVISIONED"):
        update(BillingMode="PROVISIONED")
    with refused(
        "LimitExceededException",
        "The requested ReadCapacityUnits, 40001, is above the per table maximum for the account "
        "in us-east-1. Per table maximum: 40000.",
    ):
        update(ProvisionedThroughput=units(40001, 1))
    update(ProvisionedThroughput=units(1, 2))
    update(**updates({"Update": {**GSI1, "ProvisionedThroughput": units(3, 1)}}))
    found = described("orders")
    assert found["ProvisionedThroughput"].pop("LastIncreaseDateTime")
    assert found["ProvisionedThroughput"] == {**units(1, 2), "NumberOfDecreasesToday": 0}
    assert found["GlobalSecondaryIndexes"][0]["ProvisionedThroughput"]["ReadCapacityUnits"] == 3


def test_units_fall_four_times_a_day_and_then_once_an_hour() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
    "Decreasing provisioned throughput". As told and answered: DDB-TABLE-184, 185, 326.
    """
    new_table("orders", BillingMode="PROVISIONED", ProvisionedThroughput=units(10, 10))
    now = clock.now()
    noon = now.replace(hour=12, minute=0, second=0, microsecond=0)
    later(seconds=(noon - now).total_seconds() % 86400)
    assert described("orders")["ProvisionedThroughput"].keys() == {
        *units(1, 1),
        "NumberOfDecreasesToday",
    }
    for number in range(4):
        told = update(ProvisionedThroughput=units(9 - number, 10))["ProvisionedThroughput"]
        assert (told["ReadCapacityUnits"], told["NumberOfDecreasesToday"]) == (10 - number, number)
        assert told["LastDecreaseDateTime"]
    last = clock.now()
    day = f"{last:%A, %B} {last.day}, {last.year}"
    told = (
        "Subscriber limit exceeded: Provisioned throughput decreases are limited within a given "
        "UTC day. After the first 4 decreases, each subsequent decrease in the same UTC day can be "
        "performed at most once every 3600 seconds. Number of decreases today: 4. Last decrease at "
        f"{day} at 12:00:00 PM Coordinated Universal Time. Next decrease can be made at {day} at "
        "1:00:00 PM Coordinated Universal Time"
    )
    for asked in (units(5, 10), units(5, 11)):
        with refused("LimitExceededException", told):
            update(ProvisionedThroughput=asked)
    update(ProvisionedThroughput=units(20, 20))
    later(hours=1)
    update(ProvisionedThroughput=units(19, 20))
    with refused("LimitExceededException", "Number of decreases today: 5."):
        update(ProvisionedThroughput=units(18, 20))
    later(hours=10, minutes=30)
    update(ProvisionedThroughput=units(18, 20))
    with refused("LimitExceededException", "Next decrease can be made at", "at 12:00:00 AM"):
        update(ProvisionedThroughput=units(17, 20))
    later(minutes=30)
    assert described("orders")["ProvisionedThroughput"]["NumberOfDecreasesToday"] == 0
    update(ProvisionedThroughput=units(17, 20))


def test_another_way_to_pay_is_for_the_indexes_too() -> None:
    """DDB-TABLE-133, 152, 153, 064: and it forgets what was capped.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed()
    update(OnDemandThroughput={"MaxReadRequestUnits": 9, "MaxWriteRequestUnits": 8})
    update(**updates({"Update": {**GSI1, "OnDemandThroughput": {"MaxReadRequestUnits": 5}}}))
    with invalid(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is "
        "PAY_PER_REQUEST"
    ):
        update(ProvisionedThroughput=units(2, 2))
    gsi1 = {"Update": {**GSI1, "ProvisionedThroughput": units(5, 5)}}
    with invalid(
        "The only Updates for index: gsi1 when TableThroughputMode is PAY_PER_REQUEST can be to "
        "OnDemandThroughput, WarmThroughput"
    ):
        update(**updates(gsi1))
    with invalid("ProvisionedThroughput must be specified for index: gsi1"):
        update(**PROVISIONED)
    told = described("orders")
    assert told["OnDemandThroughput"] == {"MaxReadRequestUnits": 9, "MaxWriteRequestUnits": 8}
    assert told["GlobalSecondaryIndexes"][0]["OnDemandThroughput"] == {"MaxReadRequestUnits": 5}
    assert update(**PROVISIONED, **updates(gsi1))["TableStatus"] == "UPDATING"
    told = described("orders")
    assert "OnDemandThroughput" not in told
    assert "OnDemandThroughput" not in told["GlobalSecondaryIndexes"][0]
    billing = told["BillingModeSummary"]
    assert billing["BillingMode"] == "PROVISIONED"
    assert billing["LastUpdateToPayPerRequestDateTime"] == told["CreationDateTime"]
    with invalid("Both ReadCapacityUnits and WriteCapacityUnits must be specified for index: gsi2"):
        update(**CREATE)
    with invalid(
        "MaxReadRequestUnits for OnDemandThroughput cannot be specified when the table "
        "BillingMode is PROVISIONED"
    ):
        update(OnDemandThroughput={"MaxReadRequestUnits": 5})
    later(hours=1)
    update(BillingMode="PAY_PER_REQUEST")
    told = described("orders")
    for place in (told, told["GlobalSecondaryIndexes"][0]):
        assert place["ProvisionedThroughput"] == {**units(0, 0), "NumberOfDecreasesToday": 0}
    moment = told["BillingModeSummary"]["LastUpdateToPayPerRequestDateTime"]
    assert moment > told["CreationDateTime"]
    with invalid(
        "Neither ReadCapacityUnits nor WriteCapacityUnits can be specified for index: gsi2 when "
        "BillingMode is PAY_PER_REQUEST"
    ):
        new = index("gsi2", "b", ProvisionedThroughput=units(1, 1))
        update(**updates({"Create": new}, AttributeDefinitions=attributes("b")))


def test_caps_come_and_go_one_by_one() -> None:
    """DDB-TABLE-128, 178

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    new_table("orders", OnDemandThroughput={"MaxReadRequestUnits": 1000})
    assert described("orders")["OnDemandThroughput"] == {"MaxReadRequestUnits": 1000}
    update(OnDemandThroughput={"MaxWriteRequestUnits": 500})
    update(OnDemandThroughput={"MaxReadRequestUnits": -1})
    assert described("orders")["OnDemandThroughput"] == {"MaxWriteRequestUnits": 500}
    for value in (0, -2):
        with invalid(
            "Requested MaxWriteRequestUnits for OnDemandThroughput for table is outside of valid "
            "range"
        ):
            update(OnDemandThroughput={"MaxWriteRequestUnits": value})
    update(OnDemandThroughput={"MaxWriteRequestUnits": -1})
    assert "OnDemandThroughput" not in described("orders")
    with invalid(
        "Requested MaxReadRequestUnits for OnDemandThroughput for table is outside of valid range"
    ):
        new_table("others", OnDemandThroughput={"MaxReadRequestUnits": -1})


def test_warmth_never_falls() -> None:
    """DDB-TABLE-134, 155

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed()
    told = "{} is lower than current WarmThroughput, decreasing WarmThroughput is not supported"
    with invalid(told.format("Requested ReadUnitsPerSecond for WarmThroughput for table")):
        update(WarmThroughput={"ReadUnitsPerSecond": 100})
    lower = {"Update": {**GSI1, "WarmThroughput": {"WriteUnitsPerSecond": 100}}}
    with invalid(told.format("Requested WriteUnitsPerSecond for WarmThroughput for index gsi1")):
        update(**updates(lower))
    update(WarmThroughput={"ReadUnitsPerSecond": 13000})
    warm = described("orders")["WarmThroughput"]
    assert (warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]) == (13000, 4000)


def test_warmth_begins_with_what_there_is() -> None:
    """DDB-TABLE-061, 128, 437: as warm as what is paid for, or as anything begins on demand.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/warm-throughput.html
    """
    told = (
        "Requested WriteUnitsPerSecond for WarmThroughput for {} is lower than initial throughput "
        "for OnDemand"
    )
    with invalid(f"{told.format('table')}. See: https://docs.aws.amazon.com/"):
        new_table("orders", WarmThroughput={"WriteUnitsPerSecond": 3999})
    cold = index("gsi1", WarmThroughput={"WriteUnitsPerSecond": 3999})
    with invalid(told.format("index gsi1")):
        new_table(
            "orders", AttributeDefinitions=attributes("a", "id"), GlobalSecondaryIndexes=[cold]
        )
    with invalid(
        "Requested ReadUnitsPerSecond for WarmThroughput for table is lower than ReadCapacityUnits "
        "of ProvisionedThroughput"
    ):
        new_table(
            "orders", BillingMode="PROVISIONED", ProvisionedThroughput=units(10, 10),
            WarmThroughput={"ReadUnitsPerSecond": 5},
        )  # fmt: skip
    new_table("warm", WarmThroughput={"ReadUnitsPerSecond": 12001})
    new_table("orders", **PROVISIONED)

    def warmth(table: str) -> tuple[int, int]:
        warm = described(table)["WarmThroughput"]
        return warm["ReadUnitsPerSecond"], warm["WriteUnitsPerSecond"]

    assert (warmth("warm"), warmth("orders")) == ((12001, 4000), (1, 1))
    for asked, bears in ((3, 3), (1, 3)):
        update(ProvisionedThroughput=units(asked, asked))
        assert warmth("orders") == (bears, bears)
    nothing: dict[str, Any] = {}
    for empty in ({"WarmThroughput": nothing}, {"OnDemandThroughput": nothing}):
        with refused("InternalFailure", status=500):
            aws("dynamodb").update_table(TableName="warm", **empty)
    with invalid(
        "WarmThroughput must have at least one of ReadUnitsPerSecond or WriteUnitsPerSecond "
        "specified for index: gsi1"
    ):
        update("none", **updates({"Update": {**GSI1, "WarmThroughput": {}}}))


def test_an_index_leaves_out_what_does_not_fit() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/GSI.OnlineOps.ViolationDetection.html
    what was written before the index was there
    """
    new_table("orders")
    values: Any = [{"S": "fits"}, {"N": "1"}, {"S": ""}, {"S": "x" * 2049}, None]
    for place, value in enumerate(values):
        item = {"id": {"S": str(place)}, **({} if value is None else {"b": value})}
        aws("dynamodb").put_item(TableName="orders", Item=item)
    update(**CREATE)
    found = aws("dynamodb").scan(TableName="orders", IndexName="gsi2")["Items"]
    assert found == [{"id": {"S": "0"}, "b": {"S": "fits"}}]


def test_a_key_keeps_its_type() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    Text: seen of AWS by https://github.com/scylladb/scylladb, test/alternator/
    test_gsi_updatetable.py
    """
    indexed()
    number = [{"AttributeName": "a", "AttributeType": "N"}]
    with invalid(
        "Attributes cannot be redefined. Please check that your attribute has the same type as "
        "previously defined. Existing schema: Schema:[SchemaElement: key{a:S:HASH}] New schema: "
        "Schema:[SchemaElement: key{a:N:HASH}]"
    ):
        update(**updates({"Create": index("gsi2")}, AttributeDefinitions=number))


def test_the_class_of_a_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/WorkingWithTables.tableclasses.html
    "No more than two table class updates … are allowed in a 30-day trailing period." As told:
    DDB-TABLE-028, 052, 177, 283, 443.
    """
    assert "TableClassSummary" not in new_table("orders")
    assert new_table("rare", TableClass="STANDARD_INFREQUENT_ACCESS")["TableClassSummary"] == {
        "TableClass": "STANDARD_INFREQUENT_ACCESS"
    }
    for ask in (new_table, update):
        with exactly(
            "Invalid table-class parameter provided. Please try again with a valid table-class "
            "value: [STANDARD, STANDARD_INFREQUENT_ACCESS]."
        ):
            ask("orders", TableClass="standard")
    update(TableClass="STANDARD")
    assert "TableClassSummary" not in described("orders"), "it was of this class"
    told = update(TableClass="STANDARD_INFREQUENT_ACCESS")
    assert (told["TableStatus"], "TableClassSummary" in told) == ("UPDATING", False)
    summary = described("orders")["TableClassSummary"]
    assert summary["TableClass"] == "STANDARD_INFREQUENT_ACCESS"
    later(days=1)
    update(TableClass="STANDARD_INFREQUENT_ACCESS")
    assert described("orders")["TableClassSummary"] == summary
    update(TableClass="STANDARD")
    changed = described("orders")["TableClassSummary"]
    assert changed["TableClass"] == "STANDARD"
    assert changed["LastUpdateDateTime"] > summary["LastUpdateDateTime"]
    for table_class in ("STANDARD", "STANDARD_INFREQUENT_ACCESS"):
        with refused("LimitExceededException", "Subscriber limit exceeded: Updates to TableClass "
                     "are limited to 2 times in 30 day(s)."):  # fmt: skip
            update(TableClass=table_class)
    later(days=29)
    update(TableClass="STANDARD_INFREQUENT_ACCESS")
    aws("dynamodb").delete_table(TableName="orders")
    assert "TableClassSummary" not in new_table("orders")


def test_a_stream_says_what_it_tells() -> None:
    """DDB-TABLE-029, 442

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    new_table("orders")
    with invalid("If stream is being enabled then UpdateViewType is required"):
        update(StreamSpecification={"StreamEnabled": True})
    with invalid("If stream is being disabled, then UpdateViewType must not be specified"):
        update(StreamSpecification={**OFF, "StreamViewType": "KEYS_ONLY"})
    with invalid("Table is being created with a stream enabled, UpdateViewType is required"):
        new_table("others", StreamSpecification={"StreamEnabled": True})
    with invalid(
        "Table is being created with a stream disabled, UpdateViewType should not be specified"
    ):
        new_table("others", StreamSpecification={**OFF, "StreamViewType": "KEYS_ONLY"})


def test_a_protected_table_stays() -> None:
    """DDB-TABLE-030, 166: its indexes are not protected.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    """
    indexed(DeletionProtectionEnabled=True)
    update(DeletionProtectionEnabled=True)
    with exactly(
        "Resource cannot be deleted as it is currently protected against deletion. Disable "
        "deletion protection first."
    ):
        aws("dynamodb").delete_table(TableName="orders")
    update(**DELETE)
    update(DeletionProtectionEnabled=False)
    aws("dynamodb").delete_table(TableName="orders")
