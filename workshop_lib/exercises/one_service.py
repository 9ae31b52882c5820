"""A role that may use a KMS key through one service, and in no other way."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import boto3

from workshop_lib.exercises import key_use
from workshop_lib.exercises.circumstances import open_elsewhere
from workshop_lib.exercises.inspection import Inspection

_USES = ("kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")
_POWERS = ("kms:CreateGrant", "kms:PutKeyPolicy")


def only_through(
    inspection: Inspection,
    service: str,
    reader: boto3.Session,
    role: Mapping[str, Any],
    key_arn: str,
    bound: Sequence[dict[str, str]],
) -> None:
    """KMS refuses the role whatever it asks by itself, and the role can give itself no more.

    It is asked by each name of the key, under each context that may matter.

    Args:
        service: the first part of kms:ViaService ("s3").
        reader: a session of the role, as ListRoles describes it.
        bound: the contexts that the service itself gives.
    """
    kms, arn = reader.client("kms"), role["Arn"]
    named = key_use.named_contexts(role["RoleName"], arn, key_arn)
    contexts: list[dict[str, str]] = [{}, {"made": "up"}, *bound, *named]
    contexts += [{**one, **other} for one in bound for other in named]
    asked = [(name, context) for name in key_use.names(key_arn) for context in contexts]
    opens = [context for name, context in asked if key_use.decrypts(kms, name, context)]
    elsewhere = open_elsewhere(role, key_arn, "kms:Decrypt", *_USES, *_POWERS, contexts=contexts)
    how = "no context"
    if any(opens[:1]):
        how = f"the encryption context {json.dumps(opens[0])}"
    elif not opens:
        how = "another address, or at another time"
    inspection.expect(
        not opens and "kms:Decrypt" not in elsewhere,
        passed="KMS refuses the role when it calls Decrypt itself",
        failed="the role may also call kms:Decrypt directly, "
        + (f"with {how}" if opens else f"from {how}"),
        fix=f"Add the condition kms:ViaService = {service}.us-east-1.amazonaws.com to every "
        "statement that allows it (a grant has none).",
    )
    others = {use for name, context in asked for use in key_use.other_uses(kms, name, context)}
    others |= key_use.simulated(role, key_arn, "kms:ReEncryptFrom", "kms:ReEncryptTo")
    others |= elsewhere - {"kms:Decrypt", *_POWERS}
    inspection.expect(
        not others,
        passed="KMS refuses it Encrypt, GenerateDataKey and ReEncrypt as well",
        failed=f"with the key the role may also call {_listed(others)} directly",
        fix="To read, it needs kms:Decrypt alone. Whatever else you allow needs kms:ViaService.",
    )
    powers = {*key_use.control(kms, key_arn, arn), *key_use.takes_by_iam(role)}
    powers |= {each.removeprefix("kms:") for each in elsewhere & set(_POWERS)}
    inspection.expect(
        not powers,
        passed="it cannot give itself more",
        failed=f"the role may call {_listed(powers)}, and so give itself the key",
        fix="Name the actions that it needs, without a wildcard: one that reads, and kms:Decrypt.",
    )


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(name if ":" in name else f"kms:{name}" for name in names))
