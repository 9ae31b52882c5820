"""Policy documents, checked as AWS checks them and compiled."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.policy.conditions import Condition, read_condition
from workshop_lib.sandbox.policy.evaluation import Policy, Principals, Statement
from workshop_lib.sandbox.policy.grammar import Kind, account_of, listed, read_document
from workshop_lib.sandbox.policy.patterns import Patterns, Variable, read_template

# --- compiling a document -----------------------------------------------------------------


def parse_policy(
    document: str | bytes | Mapping[str, Any],
    *,
    kind: Kind,
    known_keys: Callable[[str], bool],
    arn: str | None = None,
) -> Policy:
    """Check a document as AWS checks it when it is put there, and compile it.

    `known_keys` says of a condition key (as written) whether requests here can carry it; `arn`
    is the managed policy's own. Raises MalformedPolicy for what AWS refuses, NotEmulated
    naming a condition operator or key that the sandbox does not know.
    """
    statements, variables = read_document(document, kind)
    compiled = tuple(
        _compile(statement, kind, variables, known_keys)
        for statement in statements
        # KMS takes a statement without one of these, but it has no effect:
        # https://docs.aws.amazon.com/kms/latest/APIReference/API_PutKeyPolicy.html
        if kind != "key" or (listed(statement, "Action") and listed(statement, "Resource"))
    )
    return Policy(
        kind,
        compiled,
        tuple(statement for statement in compiled if statement.effect == "Allow"),
        tuple(statement for statement in compiled if statement.effect == "Deny"),
        arn,
    )


def _compile(
    statement: Mapping[str, Any], kind: Kind, variables: bool, known_keys: Callable[[str], bool]
) -> Statement:
    actions, resources = listed(statement, "Action"), listed(statement, "Resource")
    for text in resources:
        _require_known(text, variables, known_keys)
    named = statement.get("Principal", statement.get("NotPrincipal"))
    return Statement(
        sid=statement.get("Sid", ""),
        effect=statement["Effect"],
        actions=Patterns([action.lower() for action in actions]),
        not_action="NotAction" in statement,
        resources=None if kind == "trust" else Patterns(resources, "resource", variables),
        not_resource="NotResource" in statement,
        principals=None if named is None else _principals(named),
        not_principal="NotPrincipal" in statement,
        conditions=tuple(_conditions(statement, variables, known_keys)),
    )


def _conditions(
    statement: Mapping[str, Any], variables: bool, known_keys: Callable[[str], bool]
) -> Iterator[Condition]:
    for name, tests in statement.get("Condition", {}).items():
        for key, value in tests.items():
            if not known_keys(key):
                raise NotEmulated(
                    f"The sandbox cannot answer the condition key {key}: leave it out here, or "
                    "try this policy on AWS."
                )
            texts = [_text(item) for item in (value if isinstance(value, list) else [value])]
            for text in texts:
                _require_known(text, variables, known_keys)
            yield read_condition(name, key, texts, variables)


def _text(value: str | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _require_known(text: str, variables: bool, known_keys: Callable[[str], bool]) -> None:
    for part in read_template(text, variables):
        if isinstance(part, Variable) and not known_keys(part.key):
            raise NotEmulated(
                f"The sandbox cannot fill in the policy variable ${{{part.key}}}: leave it out "
                "here, or try this policy on AWS."
            )


def _principals(named: str | Mapping[str, Any]) -> Principals:
    """Federated, an identity provider, is nobody: no session here comes from one."""
    if isinstance(named, str):
        named = {"AWS": named}
    aws = listed(named, "AWS")
    return Principals(
        everyone="*" in aws,
        accounts=frozenset(account for text in aws if (account := account_of(text))),
        arns=frozenset(text for text in aws if text.startswith("arn:")),
        services=frozenset(listed(named, "Service")),
        canonical_users=frozenset(listed(named, "CanonicalUser")),
    )
