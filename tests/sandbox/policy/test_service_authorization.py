"""The table from AWS's service authorization reference, and what the sandbox makes of it."""

import json
from pathlib import Path

from tests.support.service_authorization import SERVICES, trimmed, written
from workshop_lib.sandbox.policy import condition_keys, service_authorization
from workshop_lib.sandbox.services.s3.permissions import BUCKET_ACTIONS, OBJECT_ACTIONS


def test_the_table_names_its_source() -> None:
    table = json.loads(service_authorization.FILE.read_text(encoding="utf-8"))
    assert table["source"].startswith("https://docs.aws.amazon.com/service-authorization/")
    assert table["from"].endswith(table["date"].replace("-", "") + table["from"][-1])
    assert tuple(table["services"]) == SERVICES
    assert written(table) == service_authorization.FILE.read_text(encoding="utf-8")


def test_every_condition_key_that_is_answered_is_one_of_aws_s() -> None:
    known = set().union(*map(service_authorization.condition_keys, SERVICES))
    answered = {*condition_keys._KNOWN_KEYS, *condition_keys._KNOWN_PREFIXES}
    own = {key for key in answered if not key.startswith("aws:")}
    assert own <= known, own - known


def test_every_action_that_s3_asks_for_is_one_of_aws_s() -> None:
    actions = service_authorization.actions("s3")
    for kind, names in (("bucket", BUCKET_ACTIONS), ("object", OBJECT_ACTIONS)):
        for name in names.values():
            assert kind in actions[name.lower()].resources, name


def test_an_action_has_its_own_keys_its_resources_and_the_common_ones() -> None:
    actions = service_authorization.actions("s3")
    assert actions["listbucket"].resources == {"bucket", "accesspoint"}
    assert {"s3:prefix", "s3:tlsversion", "s3:buckettag/"} <= actions["listbucket"].keys
    assert "s3:tlsversion" not in actions["initiatereplication"].keys
    assert service_authorization.actions_with("s3", "s3:Prefix") == {
        "ListBucket",
        "ListBucketVersions",
    }
    assert service_authorization.key_family("s3:ExistingObjectTag/a/b") == "s3:existingobjecttag/"
    family = service_authorization.key_family("kms:EncryptionContext:a:b")
    assert family == "kms:encryptioncontext:"
    assert family in service_authorization.actions("kms")["decrypt"].keys


def test_the_reference_is_trimmed(tmp_path: Path) -> None:
    def action(name: str, types: list[object], *keys: str) -> dict[str, object]:
        return {"name": name, "description": "…", "resourceTypes": types, "conditionKeys": [*keys]}

    about = {"name": "data", "version": "0.1.202609261"}
    (tmp_path / "package.json").write_text(json.dumps(about), encoding="utf-8")
    on_role = {"name": "role", "conditionKeys": ["sts:OnRole"]}
    listed = {f"a{number}": action(f"A{number}", [], "sts:All") for number in range(10)}
    listed["assumerole"] = action("AssumeRole", [on_role], "sts:All", "saml:aud", "aws:TagKeys")
    listed["b"] = action("B", [])
    for kind, found in (("actions", listed), ("resourceTypes", {"role": {"key": "role"}})):
        (tmp_path / "data" / kind).mkdir(parents=True)
        for service in SERVICES:
            text = json.dumps(found if service == "sts" else {})
            (tmp_path / "data" / kind / f"{service}.json").write_text(text, encoding="utf-8")
    table = trimmed(tmp_path)
    assert table["date"] == "2026-09-26"
    service = table["services"]["sts"]
    assert service["common_keys"] == ["sts:All"]
    assert service["resources"] == {"role": []}
    assert service["actions"]["AssumeRole"] == {
        "on": ["role"],
        "keys": ["aws:TagKeys", "sts:OnRole"],
    }
    assert service["actions"]["A1"] == {}
    assert service["actions"]["B"] == {"lacks": ["sts:All"]}
    assert json.loads(written(table)) == table
