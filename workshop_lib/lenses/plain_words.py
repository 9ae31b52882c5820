"""A refusal in one sentence: who was not allowed what, by which kind of policy.

Read from AWS's own words, which the card keeps beside it; what has another form is left as it is.
https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from __future__ import annotations

import re

_DENIED = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+)"
    r"(?: on resource: \"?(?P<what>[^\s\"]+)\"?)?(?:,? (?P<why>(?:because|with) .+?))?\.?$"
)
# Of a key of another account AWS does not say which of three it is.
_SHUT = re.compile(
    r"User: (?P<who>\S+) is not authorized to perform: (?P<action>[\w-]+:\w+) on "
    r"(?:this resource|the resource associated with this ciphertext) because the resource does "
    r"not exist in this Region, no resource-based policies allow access, or a resource-based "
    r"policy explicitly denies access"
)
_NO_POLICY = re.compile(r"because no (?P<kind>[\w -]+) allows the \S+ action$")
_EXPLICIT = re.compile(r"with an explicit deny in an? (?P<kind>[\w -]+?)(?:: \S+)?$")
# DynamoDB quotes KMS inside a message of its own.
_TABLE_KEY = {
    "KMS key access denied error": "DynamoDB asked KMS for the key of the table, and KMS did not "
    "let this caller use it.",
    "KMS key disabled error": "DynamoDB asked KMS for the key of the table, and the key is "
    "disabled.",
}
# What comes without a word.
_SILENT = {
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors
    "InvalidCiphertextException": "The ciphertext, or what it is bound to (the encryption "
    "context), is corrupted, missing or not the one it was made with.",
    # https://cryptography.io/en/latest/exceptions/#cryptography.exceptions.InvalidTag
    "InvalidTag": "The authentication tag does not fit: the key, the nonce, the ciphertext or the "
    "associated data is not what it was made with.",
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_VerifyMac.html#API_VerifyMac_Errors
    "KMSInvalidMacException": "The MAC does not fit: the message, the key or the algorithm is not "
    "the one it was made with.",
    # https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html#API_Verify_Errors
    "KMSInvalidSignatureException": "The signature does not fit: the message, its type, the key "
    "or the algorithm is not the one it was made with.",
    # https://cryptography.io/en/latest/exceptions/#cryptography.exceptions.InvalidSignature
    "InvalidSignature": "The signature does not fit: the message, the key or the algorithm is not "
    "the one it was made with.",
}
_NAMES = {"user": "user", "assumed-role": "role", "role": "role", "federated-user": "user"}
_SENTENCE = re.compile(r"(?<=[.!?]) (?=[A-Z(])")
_LONG = 240  # characters of a sentence that is quoted


def one_sentence(code: str, message: str, service: str, owner: str = "") -> str:
    """Say a refusal in one sentence.

    Args:
        code: AWS's error code, or the class name of a library's error.
        message: what AWS or the library said, on one line.
        service: who refused.
        owner: the other account whose policy refused, where that is known.
    """
    if shut := _SHUT.match(message):
        said = f"{_who(shut['who'])} of account {account_of(shut['who'])}"
        said += f" is not allowed `{shut['action']}`: "
        if owner:
            return f"{said}the key's account, {owner}, does not let them in."
        return f"{said}there is no such key in this Region, or its account does not let them in."
    if denied := _DENIED.match(message):
        who, what = _who(denied["who"]), denied["what"]
        on = f" on `{_short(what)}`" if what and what != "*" else ""
        return f"{who} is not allowed `{denied['action']}`{on}{_why(denied['why'] or '')}."
    for beginning, sentence in _TABLE_KEY.items():
        if message.startswith(beginning):
            return sentence
    if message in ("", "Access Denied", "Forbidden"):
        who = service or "Python"
        return _SILENT.get(code) or f"{who[0].upper()}{who[1:]} does not say why."
    first = _SENTENCE.split(message)[0]
    return first if len(first) <= _LONG else first[:_LONG].rpartition(" ")[0] + " …"


def account_of(arn: str) -> str:
    """The account in an ARN; "" where there is none."""
    return arn.split(":")[4] if arn.startswith("arn:") and arn.count(":") >= 5 else ""


def name_of(arn: str) -> str:
    """The name of the user or role in an ARN; "" for anybody else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    return name.partition("/")[0] if kind in _NAMES else ""


def _who(arn: str) -> str:
    kind = arn.rpartition(":")[2].partition("/")[0]
    if kind == "root":
        return "The root user of the account"
    return f"The {_NAMES[kind]} `{name_of(arn)}`" if kind in _NAMES else f"`{arn}`"


def _short(arn: str) -> str:
    """What an ARN names, without partition, service, Region and account."""
    return arn.split(":", 5)[5] if arn.startswith("arn:") and arn.count(":") >= 5 else arn


def _why(said: str) -> str:
    if found := _NO_POLICY.match(said):
        return f": no {found['kind']} allows it"
    if found := _EXPLICIT.match(said):
        article = "an" if found["kind"][0] in "aeiou" else "a"
        return f": {article} {found['kind']} denies it explicitly"
    return f", {_SENTENCE.split(said)[0].rstrip('.')}" if said else ""
