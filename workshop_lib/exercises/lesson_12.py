"""Exercises of lesson 12: four cases, each with the encryption that fits it."""

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import boto3
from boto3.dynamodb.conditions import Key
from boto3.dynamodb.types import Binary
from botocore.exceptions import ClientError

from workshop_lib.display.formatting import as_text
from workshop_lib.exercises import key_use
from workshop_lib.exercises.bucket_trials import (
    answered_without_tls,
    callers,
    loopholes,
    obstacles,
)
from workshop_lib.exercises.circumstances import open_elsewhere
from workshop_lib.exercises.client_items import (
    DESCRIPTION,
    SIGNATURE,
    Attributes,
    NotOpened,
    OpenedItem,
    open_item,
)
from workshop_lib.exercises.inspection import Inspection
from workshop_lib.exercises.registry import exercise
from workshop_lib.exercises.stored_items import holds, not_readable, plaintext_of
from workshop_lib.exercises.trial_uploads import TRY, delete, refused, refuses_plain_http

KMS_HEADER: dict[str, str] = {"ServerSideEncryption": "aws:kms"}
_METHODS = {
    "AES256": {"ServerSideEncryption": "AES256"},
    "aws:kms and no key, which takes the AWS managed one,": KMS_HEADER,
    "aws:kms:dsse": {"ServerSideEncryption": "aws:kms:dsse"},
}
"""What an upload may ask for in place of the bucket's default, by what it is called."""
_BROUGHT = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": bytes(range(32))}
_HEAD = 6  # bytes before a text, as the client serializes it: type and length
_READABLE = ("S", "N", "SS", "NS", "L", "M")


@exercise("12.1", "a diagnosis that DynamoDB never receives, in a ward that it finds")
def hospital(inspection: Inspection) -> None:
    """Item p-1 of the tagged table: ward readable, diagnosis ciphertext, all signed, key from KMS.

    The item is opened with the KMS key, and its signature computed anew.
    """
    table, item = _patient(inspection)
    secret = "B" in item["diagnosis"]
    if DESCRIPTION not in item or SIGNATURE not in item:
        if secret:
            inspection.fail(
                "the diagnosis is ciphertext, but the item is not signed: an edited ward, or "
                "another patient's diagnosis, would not be noticed",
                "Let the DynamoDB Encryption Client encrypt and sign the item. (With KMS Encrypt, "
                "KMS would also read the diagnosis.)",
            )
        inspection.fail(
            "DynamoDB received the diagnosis in plaintext; no key of the table changes that",
            "Encrypt before DynamoDB: write with the DynamoDB Encryption Client.",
        )
    inspection.expect(
        secret,
        passed="the diagnosis is ciphertext",
        failed="the diagnosis is readable: SIGN_ONLY and DO_NOTHING hide nothing",
        fix="Make no exception for it: ENCRYPT_AND_SIGN is the default action.",
    )
    inspection.expect(
        "B" not in item["ward"],
        passed="its ward is readable, so a search for it finds the patient",
        failed="a search for a ward finds nobody, and says nothing: the ward is ciphertext",
        fix='Add "ward": CryptoAction.SIGN_ONLY to the attribute actions.',
    )
    opened = _opened(inspection, table, item)
    inspection.passed("KMS unwraps its data key, and the signature fits this patient")
    if secret:
        inspection.require(
            len(opened.plaintext.get("diagnosis", b"")) > _HEAD,
            passed="its diagnosis opens under that data key",
            failed="the diagnosis is bytes that the client did not encrypt, or is empty",
            fix="Give the client some words as diagnosis, and let it encrypt them: "
            "ENCRYPT_AND_SIGN.",
        )
    inspection.expect(
        not opened.unsigned,
        passed="every attribute is signed: a change is noticed",
        failed=f"not signed: {', '.join(opened.unsigned)}. Whoever may write can change that, and "
        "nobody notices",
        fix="CryptoAction.SIGN_ONLY leaves an attribute readable and signs it; DO_NOTHING does "
        "neither.",
    )
    _stays_secret(inspection, table, item, opened)


def _opened(inspection: Inspection, table: str, item: Attributes) -> OpenedItem:
    try:
        return open_item(table, ["patient_id"], item, inspection.lab.regions())
    except NotOpened as reason:
        if "no KMS key" in str(reason):
            inspection.fail(
                f"{reason}: it hangs on a key in your process",
                "Use the Direct KMS provider, or the caching one over it.",
            )
        inspection.fail(
            f"the patient cannot be read: {reason}",
            "Write p-1 again through the encryption client, and leave what it stored as it is.",
        )


def _stays_secret(inspection: Inspection, table: str, item: Attributes, opened: OpenedItem) -> None:
    """The diagnosis stands in no other attribute, and no other patient's is readable."""
    text = plaintext_of(opened.plaintext.get("diagnosis", b""))
    copies = [
        name
        for name in (*opened.signed, *opened.unsigned)
        if text and name not in ("diagnosis", "patient_id") and holds(item[name], text)
    ]
    inspection.expect(
        not copies,
        passed="no readable attribute holds the diagnosis as well",
        failed=f"the diagnosis also stands readable in {' and '.join(copies)}",
        fix="Leave that attribute out, or encrypt it too.",
    )
    pages = boto3.client("dynamodb").get_paginator("scan").paginate(TableName=table)
    others = [
        next(iter(each["patient_id"].values()))
        for page in pages
        for each in page["Items"]
        if _readable(each.get("diagnosis", {})) and each["patient_id"] != item["patient_id"]
    ]
    if others:
        inspection.fail(
            f"the diagnosis of {others[0]} is readable in the same table",
            "Write every patient through the encryption client, or delete that one.",
        )
    keys = {"patient_id": item["patient_id"]}
    names: Attributes = {each: {} for each in item}
    secret = opened.plaintext.get("diagnosis", b"")
    not_readable(inspection, table, keys, names, "diagnosis", secret)


def _readable(value: Mapping[str, Any]) -> bool:
    data = value.get("B")
    if data is not None:
        return as_text(bytes(data)) is not None
    return any(kind in _READABLE for kind in value)


def _patient(inspection: Inspection) -> tuple[str, Attributes]:
    """The name of the tagged table, and patient p-1 as it is stored."""
    description = inspection.table()
    name: str = description["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    schema = [(key["AttributeName"], key["KeyType"]) for key in description["KeySchema"]]
    kinds = {kind["AttributeName"]: kind["AttributeType"] for kind in _kinds(description)}
    inspection.require(
        schema == [("patient_id", "HASH")] and kinds["patient_id"] == "S",
        passed="its key is patient_id",
        failed="its key is "
        + " and ".join(f"{attribute} ({kinds[attribute]})" for attribute, _ in schema),
        fix="Make a table with patient_id, a text (S), as its partition key, and no sort key.",
    )
    key = {"patient_id": {"S": "p-1"}}
    answer = boto3.client("dynamodb").get_item(TableName=name, Key=key, ConsistentRead=True)
    item: Attributes = answer.get("Item", {})
    inspection.require(
        item,
        passed="it holds the patient p-1",
        failed="it holds no patient p-1",
        fix='Write one: put_item(Item={"patient_id": "p-1", "ward": "north", "diagnosis": …}).',
    )
    absent = [attribute for attribute in ("ward", "diagnosis") if attribute not in item]
    inspection.require(
        not absent,
        passed="the patient has a ward and a diagnosis",
        failed=f"the patient lacks {' and '.join(absent)}",
        fix="Add what is lacking and write the patient again.",
    )
    return name, item


def _kinds(table: dict[str, Any]) -> list[dict[str, str]]:
    kinds: list[dict[str, str]] = table["AttributeDefinitions"]
    return kinds


@exercise("12.2", "an archive under one key, cheap to ask for")
def archive(inspection: Inspection) -> None:
    """The tagged bucket: SSE-KMS by default with a Bucket Key; no upload chooses otherwise.

    Uploads are tried as the administrator and as somebody new, under names of several kinds.
    """
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    rule = _default(bucket)
    key = _default_key(inspection, rule)
    inspection.expect(
        rule.get("BucketKeyEnabled"),
        passed="its Bucket Key is enabled",
        failed="its Bucket Key is not enabled: each upload and download would be a KMS request",
        fix='Put "BucketKeyEnabled": True beside ApplyServerSideEncryptionByDefault.',
    )
    with callers() as sessions:
        people = {"you": sessions["you"], "an agent": sessions["another role"]}
        _takes_silent_uploads(inspection, bucket, people)
        others: list[tuple[str, dict[str, str]]] = [
            *((f"with {what}", headers) for what, headers in _METHODS.items()),
            ("that names another key", {**KMS_HEADER, "SSEKMSKeyId": _another(key["Arn"])}),
        ]
        for what, headers in others:
            let_in = _let_in(inspection, bucket, people, headers)
            inspection.expect(
                not let_in,
                passed=f"an upload {what} is refused, whoever makes it",
                failed=f"an upload {what} passes the policy{_by(let_in)}",
                fix=f'Deny s3:PutObject to "Principal": "*" on arn:aws:s3:::{bucket}/* where the '
                'header s3:x-amz-server-side-encryption is there at all: "Null" with "false".',
            )
        _refuses_brought_keys(inspection, bucket, people)
        if all(step.ok for step in inspection.steps):
            wrong: list[dict[str, Any]] = [headers for _, headers in others]
            if not _is_blocked(rule):
                wrong.append(_BROUGHT)
            open_to = (
                how
                for headers in wrong
                for how in loopholes(inspection, sessions, bucket, headers, {})
            )
            found = next(open_to, "")
            inspection.expect(
                not found,
                passed="that holds for copies and uploads in parts, too, for everybody and always",
                failed=f"another method is let through all the same: {found}",
                fix='Deny s3:PutObject to "Principal": "*" on all objects of the bucket, /*, with '
                "no other condition than that on the header.",
            )
            refused_too = obstacles(inspection, sessions, bucket, {})
            inspection.expect(
                not refused_too,
                passed="an upload that names no method is accepted from everybody",
                failed="an upload that names no method is refused here: "
                + ", ".join(refused_too[:1]),
                fix="Let the Deny look at the encryption header, and at nothing else.",
            )


def _takes_silent_uploads(
    inspection: Inspection, bucket: str, people: dict[str, boto3.Session]
) -> None:
    """An upload without a header is stored; a key policy may still leave new people out."""
    found = {who: list(_uploaded(inspection, bucket, one, {})) for who, one in people.items()}
    by_policy = [
        who
        for who, outcomes in found.items()
        if any("resource-based policy" in outcome for outcome in outcomes)
        or (who == "you" and outcomes != ["stored"] * len(outcomes))
    ]
    inspection.require(
        not by_policy,
        passed="an upload that names no method is accepted",
        failed="an upload that names no method is refused: the agents could not write",
        fix="A negated operator is true for an absent header. Refuse requests that carry one: "
        '"Null": {"s3:x-amz-server-side-encryption": "false"}.',
    )


def _let_in(
    inspection: Inspection, bucket: str, people: dict[str, boto3.Session], headers: dict[str, Any]
) -> list[str]:
    """Who is not refused an upload with these headers, under every name."""
    return [
        who
        for who, session in people.items()
        if any(
            not outcome.startswith("AccessDenied")
            for outcome in _uploaded(inspection, bucket, session, headers)
        )
    ]


def _by(people: list[str]) -> str:
    """Nothing where everybody was let in; else who was."""
    return "" if len(people) != 1 else f" if it comes from {people[0]}"


def _uploaded(
    inspection: Inspection, bucket: str, session: boto3.Session, headers: dict[str, Any]
) -> Iterator[str]:
    """Upload under several new names: "stored", or code and message. All of it is deleted again."""
    word = secrets.token_hex(4)
    for name in (f"{TRY}-{word}", f"logs/2026/11/{word}.log"):
        try:
            client = session.client("s3")
            stored = client.put_object(Bucket=bucket, Key=name, Body=b"x", **headers)
        except ClientError as error:
            yield f"{error.response['Error']['Code']}: {error.response['Error']['Message']}"
            continue
        too_much = (
            "the policy refuses the deletion of an object, which carries no such header",
            'Let "Action" of the statement about uploads be s3:PutObject alone.',
        )
        with inspection.asking({"AccessDenied": too_much}):
            delete(bucket, name, stored)
        yield "stored"


@exercise("12.3", "a leaderboard that costs nothing to encrypt")
def leaderboard(inspection: Inspection) -> None:
    """The tagged table: AWS owned key, plain items, an index that sorts a game by its score."""
    table = inspection.table()
    name = table["TableName"]
    inspection.passed(f"the table {name} carries the tag")
    sse = table.get("SSEDescription")
    inspection.require(
        sse is None,
        passed="it is encrypted under the AWS owned key, which is free: it has no SSEDescription",
        failed="it is encrypted under a KMS key: everybody may read these scores, so its requests "
        "would be paid for nothing",
        fix='Leave SSESpecification out; for this table, update_table(…, SSESpecification={"Enabled'
        '": False}), then lab.later(minutes=1).',
    )
    resource = boto3.resource("dynamodb").Table(name)
    items = resource.scan()["Items"]
    inspection.require(
        not any(_is_encrypted(item) for item in items),
        passed="its items are stored as they are",
        failed="its items are encrypted by the client: KMS requests for nothing, and ciphertext "
        "cannot be sorted",
        fix="Write with the plain table.",
    )
    index = _index(inspection, table)
    rows = resource.query(
        IndexName=index, KeyConditionExpression=Key("game").eq("chess"), ScanIndexForward=False
    )["Items"]
    scores = [str(row["score"]) for row in rows]
    by_name = any("player" in item for item in items)
    if by_name and not all("player" in row for row in rows):
        inspection.fail(
            "a query of the index does not return the players: they are not projected into it",
            'Let its Projection be {"ProjectionType": "ALL"}, or make player the table\'s key.',
        )
    found = len({str(row["player"]) for row in rows}) if by_name else len(rows)
    inspection.expect(
        found >= 3,
        passed=f"the best scores of chess come first: {', '.join(scores[:3])}",
        failed=f"the index finds {found} of the three players of chess",
        fix='Write three items with "game": "chess", each with its player and a number as score.',
    )


def _is_encrypted(item: Mapping[str, Any]) -> bool:
    """Whether the client wrote the item, or what is asked for is bytes in it."""
    asked = (item.get(name) for name in ("player", "game", "score"))
    return DESCRIPTION in item or any(isinstance(value, Binary) for value in asked)


def _index(inspection: Inspection, table: dict[str, Any]) -> str:
    """The name of the index whose keys are game and score, a number."""
    wanted = [("game", "HASH"), ("score", "RANGE")]
    indexes = ("GlobalSecondaryIndexes", "LocalSecondaryIndexes")
    for index in (index for kind in indexes for index in table.get(kind, [])):
        if [(key["AttributeName"], key["KeyType"]) for key in index["KeySchema"]] == wanted:
            break
    else:
        inspection.fail(
            "it has no index with the partition key game and the sort key score",
            "Add it to GlobalSecondaryIndexes, or to LocalSecondaryIndexes if game is already the "
            "table's partition key: a query can sort by a sort key only.",
        )
    kinds = {kind["AttributeName"]: kind["AttributeType"] for kind in _kinds(table)}
    inspection.require(
        kinds["score"] == "N",
        passed=f"its index {index['IndexName']} sorts a game by score, a number",
        failed=f"the score is of the type {kinds['score']}: as text, 9 comes after 10",
        fix='Let "AttributeType" of score be "N".',
    )
    name: str = index["IndexName"]
    return name


@exercise("12.4", "a partner who can bring and cannot take")
def shared(inspection: Inspection) -> None:
    """The tagged role uploads into the tagged bucket; the key keeps it from reading."""
    bucket = inspection.bucket()
    inspection.passed(f"the bucket {bucket} carries the tag")
    rule = _default(bucket)
    key = _default_key(inspection, rule)
    if rule.get("BucketKeyEnabled"):
        inspection.passed(
            "its Bucket Key is enabled; on AWS uploads may then need kms:Decrypt too, so you had "
            "better do without it"
        )
    role = inspection.role()
    session = inspection.become(role)
    partner = session.client("s3")
    name = f"{TRY}-{secrets.token_hex(4)}"
    with _an_object(inspection, bucket, name):
        # before it uploads: who has just used a Bucket Key may be let in by it once more
        _reads_nothing(inspection, partner, role["RoleName"], bucket, name)
    _reads_no_other_method(inspection, partner, bucket)
    _decrypts_one_day(inspection, role, key["Arn"], bucket)
    _gives_itself_nothing(inspection, session, role, key["Arn"])
    _uploads(inspection, partner, bucket, name)
    refuses_plain_http(inspection, bucket)
    with callers() as sessions:
        colleague = sessions["another role"]
        plain = colleague.client("s3", use_ssl=False)
        inspection.expect(
            refused(lambda: plain.list_objects_v2(Bucket=bucket))
            and refused(lambda: plain.delete_object(Bucket=bucket, Key=name)),
            passed="somebody else without TLS is refused too",
            failed="somebody else is answered without TLS",
            fix='Let the Deny name "Principal": "*".',
        )
        answered = answered_without_tls(inspection, sessions, bucket, {})
        inspection.expect(
            not answered,
            passed="so is every other call without TLS",
            failed=f"without TLS this is answered: {', '.join(answered[:1])}",
            fix='Deny "s3:*" to "Principal": "*", on the bucket and on its objects.',
        )
        people = {"you": sessions["you"], "somebody else": colleague}
        _refuses_brought_keys(inspection, bucket, people)
        if not _is_blocked(rule) and all(step.ok for step in inspection.steps):
            brought = loopholes(inspection, sessions, bucket, _BROUGHT, {})
            inspection.expect(
                not brought,
                passed="that holds for everybody, always, and for copies too",
                failed=f"SSE-C is let through all the same: {', '.join(brought[:1])}",
                fix='Block it in the bucket\'s setting, or deny it to "Principal": "*" on all '
                "objects of the bucket, /*.",
            )


@contextmanager
def _an_object(inspection: Inspection, bucket: str, name: str) -> Iterator[None]:
    """Within the block the bucket holds an object of the administrator's."""
    refusal = (
        "an upload of yours, without a header, is refused by the bucket's policy",
        "Let the policy deny what comes without TLS, and nothing else.",
    )
    with inspection.asking({"AccessDenied": refusal}):
        stored = boto3.client("s3").put_object(Bucket=bucket, Key=name, Body=b"x")
    try:
        yield
    finally:
        delete(bucket, name, stored)


def _reads_nothing(inspection: Inspection, partner: Any, role: str, bucket: str, name: str) -> None:
    def reads() -> bool:
        place = {"Bucket": bucket, "Key": name}
        # a version is a permission of its own, s3:GetObjectVersion
        version = boto3.client("s3").head_object(**place).get("VersionId", "null")
        return not refused(lambda: partner.get_object(**place)) or not refused(
            lambda: partner.get_object(**place, VersionId=version)
        )

    inspection.expect(
        not reads(),
        passed="it may not read an object",
        failed="it may read objects",
        fix="Allow it neither s3:GetObject nor kms:Decrypt.",
    )
    with _all_of_s3_allowed(role):
        by_mistake = reads()
        with _policy_kept(bucket):
            past_policy = not by_mistake and _drops_policy(partner, bucket) and reads()
    inspection.expect(
        not past_policy,
        passed="it reads nothing, even if it deletes the bucket's policy",
        failed="with all of S3 allowed by mistake it deletes the bucket's policy, and then reads: "
        "the policy is its only lock",
        fix="Leave kms:Decrypt (and kms:*) out of what it may do, and out of the key's grants: "
        "no S3 permission opens that lock.",
    )
    inspection.expect(
        not by_mistake,
        passed="with all of S3 allowed by mistake it still reads nothing",
        failed="with all of S3 allowed by mistake it reads: the key does not stop it",
        fix="Leave kms:Decrypt (and kms:*) out of what it may do, and out of the key's grants.",
    )


def _reads_no_other_method(inspection: Inspection, partner: Any, bucket: str) -> None:
    """The partner reads nothing that it, or you, stored with another method than the default."""
    found = []
    for who, s3 in (("you", boto3.client("s3")), ("it itself", partner)):
        for what, headers in _METHODS.items():
            place = {"Bucket": bucket, "Key": f"{TRY}-{secrets.token_hex(4)}"}
            try:
                stored = s3.put_object(**place, Body=b"x", **headers)
            except ClientError:
                continue
            if not refused(partial(partner.get_object, **place)):
                found.append(f"{who} stored with {what.partition(',')[0]}")
            delete(bucket, place["Key"], stored)
    inspection.expect(
        not found,
        passed="it reads no object under another method either, not even one of its own",
        failed=f"it reads what {found[0] if found else ''}: such an object is not under your key",
        fix="Allow it no s3:GetObject: your key guards only what is under it.",
    )


def _decrypts_one_day(
    inspection: Inspection, role: dict[str, Any], key_arn: str, bucket: str
) -> None:
    """No policy lets the role decrypt through S3 in other circumstances, as at a later time."""
    arn = f"arn:aws:s3:::{bucket}"
    contexts = [{"aws:s3:arn": arn}, {"aws:s3:arn": f"{arn}/{TRY}"}]
    via = f"s3.{key_arn.split(':')[3]}.amazonaws.com"
    inspection.expect(
        not open_elsewhere(role, key_arn, "kms:Decrypt", contexts=contexts, via=via),
        passed="nor does a policy let it decrypt at another time, or from another place",
        failed="a policy lets it decrypt at another time, or from another place",
        fix="Leave kms:Decrypt out of what it may do, under whatever condition.",
    )


def _drops_policy(partner: Any, bucket: str) -> bool:
    """Whether the partner can get rid of what the bucket's policy denies it."""
    harmless = {
        "Sid": "Nothing",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/{secrets.token_hex(16)}",
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [harmless]})
    return not refused(lambda: partner.delete_bucket_policy(Bucket=bucket)) or not refused(
        lambda: partner.put_bucket_policy(Bucket=bucket, Policy=document)
    )


@contextmanager
def _policy_kept(bucket: str) -> Iterator[None]:
    """After the block the bucket has the policy that it had before, or none."""
    s3 = boto3.client("s3")
    try:
        document = s3.get_bucket_policy(Bucket=bucket)["Policy"]
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucketPolicy":
            raise
        document = None
    try:
        yield
    finally:
        if document is None:
            s3.delete_bucket_policy(Bucket=bucket)
        else:
            s3.put_bucket_policy(Bucket=bucket, Policy=document)


def _gives_itself_nothing(
    inspection: Inspection, session: boto3.Session, role: dict[str, Any], key_arn: str
) -> None:
    """The role can give itself no permission. Nothing changes: a dry run, and the same policy."""
    kms = session.client("kms")
    powers = {*key_use.control(kms, key_arn, role["Arn"]), *key_use.takes_by_iam(role)}
    inspection.expect(
        not powers | open_elsewhere(role, key_arn, "kms:CreateGrant", "kms:PutKeyPolicy"),
        passed="it cannot give itself permission to decrypt",
        failed="it may create grants on the key, or change the key's policy or its own: it could "
        "let itself decrypt",
        fix="Allow it s3:PutObject and kms:GenerateDataKey, and nothing that changes permissions.",
    )


def _uploads(inspection: Inspection, partner: Any, bucket: str, name: str) -> None:
    try:
        stored = partner.put_object(Bucket=bucket, Key=name, Body=b"x")
    except ClientError as error:
        inspection.fail(*_no_upload(error))
    inspection.passed("it may upload")
    delete(bucket, name, stored)


def _no_upload(error: ClientError) -> tuple[str, str]:
    """Which lock refused an upload, and what opens it."""
    if error.response["Error"]["Code"] != "AccessDenied":
        raise error
    if "kms:" in error.response["Error"]["Message"]:
        return (
            "the role may not use the key, so it cannot upload",
            "Allow it kms:GenerateDataKey on the key: that is what an upload needs.",
        )
    return "the role may not upload", "Allow it s3:PutObject on the bucket's objects."


@contextmanager
def _all_of_s3_allowed(role: str) -> Iterator[None]:
    """Within the block the role has a policy that allows all of S3."""
    iam, name = boto3.client("iam"), {"RoleName": role, "PolicyName": TRY}
    statement = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.put_role_policy(**name, PolicyDocument=document)
    try:
        yield
    finally:
        iam.delete_role_policy(**name)


def _refuses_brought_keys(
    inspection: Inspection, bucket: str, people: dict[str, boto3.Session]
) -> None:
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": secrets.token_bytes(32)}
    let_in = _let_in(inspection, bucket, people, key)
    inspection.expect(
        not let_in,
        passed="an upload under a key that the uploader brings (SSE-C) is refused",
        failed=f"an upload under a key that the uploader brings (SSE-C) is accepted{_by(let_in)}",
        fix='Block it: BlockedEncryptionTypes of {"EncryptionType": ["SSE-C"]} in the rule of '
        "put_bucket_encryption.",
    )


def _is_blocked(rule: dict[str, Any]) -> bool:
    """Whether the bucket's setting blocks keys that uploaders bring."""
    blocked: list[str] = rule.get("BlockedEncryptionTypes", {}).get("EncryptionType", [])
    return "SSE-C" in blocked


def _default(bucket: str) -> dict[str, Any]:
    answer = boto3.client("s3").get_bucket_encryption(Bucket=bucket)
    rule: dict[str, Any] = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    return rule


def _default_key(inspection: Inspection, rule: dict[str, Any]) -> dict[str, Any]:
    """KeyMetadata of the bucket's default key, which is the learner's own and enabled."""
    default: dict[str, str] = rule["ApplyServerSideEncryptionByDefault"]
    inspection.require(
        default["SSEAlgorithm"] == "aws:kms",
        passed="its default encryption is SSE-KMS",
        failed=f"its default encryption is {default['SSEAlgorithm']}: "
        + (
            "there is no key that you could refuse, watch or disable"
            if default["SSEAlgorithm"] == "AES256"
            else "two layers, and no Bucket Key"
        ),
        fix='Call put_bucket_encryption with "SSEAlgorithm": "aws:kms" and a key of your own.',
    )
    name = default.get("KMSMasterKeyID") or "alias/aws/s3"
    unknown = (
        f"KMS shows you no key {name}: S3 does not look when the default is set",
        "Name a key of this account and Region, best by its ARN.",
    )
    with inspection.asking({"NotFoundException": unknown, "AccessDeniedException": unknown}):
        key: dict[str, Any] = boto3.client("kms").describe_key(KeyId=name)["KeyMetadata"]
    inspection.own_key(key)
    inspection.require(
        key["KeyState"] == "Enabled",
        passed="its key is enabled",
        failed=f"its key is {key['KeyState']}",
        fix="Enable it (kms.enable_key), or use another key.",
    )
    return key


def _another(arn: str) -> str:
    return f"{arn.rpartition('/')[0]}/00000000-0000-0000-0000-000000000000"
