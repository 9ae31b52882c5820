"""Which key protects a table: chosen at creation, switched later.

Where no AWS page tells, the rule is what AWS answered in October 2026 to the probes of an AWS
controller project (DDB-TABLE-…):
https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks
"""

from typing import Any

import pytest

from tests.support.dynamodb_tables import (
    ACCOUNT,
    KEY,
    LAYOUT,
    aws,
    described,
    enabled,
    encryption,
    get,
    invalid,
    later,
    new_key,
    new_table,
    put,
    refused,
    switch,
    under,
)

NOWHERE = "00000000-0000-4000-8000-000000000000"


def managed_key() -> str:
    return str(aws("kms").describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]["Arn"])


# --- at creation --------------------------------------------------------------------------


@pytest.mark.parametrize("specification", [None, {}, {"Enabled": False}])
def test_the_aws_owned_key_does_not_show(specification: Any) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    DDB-TABLE-044
    """
    answer = new_table("orders", specification)
    assert "SSEDescription" not in answer
    assert answer["TableStatus"] == "CREATING"
    assert encryption("orders") is None


@pytest.mark.parametrize(
    "specification", [{"Enabled": True}, {"SSEType": "KMS"}, under("alias/aws/dynamodb")]
)
def test_the_aws_managed_key(specification: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html"""
    answer = new_table("orders", specification)
    key = aws("kms").describe_key(KeyId="alias/aws/dynamodb")["KeyMetadata"]
    assert key["KeyManager"] == "AWS"
    assert answer["SSEDescription"] == encryption("orders") == enabled(key["Arn"])


def test_a_customer_managed_key_by_id_arn_and_alias() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html
    An alias is resolved at the write: pointing it elsewhere moves no table (DDB-TABLE-078).
    """
    arn = new_key()
    aws("kms").create_alias(AliasName="alias/orders", TargetKeyId=arn)
    for number, name in enumerate([arn, arn.rpartition("/")[2], "alias/orders"]):
        new_table(f"orders-{number}", under(name))
        assert encryption(f"orders-{number}") == enabled(arn)
    aws("kms").update_alias(AliasName="alias/orders", TargetKeyId=new_key())
    assert encryption("orders-2") == enabled(arn)


SHAPES = [
    ({"Enabled": False, "SSEType": "KMS"}, "SSEType can not be specified if Enabled is false"),
    (
        {"Enabled": False, "KMSMasterKeyId": NOWHERE},
        "KMSMasterKeyId can not be specified if Enabled is false",
    ),
    (
        {"Enabled": True, "KMSMasterKeyId": NOWHERE},
        "SSEType KMS is required if KMSMasterKeyId is specified",
    ),
    ({"Enabled": True, "SSEType": "AES256"}, "SSEType AES256 is not supported"),
]


@pytest.mark.parametrize(("specification", "message"), SHAPES)
def test_specifications_that_contradict_themselves(specification: Any, message: str) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSESpecification.html
    DDB-TABLE-036, DDB-TABLE-031
    """
    with invalid(message):
        new_table("orders", specification)
    assert aws("dynamodb").list_tables()["TableNames"] == []
    new_table("orders")
    with invalid(message):
        switch("orders", **specification)


def disabled_key() -> str:
    arn = new_key()
    aws("kms").disable_key(KeyId=arn)
    return arn


def doomed_key() -> str:
    arn = new_key()
    aws("kms").schedule_key_deletion(KeyId=arn)
    return arn


def s3_key() -> str:
    return "alias/aws/s3"


UNUSABLE = [
    (disabled_key, "ValidationException", 400, "KMS key disabled error: ", "DisabledException"),
    (
        doomed_key, "ValidationException", 400, "KMS validation error: ",
        "KMSInvalidStateException",
    ),
    (lambda: NOWHERE, "ValidationException", 400, "KMS validation error: ", "NotFoundException"),
    (
        lambda: "alias/nowhere", "ValidationException", 400, "KMS validation error: ",
        "NotFoundException",
    ),
    (
        lambda: f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/{NOWHERE}", "ValidationException", 400,
        "KMS validation error: ", "NotFoundException",
    ),
    (s3_key, "AccessDeniedException", 400, "KMS key access denied error: ", "AWSKMSException"),
    (
        lambda: new_key(KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT"), "InternalServerError", 500,
        "KMS internal error: ", "AWSKMSException",
    ),
    (
        lambda: new_key(KeySpec="HMAC_256", KeyUsage="GENERATE_VERIFY_MAC"), "InternalServerError",
        500, "KMS internal error: ", "AWSKMSException",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("make", "code", "status", "words", "named"), UNUSABLE)
def test_an_unusable_key_leaves_nothing_behind(
    make: Any, code: str, status: int, words: str, named: str
) -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html
    Codes and texts: DDB-TABLE-020, DDB-TABLE-021, DDB-TABLE-461
    """
    key = make()
    text = f"{words}com.amazonaws.services.kms.model.{named}: "
    with refused(code, text, "(Service: AWSKMS; Status Code: 400; Error Code: ", status=status):
        new_table("orders", under(key))
    assert aws("dynamodb").list_tables()["TableNames"] == []
    new_table("orders")
    with refused(code, text, status=status):
        switch("orders", **under(key))
    assert encryption("orders") is None
    assert described("orders")["TableStatus"] == "ACTIVE"


def test_the_whole_text_of_a_refusal() -> None:
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html
    DDB-TABLE-331, DDB-TABLE-461
    """
    arn = disabled_key()
    with refused(
        "ValidationException",
        f"KMS key disabled error: com.amazonaws.services.kms.model.DisabledException: {arn} is "
        "disabled. (Service: AWSKMS; Status Code: 400; Error Code: DisabledException; Request ID: ",
        "; Proxy: null)",
    ):
        new_table("orders", under(arn))


# --- switching ----------------------------------------------------------------------------


def test_a_switch_shows_the_old_key_first() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SSEDescription.html
    Phases: DDB-TABLE-140
    """
    old, new = new_key(), new_key()
    new_table("orders", under(old))
    assert switch("orders", **under(new)) == {**enabled(old), "Status": "UPDATING"}
    assert described("orders")["TableStatus"] == "ACTIVE"
    assert encryption("orders") == {**enabled(old), "Status": "UPDATING"}
    later(seconds=10)
    assert encryption("orders") == {**enabled(new), "Status": "UPDATING"}
    later(seconds=13)
    assert encryption("orders") == enabled(new)


def test_from_the_aws_owned_key_and_back() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.tutorial.html
    DDB-TABLE-140
    """
    new_table("orders")
    assert switch("orders", Enabled=True) == {"Status": "UPDATING"}
    later(minutes=1)
    assert encryption("orders") == enabled(managed_key())
    switch("orders", Enabled=False)
    later(seconds=15)
    assert encryption("orders") == {"Status": "UPDATING"}
    later(minutes=1)
    assert encryption("orders") is None


def test_items_stay_readable_through_switches() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.howitworks.html"""
    old, new = new_key(), new_key()
    new_table("orders", under(old))
    put("orders")
    switch("orders", **under(new))
    later(minutes=1)
    aws("kms").disable_key(KeyId=old)
    later(minutes=10)
    assert get("orders") is not None
    assert encryption("orders") == enabled(new)


def test_the_same_key_again() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    Only the ARN in force is refused; by id or alias the table is encrypted anew (DDB-TABLE-082).
    """
    arn = new_key()
    new_table("orders", under(arn))
    with invalid(
        "Table is already encrypted with given KMSMasterKeyId. Use KMSMasterKeyId parameter if "
        "you want to change Master Key"
    ):
        switch("orders", **under(arn))
    assert switch("orders", **under(arn.rpartition("/")[2]))["Status"] == "UPDATING"
    new_table("default")
    for specification in ({"Enabled": False}, {}):
        with invalid("Table is already encrypted by default"):
            switch("default", **specification)


def test_while_a_switch_goes_on() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    DDB-TABLE-065, DDB-TABLE-120
    """
    new_table("orders")
    switch("orders", Enabled=True)
    in_use = "Attempt to change a resource which is still in use: "
    with refused(
        "ResourceInUseException", f"{in_use}Server-Side Encryption is still being updated"
    ):
        switch("orders", Enabled=False)
    with refused(
        "ResourceInUseException", f"{in_use}Table: orders is in the process of being updated."
    ):
        aws("dynamodb").delete_table(TableName="orders")
    assert switch("orders", Enabled=True) == {"Status": "UPDATING"}
    aws("dynamodb").update_table(TableName="orders", DeletionProtectionEnabled=False)
    later(seconds=23)
    deleted = aws("dynamodb").delete_table(TableName="orders")["TableDescription"]
    assert deleted["TableStatus"] == "DELETING"


def test_four_switches_in_a_day_then_one_in_six_hours() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    Text and order: DDB-TABLE-081, DDB-TABLE-443
    """
    new_table("orders")
    for turn in range(4):
        switch("orders", Enabled=turn % 2 == 0)
        later(minutes=1)
    with refused(
        "LimitExceededException",
        "Subscriber limit exceeded: Encryption mode changes are limited in the 24h window ending ",
        "After the first 4 change, each subsequent change in the same window can be performed at "
        "most once every 21600 seconds. Number of updates today: 4. Last change at ",
    ):
        switch("orders", **under(NOWHERE))
    later(hours=6)
    switch("orders", Enabled=True)
    later(hours=1)
    with refused("LimitExceededException", "Number of updates today: 5."):
        switch("orders", Enabled=True)
    later(hours=18)
    for _ in range(4):
        switch("orders", Enabled=True)
        later(minutes=1)
    with refused("LimitExceededException"):
        switch("orders", Enabled=True)


def test_back_to_the_aws_owned_key_at_any_time() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    "You can switch encryption keys to use an AWS owned key as often as necessary, even if the above
    quota has been exhausted." It counts all the same: DDB-TABLE-140, T1.
    """
    new_table("orders")
    for _ in range(4):
        switch("orders", Enabled=True)
        later(minutes=1)
    assert switch("orders", Enabled=False) == {**enabled(managed_key()), "Status": "UPDATING"}
    later(minutes=1)
    assert encryption("orders") is None
    with refused("LimitExceededException", "Number of updates today: 5. Last change at "):
        switch("orders", Enabled=True)


def test_a_refused_switch_is_not_counted() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
    DDB-TABLE-139
    """
    new_table("orders")
    for _ in range(6):
        with refused("ValidationException"):
            switch("orders", **under(NOWHERE))
    assert switch("orders", Enabled=True) == {"Status": "UPDATING"}


def test_encryption_is_changed_alone() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateTable.html
    DDB-TABLE-442
    """
    new_table("orders")
    with invalid("Server-Side Encryption modification must be the only operation in the request"):
        aws("dynamodb").update_table(
            TableName="orders", SSESpecification={"Enabled": True}, DeletionProtectionEnabled=True
        )
    with refused(
        "ValidationException",
        "At least one of ProvisionedThroughput, BillingMode, UpdateStreamEnabled, "
        "GlobalSecondaryIndexUpdates, SSESpecification, ReplicaUpdates, MultiAccountReplicaReady, "
        "ReplicaTransitRoleArn, MultiRegionConsistency, DeletionProtectionEnabled, "
        "OnDemandThroughput, WarmThroughput or TableClass is required",
    ):
        aws("dynamodb").update_table(TableName="orders")


def test_quotas_and_keys_die_with_the_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DeleteTable.html
    DDB-TABLE-377
    """
    new_table("orders")
    for turn in range(4):
        switch("orders", Enabled=turn % 2 == 0)
        later(minutes=1)
    aws("dynamodb").delete_table(TableName="orders")
    new_table("orders")
    assert encryption("orders") is None
    assert switch("orders", Enabled=True) == {"Status": "UPDATING"}


# --- what else carries the setting --------------------------------------------------------


def test_indexes_and_streams_leave_the_setting_alone() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html"""
    old, new, dynamodb = new_key(), new_key(), aws("dynamodb")
    new_table("orders", under(old))
    switch("orders", **under(new))
    later(minutes=1)
    definitions = [*LAYOUT["AttributeDefinitions"], {"AttributeName": "card", "AttributeType": "S"}]
    index = {
        "IndexName": "by-card",
        "KeySchema": [{"AttributeName": "card", "KeyType": "HASH"}],
        "Projection": {"ProjectionType": "ALL"},
    }
    changes: list[dict[str, Any]] = [
        {
            "AttributeDefinitions": definitions,
            "GlobalSecondaryIndexUpdates": [{"Create": index}],
        },
        {"StreamSpecification": {"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"}},
    ]
    for change in changes:
        answer = dynamodb.update_table(TableName="orders", **change)["TableDescription"]
        assert answer["SSEDescription"] == enabled(new)
    assert encryption("orders") == enabled(new)


def test_a_backup_keeps_the_key_and_a_restore_has_it() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/encryption.usagenotes.html
    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_SourceTableFeatureDetails.html
    """
    arn, other, dynamodb = new_key(), new_key(), aws("dynamodb")
    new_table("orders", under(arn))
    put("orders")
    backup = dynamodb.create_backup(TableName="orders", BackupName="monday")["BackupDetails"]
    switch("orders", Enabled=False)
    later(minutes=1)
    found = dynamodb.describe_backup(BackupArn=backup["BackupArn"])["BackupDescription"]
    assert found["SourceTableFeatureDetails"]["SSEDescription"] == enabled(arn)
    overrides = [(None, arn), (under(other), other), ({"Enabled": False}, None)]
    for number, (override, expected) in enumerate(overrides):
        more = {} if override is None else {"SSESpecificationOverride": override}
        dynamodb.restore_table_from_backup(
            TargetTableName=f"again-{number}", BackupArn=backup["BackupArn"], **more
        )
        assert encryption(f"again-{number}") == (enabled(expected) if expected else None)
        assert dynamodb.get_item(TableName=f"again-{number}", Key=KEY)["Item"]


def test_a_restore_to_a_point_in_time_has_the_key_of_now() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableToPointInTime.html"""
    arn, dynamodb = new_key(), aws("dynamodb")
    new_table("orders", under(arn))
    wanted = {"SourceTableName": "orders", "UseLatestRestorableTime": True}
    with refused("PointInTimeRecoveryUnavailableException"):
        dynamodb.restore_table_to_point_in_time(TargetTableName="again", **wanted)
    dynamodb.update_continuous_backups(
        TableName="orders", PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True}
    )
    dynamodb.restore_table_to_point_in_time(TargetTableName="again", **wanted)
    assert encryption("again") == enabled(arn)


def test_a_restore_under_an_unusable_key_makes_no_table() -> None:
    """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_RestoreTableFromBackup.html
    DDB-TABLE-461
    """
    new_table("orders")
    dynamodb = aws("dynamodb")
    backup = dynamodb.create_backup(TableName="orders", BackupName="monday")["BackupDetails"]
    with refused("ValidationException", "KMS key disabled error: "):
        dynamodb.restore_table_from_backup(
            TargetTableName="again",
            BackupArn=backup["BackupArn"],
            SSESpecificationOverride=under(disabled_key()),
        )
    assert dynamodb.list_tables()["TableNames"] == ["orders"]
