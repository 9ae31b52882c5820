"""What AWS accepts as a policy document, and in which words each service refuses the rest.

Sources: IAM User Guide, "Grammar of the IAM JSON policy language"; for the sentences, answers of
AWS that are public: moto's recorded IAM cases, cdk-preflight's rules (tried on AWS in September
2026), Versity's gateway (bucket and trust policies compared with S3 and IAM), issues of the AWS CLI
and of Terraform's AWS provider; for KMS, the API reference of PutKeyPolicy.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from workshop_lib.sandbox.policy.bucket_actions import (
    applies,
    fits,
    is_action,
    is_condition_key,
    is_pattern,
)
from workshop_lib.sandbox.policy.conditions import (
    instant,
    is_operator,
    network,
    number,
    read_operator,
)

Kind = Literal[
    "identity", "managed", "boundary", "session", "bucket", "key", "table", "trust",
    "service control", "resource control", "acl", "upload",
]  # fmt: skip
"""Where a document is put: inline, as a managed policy (a boundary is one), with a session, on a
bucket, a KMS key, a DynamoDB table or stream, a role, or in an organization. It decides what is
required and in which words it is refused. "acl" and "upload" are no documents: S3 makes a policy of
one of its access control lists, or of who began an upload, when it asks."""

_OF_TODAY = ("managed", "boundary", "service control", "resource control")
_ATTACHED = ("bucket", "key", "table", "trust", "resource control")


class MalformedPolicy(ValueError):
    """A document that AWS refuses. `reason` is AWS's sentence, where it is publicly known.

    The caller adds the code: MalformedPolicyDocument (IAM, STS), MalformedPolicy (S3),
    MalformedPolicyDocumentException (KMS).
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class _Number(str):
    """A number of the document, as written: allowed as a condition value only."""


class _Invalid(Exception):
    """The document is not built as the grammar says."""


_SYNTAX = {
    "bucket": "Invalid policy syntax.",
    "trust": "Syntax error in policy.",
    "key": "",  # KMS says nothing: https://github.com/aws/aws-sdk-ruby/issues/1784
}
_IAM_SYNTAX = "Syntax errors in policy."
_LEGACY = "The policy failed legacy parsing"
_NOT_JSON = {
    "bucket": "This policy contains invalid Json",
    "table": "This policy contains invalid Json",
    "trust": "This policy contains invalid Json",
}
# Of a statement, in the order in which DynamoDB tells them.
ELEMENTS = (
    "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource",
    "Condition",
)  # fmt: skip
_PARTITIONS = ("*", "aws")  # a policy names resources of the account's own partition
_IAM_PATHS = (
    "user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/",
    "server-certificate/", "policy/", "sms-mfa/", "saml-provider/", "oidc-provider/", "report/",
    "access-report/",
)  # fmt: skip
# Not in IAM's sentence, but in the Resource of policies that AWS itself keeps.
_IAM_PATHS_UNTOLD = ("root", "role-template/")
# https://docs.aws.amazon.com/service-authorization/latest/reference/list_s3.html
_S3_PATHS_OF_ACCOUNTS = (
    "accesspoint/", "access-grants/", "async-request/", "job/", "storage-lens/",
    "storage-lens-group/",
)  # fmt: skip
# https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create_for-custom.html
_TRUSTED_ACTIONS = {
    "AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "SetContext",
    "SetSourceIdentity", "TagSession",
}  # fmt: skip
_COGNITO = "cognito-identity.amazonaws.com"
_DASHED = re.compile(r"\d{4}-\d{4}-\d{4}", re.ASCII)
_ACCOUNT = re.compile(r"(\d{12}|\d{4}-\d{4}-\d{4})|arn:[\w-]+:iam::(\d{12}):root", re.ASCII)
_PRINCIPAL_ARN = re.compile(
    r"arn:[\w-]+:(?:iam::(?:\d{12}|cloudfront):(?:user|role)/[^*?]+"
    r"|sts::\d{12}:(?:assumed-role/[^/*?]+/[^/*?]+|federated-user/[^*?]+))",
    re.ASCII,
)

_PRINCIPAL_NAMES = {
    "Service": re.compile(r"[\w.-]+\.[\w.-]+"),
    "CanonicalUser": re.compile("[0-9a-f]{64}"),
}

Statements = list[dict[str, Any]]


def listed(element: Mapping[str, Any], name: str) -> list[str]:
    """The values of an element or of its Not… form, one or many, as a list."""
    return many(element.get(name, element.get(f"Not{name}", [])))


def many(value: Any) -> list[Any]:
    """What stands in a document as a list, or as one value without it."""
    return value if isinstance(value, list) else [value]


def account_of(principal: str) -> str | None:
    """The account that an AWS principal names as a whole, by id or root ARN; else None."""
    found = _ACCOUNT.fullmatch(principal)
    return found and (found[1] or found[2]).replace("-", "")


def read_document(document: str | bytes | Mapping[str, Any], kind: Kind) -> tuple[Statements, bool]:
    """The document's statements, and whether its version has policy variables.

    Raises MalformedPolicy for what AWS refuses when a document of this kind is put.
    """
    if isinstance(document, Mapping):
        document = json.dumps(document)
    if kind == "bucket" and document[:1] not in ("{", b"{"):
        raise MalformedPolicy("Policies must be valid JSON and the first byte must be '{'")
    try:
        body = json.loads(
            document,
            object_pairs_hook=_no_duplicates,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_refuse_constant,
        )
        statements = _statements(body, kind)
    except _Invalid:
        raise MalformedPolicy(_SYNTAX.get(kind, _IAM_SYNTAX)) from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, MalformedPolicy):
            raise
        raise MalformedPolicy(_NOT_JSON.get(kind, _SYNTAX.get(kind, _IAM_SYNTAX))) from None
    if kind in _OF_TODAY and body.get("Version") != "2012-10-17":
        raise MalformedPolicy("Policy document must be version 2012-10-17 or greater.")
    if kind in _ATTACHED:
        _check_attached(statements, kind)
    else:
        _check_identity(statements)
    return statements, body.get("Version") == "2012-10-17"


# --- what all documents have in common ----------------------------------------------------


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    read = dict(pairs)
    if len(read) < len(pairs):  # "must not contain multiple instances of the same key"
        raise _Invalid
    return read


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _require(condition: bool) -> None:
    if not condition:
        raise _Invalid


def _is_text(value: Any) -> bool:
    return type(value) is str


def _statements(body: Any, kind: Kind) -> Statements:
    """The statements of a document whose elements are known and of the right types."""
    _require(isinstance(body, dict) and body.keys() <= {"Version", "Id", "Statement"})
    if body.get("Version", "2012-10-17") not in ("2008-10-17", "2012-10-17"):
        if kind in ("bucket", "trust"):
            raise MalformedPolicy("The policy must contain a valid version string")
        raise _Invalid
    _require(_is_text(body.get("Id", "")))
    if kind == "bucket" and "Statement" not in body:
        raise MalformedPolicy("Missing required field Statement")
    statements = body.get("Statement", [])
    if isinstance(statements, dict):
        statements = [statements]
    if kind in ("bucket", "table", "trust") and statements == []:
        raise MalformedPolicy("Could not parse the policy: Statement is empty!")
    _require(isinstance(statements, list) and statements != [])
    for statement in statements:
        _require(isinstance(statement, dict) and statement.keys() <= set(ELEMENTS))
        _check_types(statement, kind)
    return list(statements)


def _check_types(statement: dict[str, Any], kind: Kind) -> None:
    _require(_is_text(statement.get("Sid", "")))
    for name in ("Principal", "Action", "Resource"):
        _require(name not in statement or f"Not{name}" not in statement)
    for name in ("Action", "Resource"):
        _require(all(_is_text(value) for value in listed(statement, name)))
    if "Effect" not in statement and kind in _ATTACHED:
        raise MalformedPolicy("Missing required field Effect")
    effect = statement.get("Effect", "")
    _require(_is_text(effect))
    if effect.lower() not in ("allow", "deny"):
        if kind in _ATTACHED:
            raise MalformedPolicy(f"Invalid effect: {effect}")
        raise _Invalid
    conditions = statement.get("Condition", {})
    _require(isinstance(conditions, dict))
    for name, tests in conditions.items():
        _require(isinstance(tests, dict))
        if kind not in _ATTACHED:  # IAM does not look at the name of an empty condition
            _require(not tests or is_operator(name))
        for value in tests.values():
            values = value if isinstance(value, list) else [value]
            _require(all(isinstance(item, str | bool) for item in values))
    if kind not in _ATTACHED:
        _require(
            all(_is_base64(text) for base, text in _tests(statement) if base == "BinaryEquals")
        )


def _tests(statement: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The operators of a statement's conditions, without set prefix and IfExists, and their
    values."""
    for name, tests in statement.get("Condition", {}).items():
        operator = read_operator(name)
        for value in tests.values():
            for item in value if isinstance(value, list) else [value]:
                yield operator.base if operator else name, str(item)


# --- policies of IAM identities -----------------------------------------------------------


def _check_identity(statements: Statements) -> None:
    """The rules of IAM, in the order in which IAM was recorded to answer them."""
    if any({"Principal", "NotPrincipal"} & statement.keys() for statement in statements):
        raise MalformedPolicy("Policy document should not specify a principal.")
    for statement in statements:
        readable = all(_is_readable(base, text) for base, text in _tests(statement))
        if statement["Effect"] not in ("Allow", "Deny") or not readable:
            raise MalformedPolicy(_LEGACY)
    wrong_resource = _first_wrong_resource(statements)
    _check_sids(statements)
    if not all(listed(statement, "Action") for statement in statements):
        raise MalformedPolicy("Policy statement must contain actions.")
    if wrong_resource:
        raise MalformedPolicy(wrong_resource)
    for statement in statements:
        for action in listed(statement, "Action"):
            _check_action(action)
    if not all(listed(statement, "Resource") for statement in statements):
        raise MalformedPolicy("Policy statement must contain resources.")


def _is_base64(text: str) -> bool:
    found = re.fullmatch("([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?", text)
    return found is not None


def _is_readable(base: str, text: str) -> bool:
    """Whether IAM can read a condition's value as what its operator compares."""
    if base.startswith("Date"):
        return instant(text) is not None
    if base.startswith("Numeric"):
        return number(text) is not None
    if base in ("IpAddress", "NotIpAddress"):
        return network(text) is not None
    if base.startswith("Arn"):
        return text == "*" or (text.startswith("arn:") and ("*" in text or text.count(":") >= 5))
    return True


def _check_sids(statements: Statements) -> None:
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if not all(re.fullmatch("[0-9A-Za-z]*", sid) for sid in sids):
        raise MalformedPolicy(
            "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the "
            "regular expression [0-9A-Za-z]*"
        )
    if len(set(sids)) < len(sids):
        raise MalformedPolicy("Statement IDs (SID) in a single policy must be unique.")


def _first_wrong_resource(statements: Statements) -> str | None:
    for statement in statements:
        for resource in sorted(listed(statement, "Resource")):
            wrong = _wrong_resource(resource)
            if wrong:
                return wrong
            parts = resource.split(":")
            if resource != "*" and (parts[2] == "" or (len(parts) < 6 and "::" in resource)):
                raise MalformedPolicy(_LEGACY)
    return None


def _wrong_resource(resource: str) -> str | None:
    """What IAM says of a resource that is no ARN of a form it knows."""
    if resource == "*":
        return None
    parts = resource.split(":", 5)
    if len(parts) == 1:
        return f'Resource {resource} must be in ARN format or "*".'
    if parts[1] not in _PARTITIONS:
        rest = ["*"] * 4 if parts[2:] in ([], [""]) else (parts[2:] + ["*"] * 4)[:4]
        arn = ":".join(["arn", parts[1], *rest])
        return f'Partition "{parts[1]}" is not valid for resource "{arn}".'
    if len(parts) == 2 or re.search("[*?]", parts[2]):
        return "Resource vendor must be fully qualified and cannot contain regexes."
    service, path = parts[2], parts[5] if len(parts) == 6 else ""
    has_region = len(parts) < 5 or parts[3] != ""
    if service == "iam":
        if has_region:
            return f"IAM resource {resource} cannot contain region information."
        if path != "*" and not path.startswith((*_IAM_PATHS, *_IAM_PATHS_UNTOLD)):
            paths = ", ".join(_IAM_PATHS)
            return f'IAM resource path must either be "*" or start with {paths}.'
    if service == "s3" and not path.startswith(_S3_PATHS_OF_ACCOUNTS):
        return _wrong_bucket(resource, parts)
    if service == "route53" and has_region:  # unconfirmed: refused, but the sentence is S3's
        return f"Resource {resource} can not contain region information."
    return None


def _wrong_bucket(resource: str, parts: list[str]) -> str | None:
    """What IAM says of a bucket's ARN that names a Region or an account.

    IAM reads the fourth part of an ARN that ends there as a Region, if it may be one.
    """
    if len(parts) == 4 and parts[3] and not re.search("[-*?]", parts[3]):
        raise MalformedPolicy(_LEGACY)
    if len(parts) < 5 or parts[3]:
        whole = f"{resource}:*:*" if len(parts) == 4 else resource
        return f"Resource {whole} can not contain region information."
    if re.fullmatch(r"\d{12}", parts[4], re.ASCII):
        return f"Resource {resource} cannot contain an account id."
    return None


def _check_action(action: str) -> None:
    vendor, *rest = action.split(":")
    if action == "*":
        return
    if not rest:
        raise MalformedPolicy(
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
        )
    if len(rest) > 1:
        raise MalformedPolicy("Actions/Condition can contain only one colon.")
    if re.search("[*?]", vendor):
        raise MalformedPolicy("Action vendors (e.g., aws, ec2, etc.) must not contain wildcards.")
    if not re.fullmatch(r"[a-zA-Z0-9\-.]+", vendor):
        raise MalformedPolicy(f"Vendor {vendor} is not valid")


# --- policies of resources: buckets, KMS keys, tables, roles --------------------------------------


def _check_attached(statements: Statements, kind: Kind) -> None:
    checks = {
        "bucket": _check_bucket,
        "key": _check_key,
        "table": _check_table,
        "resource control": _check_resource_control,
    }
    check = checks.get(kind, _check_trust)
    for statement in statements:
        if kind == "table":
            statement["Effect"] = statement["Effect"].capitalize()
        if statement["Effect"] not in ("Allow", "Deny"):
            raise MalformedPolicy(f"Invalid effect: {statement['Effect']}")
        if statement["Effect"] == "Allow" and "NotPrincipal" in statement:
            raise MalformedPolicy("Allow with NotPrincipal is not allowed.")
        check(statement)
    sids = [statement["Sid"] for statement in statements if statement.get("Sid")]
    if kind in ("table", "trust") and len(set(sids)) < len(sids):
        raise MalformedPolicy("The Statement Ids in the policy are not unique")


def _check_bucket(statement: dict[str, Any]) -> None:
    if "Principal" not in statement and "NotPrincipal" not in statement:
        raise MalformedPolicy("Missing required field Principal")
    if _wrong_principal(statement, ("AWS", "Service", "Federated", "CanonicalUser")):
        raise MalformedPolicy("Invalid principal in policy")
    if not _named(statement):
        raise MalformedPolicy("Missing required field Principal cannot be empty!")
    _check_bucket_actions(statement)
    _check_bucket_conditions(statement)
    if "Action" in statement and "Resource" in statement:
        resources = listed(statement, "Resource")
        if not all(applies(action, resources) for action in listed(statement, "Action")):
            raise MalformedPolicy("Action does not apply to any resource(s) in statement")


def _check_bucket_actions(statement: dict[str, Any]) -> None:
    if not listed(statement, "Action"):
        raise MalformedPolicy("Missing required field Action")
    actions = listed(statement, "Action")
    if not all(re.match(r"s3:.|\*$", action, re.I) and is_action(action) for action in actions):
        raise MalformedPolicy("Policy has invalid action")
    if not listed(statement, "Resource"):
        raise MalformedPolicy("Missing required field Resource")
    for resource in listed(statement, "Resource"):
        if not re.match(r"arn:(aws[\w-]*|\*):s3:", resource, re.ASCII):
            raise MalformedPolicy("Policy has invalid resource")


def _check_bucket_conditions(statement: dict[str, Any]) -> None:
    """Every key fits every action that is named; patterns and NotAction are taken as they are."""
    named = [] if "NotAction" in statement else listed(statement, "Action")
    named = [action for action in named if not is_pattern(action)]
    conditions = statement.get("Condition", {})
    for name in conditions:
        if read_operator(name) is None:
            raise MalformedPolicy(f"Invalid Condition type : {name}")
    for tests in conditions.values():
        for key in tests:
            if not is_condition_key(key):
                raise MalformedPolicy("Policy has an invalid condition key")
            if not all(fits(action, key) for action in named):
                raise MalformedPolicy(
                    "Conditions do not apply to combination of actions and resources in statement"
                )
            if key.lower() == "aws:sourceip" and None in map(network, listed(tests, key)):
                raise MalformedPolicy("Invalid IP address in Conditions")
    for base, text in _tests(statement):
        if base in ("IpAddress", "NotIpAddress") and network(text) is None:
            raise MalformedPolicy("Invalid IP address in Conditions")


def _check_key(statement: dict[str, Any]) -> None:
    if not _named(statement):
        raise MalformedPolicy("Policy contains a statement with no principal.")
    wrong = _wrong_principal(statement, ("AWS", "Service", "Federated"))
    if wrong:
        kind = "service principals" if wrong.startswith('"SERVICE":') else "principals"
        raise MalformedPolicy(f"Policy contains a statement with one or more invalid {kind}.")


def _check_table(statement: dict[str, Any]) -> None:
    if not _named(statement):
        raise MalformedPolicy("Missing required field Principal")
    if _wrong_principal(statement, ("AWS", "Service")):
        raise MalformedPolicy("Invalid principal in policy document.")
    for name in ("Action", "Resource"):
        if not listed(statement, name):
            raise MalformedPolicy(f"Missing required field {name}")


def _check_resource_control(statement: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_rcps_syntax.html"""
    actions = listed(statement, "Action")
    if statement["Effect"] != "Deny" or statement.get("Principal") != "*":
        raise MalformedPolicy("A resource control policy denies, and denies all principals.")
    if "NotAction" in statement or not actions or not listed(statement, "Resource"):
        raise MalformedPolicy("A resource control policy names actions and resources.")
    if not all(re.match(r"[a-z0-9-]+:.", action) for action in actions):
        raise MalformedPolicy("A resource control policy names the service of an action.")
    if not all(map(is_operator, statement.get("Condition", {}))):
        raise MalformedPolicy("A resource control policy has conditions that are known.")


def _check_trust(statement: dict[str, Any]) -> None:
    _check_trusted(statement)
    if not listed(statement, "Action"):
        raise MalformedPolicy("Missing required field Action")
    if not all(map(_is_trusted, listed(statement, "Action"))):
        raise MalformedPolicy("AssumeRole policy may only specify STS AssumeRole actions.")
    if "Resource" in statement:
        raise MalformedPolicy("Has prohibited field Resource")
    if "NotResource" in statement:
        raise MalformedPolicy("AssumeRole policy must not contain resources.")


def _check_trusted(statement: dict[str, Any]) -> None:
    if "NotPrincipal" in statement:
        raise MalformedPolicy("AssumeRole policy must not contain NotPrincipal field.")
    if "Principal" not in statement:
        raise MalformedPolicy("Missing required field Principal")
    if statement["Principal"] == "*":
        raise MalformedPolicy('AssumeRolepolicy contained an invalid principal: "STAR":"*".')
    if isinstance(statement["Principal"], str):
        raise MalformedPolicy("Principal must be a JSON object.")
    if not isinstance(statement["Principal"], dict):
        raise MalformedPolicy("Syntax error in policy.")
    wrong = _wrong_principal(statement, ("AWS", "Service", "Federated"), dashed=True)
    if wrong:
        raise MalformedPolicy(f"Invalid principal in policy: {wrong}")
    if not _named(statement):
        raise MalformedPolicy("Missing required field Principal cannot be empty!")
    if ("Federated", _COGNITO) in _named(statement) and not statement.get("Condition"):
        raise MalformedPolicy("A condition block must be present for the Cognito provider")


def _is_trusted(action: str) -> bool:
    """Whether a role's trust policy may name an action: case counts, unlike elsewhere.

    unconfirmed: patterns of the AssumeRole operations ("sts:AssumeRole*") pass.
    """
    service, _, name = action.partition(":")
    pattern = name.startswith("AssumeRole") and re.search("[*?]", name)
    return service.lower() == "sts" and (name in _TRUSTED_ACTIONS or bool(pattern))


def _named(statement: dict[str, Any]) -> list[tuple[str, Any]]:
    """The principals of a statement: type and name."""
    principal = statement.get("Principal", statement.get("NotPrincipal", {}))
    if isinstance(principal, dict):
        return [(name, item) for name in principal for item in listed(principal, name)]
    return [("AWS", principal)]


def _wrong_principal(
    statement: dict[str, Any], types: tuple[str, ...], *, dashed: bool = False
) -> str | None:
    """The first principal that cannot exist, as IAM quotes it; None if all can.

    "You cannot use a wildcard to match part of a principal name or ARN." An account's id may be
    written with dashes where ``dashed`` says so.
    """
    principal = statement.get("Principal", statement.get("NotPrincipal", "*"))
    if not isinstance(principal, dict) and principal != "*":
        return f'"AWS":"{principal}"'
    for name, item in _named(statement):
        if name not in types:
            return f'"{name}"'
        shown = f'"{name.upper()}":"{item}"'
        if not _is_text(item) or item == "":
            return shown
        if name in _PRINCIPAL_NAMES and not _PRINCIPAL_NAMES[name].fullmatch(item):
            return shown
        known = item == "*" or account_of(item) or _PRINCIPAL_ARN.fullmatch(item)
        if name == "AWS" and (not known or (_DASHED.fullmatch(item) and not dashed)):
            return shown
    return None
