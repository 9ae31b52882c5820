"""The folds "In production" of the lessons: how they are read, and their policies tried.

A lesson has one `<details><summary>In production: …</summary>` with fenced blocks in it: `hcl` is
Terraform, `yaml` is CloudFormation, `json` is a policy, each under a line with its title in bold.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import ClientError

from tests.support.lessons import read
from workshop_lib import Lab

_FOLD = re.compile(r"<details>\s*<summary>In production\b.*?</summary>(.*?)</details>", re.S)
_BLOCK = re.compile(r"\*\*([^*\n]+)\*\*[^\n]*\n\s*```(hcl|yaml|json)\n(.*?)```", re.S)


def blocks(lesson: Path, language: str) -> dict[str, str]:
    """Title and text of each block of a lesson's fold in that language ("hcl", "yaml", "json")."""
    text = "\n\n".join(cell.source for cell in read(lesson).cells if cell.cell_type == "markdown")
    folds = _FOLD.findall(text)
    assert len(folds) <= 1, f"{lesson.name} has {len(folds)} folds"
    found = [block for fold in folds for block in _BLOCK.findall(fold)]
    fences = sum(fold.count("```") for fold in folds) // 2
    assert len(found) == fences, f"{lesson.name}: a block without a title in bold, or of no kind"
    return {title: code for title, kind, code in found if kind == language}


def with_names(policy: str, names: Mapping[str, str]) -> dict[str, Any]:
    """The policy of a page, with the names that really exist in place of the page's."""
    for shown, real in names.items():
        assert shown in policy, f"the policy does not name {shown}"
        policy = policy.replace(shown, real)
    document: dict[str, Any] = json.loads(policy)
    return document


def role_session(lab: Lab, *policies: Mapping[str, Any]) -> boto3.Session:
    """A session of a new role with these policies and nothing else."""
    iam, sts = lab.session().client("iam"), lab.session().client("sts")
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": account}}
    name = lab.name("smallest")
    role = iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    for number, policy in enumerate(policies):
        iam.put_role_policy(
            RoleName=name, PolicyName=f"p{number}", PolicyDocument=json.dumps(policy)
        )
    got = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    return boto3.Session(
        got["AccessKeyId"], got["SecretAccessKey"], got["SessionToken"], region_name="us-east-1"
    )


def smaller(policy: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The policy without one of its allowed actions, once for each; and which is missing."""
    for place, statement in enumerate(policy["Statement"]):
        if statement["Effect"] != "Allow":
            continue
        actions = statement["Action"]
        actions = [actions] if isinstance(actions, str) else actions
        for action in actions:
            kept = [each for each in actions if each != action]
            statements = list(policy["Statement"])
            statements[place : place + 1] = [{**statement, "Action": kept}] if kept else []
            yield action, {**policy, "Statement": statements}


def confirm(lab: Lab, policy: Mapping[str, Any], calls: Callable[[boto3.Session], object]) -> None:
    """Hold a policy to be enough for the calls, and none of its actions to be superfluous."""
    calls(role_session(lab, policy))
    for missing, rest in smaller(policy):
        others = [rest] if rest["Statement"] else []
        assert _is_refused(calls, role_session(lab, *others)), f"{missing} is superfluous"


def _is_refused(calls: Callable[[boto3.Session], object], session: boto3.Session) -> bool:
    try:
        calls(session)
    except ClientError as error:
        return str(error.response["Error"]["Code"]).startswith("AccessDenied")
    return False
