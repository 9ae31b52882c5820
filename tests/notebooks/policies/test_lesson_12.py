"""The cases of lesson 12: the smallest policies are enough, and no more than that."""

import boto3
import pytest
from dynamodb_encryption_sdk.encrypted.table import EncryptedTable
from dynamodb_encryption_sdk.exceptions import UnwrappingError
from dynamodb_encryption_sdk.identifiers import CryptoAction
from dynamodb_encryption_sdk.material_providers.aws_kms import (
    AwsKmsCryptographicMaterialsProvider as DirectKms,
)
from dynamodb_encryption_sdk.structures import AttributeActions

from tests.support.lessons import LESSONS
from tests.support.production import blocks, confirm, role_session, with_names
from workshop_lib import start_lab

(LESSON,) = (path for path in LESSONS if path.stem.endswith("_choose_an_encryption"))
KEY = "arn:aws:kms:us-east-1:111122223333:key/EXAMPLE"
TABLE = "arn:aws:dynamodb:us-east-1:111122223333:table/patients"
PATIENT = {"patient_id": "p-1", "ward": "north", "diagnosis": "broken arm"}


def new_key() -> str:
    return str(boto3.client("kms").create_key()["KeyMetadata"]["Arn"])


def test_a_partner_who_brings_and_does_not_take() -> None:
    lab = start_lab()
    key, s3, inbox = new_key(), boto3.client("s3"), lab.name("inbox")
    s3.create_bucket(Bucket=inbox)
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key}
    rule = {"ApplyServerSideEncryptionByDefault": default, "BucketKeyEnabled": False}
    s3.put_bucket_encryption(Bucket=inbox, ServerSideEncryptionConfiguration={"Rules": [rule]})
    names = {KEY: key, "arn:aws:s3:::inbox": f"arn:aws:s3:::{inbox}"}
    smallest = with_names(blocks(LESSON, "json")["The smallest policy of the partner"], names)

    def bring(session: boto3.Session) -> None:
        session.client("s3").put_object(Bucket=inbox, Key="delivery", Body=b"goods")

    confirm(lab, smallest, bring)
    everything = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    mistaken = role_session(lab, smallest, {"Version": "2012-10-17", "Statement": [everything]})
    with pytest.raises(Exception, match="AccessDenied"):
        mistaken.client("s3").get_object(Bucket=inbox, Key="delivery")


def test_a_desk_that_reads_patients() -> None:
    lab = start_lab()
    key = new_key()
    table = boto3.resource("dynamodb").create_table(
        TableName=lab.name("patients"),
        KeySchema=[{"AttributeName": "patient_id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "patient_id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )

    def client(session: boto3.Session) -> EncryptedTable:
        kms = session.client("kms")
        return EncryptedTable(
            table=session.resource("dynamodb").Table(table.name),
            materials_provider=DirectKms(key_id=key, regional_clients={"us-east-1": kms}),
            attribute_actions=AttributeActions(attribute_actions={"ward": CryptoAction.SIGN_ONLY}),
        )

    client(lab.session()).put_item(Item=PATIENT)
    title = "The smallest policy of the hospital's desk"
    smallest = with_names(blocks(LESSON, "json")[title], {KEY: key, TABLE: table.table_arn})

    def read(session: boto3.Session) -> None:
        try:
            got = client(session).get_item(Key={"patient_id": "p-1"})["Item"]
        except UnwrappingError as error:
            raise error.__context__ or error from None  # what KMS answered
        assert got == PATIENT

    confirm(lab, smallest, read)
