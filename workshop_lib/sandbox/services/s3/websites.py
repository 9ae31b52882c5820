"""Websites of buckets: what S3 refuses before it keeps one.

Sentences as LocalStack's tests of websites, checked against AWS, and stackd
(internal/services/s3), which took them from S3, have them.
https://docs.aws.amazon.com/AmazonS3/latest/userguide/how-to-page-redirect.html
"""

import re

from workshop_lib.sandbox.services.s3.errors import invalid_argument, invalid_request
from workshop_lib.sandbox.services.s3.xml import Element, malformed, parse

_PROTOCOLS = (None, "http", "https")
_MOST_RULES = 50
# The codes that S3 knows: https://github.com/versity/versitygw, s3response/website.go. It refuses
# 314 in the same words: https://github.com/ceph/s3-tests, test_s3_website.py
_REDIRECTS = frozenset({301, 302, 303, 304, 305, 307, 308})
_ERRORS = frozenset({*range(400, 418), *range(500, 506)})


def check_website(body: bytes) -> None:
    """Refuse a website that S3 could not show. Raises AwsError.

    https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketWebsite.html
    """
    root = parse(body, "WebsiteConfiguration")
    everything = root.one("RedirectAllRequestsTo")
    if everything is not None:
        _check_redirect_of_all(root, everything)
        return
    index = root.one("IndexDocument")
    if index is None:
        message = "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is "
        raise invalid_argument(f"{message}empty", "IndexDocument", None)
    suffix = index.value("Suffix") or ""
    if not suffix or "/" in suffix:
        raise invalid_argument(
            "The IndexDocument Suffix is not well formed", "IndexDocument", suffix
        )
    error = root.one("ErrorDocument")
    if error is not None and not error.value("Key"):
        raise malformed()
    rules = root.one("RoutingRules")
    if rules is not None:
        _check_rules(rules.all("RoutingRule"))


def _check_redirect_of_all(root: Element, redirect: Element) -> None:
    if len(root.children) > 1:
        message = "RedirectAllRequestsTo cannot be provided in conjunction with other Routing "
        raise invalid_argument(f"{message}Rules.", "RedirectAllRequestsTo", "not null")
    host = redirect.value("HostName")
    if host is None:
        raise malformed()
    if host == "":
        message = 'A host name must be provided to redirect all requests (e.g. "example.com").'
        raise invalid_request(message)
    _check_protocol(redirect)


def _check_rules(rules: list[Element]) -> None:
    if not rules:
        raise malformed()
    if len(rules) > _MOST_RULES:
        raise invalid_request(
            f"{len(rules)} routing rules provided, the number of routing rules in a website "
            f"configuration is limited to {_MOST_RULES}."
        )
    for rule in rules:
        redirect, condition = rule.one("Redirect"), rule.one("Condition")
        if redirect is None or not redirect.children:
            raise malformed()
        if {"ReplaceKeyWith", "ReplaceKeyPrefixWith"} <= {each.name for each in redirect.children}:
            message = "You can only define ReplaceKeyPrefix or ReplaceKey but not both."
            raise invalid_request(message)
        if condition is not None and not condition.children:
            raise invalid_request(
                "Condition cannot be empty. To redirect all requests without a condition, the "
                "condition element shouldn't be present."
            )
        _check_protocol(redirect)
        _check_code(redirect.value("HttpRedirectCode"), "redirect", _REDIRECTS)
        if condition is not None:
            error = condition.value("HttpErrorCodeReturnedEquals")
            _check_code(error, "error", _ERRORS)


def _check_protocol(redirect: Element) -> None:
    if redirect.value("Protocol") not in _PROTOCOLS:
        raise invalid_request(
            "Invalid protocol, protocol can be http or https. If not defined the protocol will be "
            "selected automatically."
        )


def _check_code(code: str | None, kind: str, valid: frozenset[int]) -> None:
    if code is None:
        return
    if not re.fullmatch(r"\d{1,9}", code, re.ASCII):
        raise malformed()
    if int(code) not in valid:
        told = "3XX except 300" if kind == "redirect" else "4XX or 5XX"
        raise invalid_request(
            f"The provided HTTP {kind} code ({code}) is not valid. Valid codes are {told}."
        )
