"""moto's answers for IAM, mended: it tells more than AWS does, or less, and other unique ids.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any
from xml.etree import ElementTree

from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.protocol.service_model import service_model

_NAMESPACE = "https://iam.amazonaws.com/doc/2010-05-08/"


# What the answers leave out, by operation: moto tells everything it knows.
_UNTOLD: dict[str, tuple[str, ...]] = {
    "CreateRole": ("Description", "MaxSessionDuration", "RoleLastUsed"),
    "UpdateRoleDescription": ("MaxSessionDuration", "RoleLastUsed"),
    "ListRoles": ("Tags", "PermissionsBoundary", "RoleLastUsed"),
    "ListUsers": ("Tags", "PermissionsBoundary"),
    "CreatePolicyVersion": ("Document",),
    "ListPolicyVersions": ("Document",),
}
# What the role in an instance profile leaves out, whatever tells of the profile.
_UNTOLD_INSIDE = ("MaxSessionDuration", "RoleLastUsed", "Tags")
# Values that mean that none was ever given.
_UNSET = {
    "GetAccountAuthorizationDetails": {"Description": ""},
    "GetAccountPasswordPolicy": {"MaxPasswordAge": "0", "HardExpiry": "false"},
}
# Besides lists.
_MENDED = (
    "CreateInstanceProfile", "CreatePolicy", "GetAccountPasswordPolicy", "GetInstanceProfile",
    "GetPolicy",
)  # fmt: skip
# Lists that moto gives in pages, and lists of which it forgets the path that is asked for.
_IN_PAGES = (
    "ListAttachedGroupPolicies", "ListAttachedRolePolicies", "ListAttachedUserPolicies",
    "ListOpenIDConnectProviderTags", "ListPolicies", "ListPolicyTags", "ListRoleTags",
    "ListVirtualMFADevices",
)  # fmt: skip
_UNDER_ANY_PATH = ("ListGroups", "ListInstanceProfiles")
_IN_ORDER = {
    "ListGroups": "GroupName", "ListInstanceProfiles": "InstanceProfileName",
    "ListRoles": "RoleName", "ListUsers": "UserName",
}  # fmt: skip
_PAGE = 100  # https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html


class Answer:
    """One of moto's answers, taken apart."""

    def __init__(self, response: Response) -> None:
        self._response = response
        self._root = ElementTree.fromstring(response.body)

    def text(self, name: str) -> str:
        """The text of the first element of that name."""
        return self._root.findtext(f".//{_qualified(name)}", "")

    def replace(self, name: str, text: str) -> None:
        """Give elements of that name another text."""
        for element in self._root.iter(_qualified(name)):
            element.text = text

    def limit_user(self, boundary: str) -> None:
        """Tell the permissions boundary of a new user."""
        for user in self._root.iter(_qualified("User")):
            told = ElementTree.SubElement(user, _qualified("PermissionsBoundary"))
            for name, text in (("Type", "Policy"), ("Arn", boundary)):
                element = ElementTree.SubElement(told, _qualified(f"PermissionsBoundary{name}"))
                element.text = text

    def leave_out(self, operation: str) -> None:
        """Take out what AWS's answer does not have, and put versions newest first."""
        untold = {_qualified(name) for name in _UNTOLD.get(operation, ())}
        for parent in [*self._root.iter()]:
            for child in [child for child in parent if child.tag in untold]:
                parent.remove(child)
        for name, unset in _UNSET.get(operation, {}).items():
            for parent in [*self._root.iter()]:
                for child in [each for each in parent if _says(each, name, unset)]:
                    parent.remove(child)
        if operation == "ListPolicyVersions":
            for versions in self._root.iter(_qualified("Versions")):
                versions[:] = versions[::-1]

    def leave_out_of_profiles(self, operation: str) -> None:
        """Take out what AWS does not tell of instance profiles and of the roles in them."""
        for profile in [*self._root.iter()]:
            if profile.find(_qualified("InstanceProfileId")) is not None:
                _leave_out_of_profile(profile, operation)

    def keep_under(self, operation: str, path: str) -> None:
        """Leave of a list what is under a path."""
        for name in _lists(operation) if operation in _UNDER_ANY_PATH else ():
            for found in self._root.iter(_qualified(name)):
                found[:] = [
                    each for each in found if each.findtext(_qualified("Path"), "").startswith(path)
                ]

    def put_in_order(self, operation: str) -> None:
        """Put a list of entities in the order of their names."""
        name = _qualified(_IN_ORDER.get(operation, ""))
        for listed in _lists(operation) if operation in _IN_ORDER else ():
            for found in self._root.iter(_qualified(listed)):
                found[:] = sorted(found, key=lambda each: each.findtext(name, "").lower())

    def keep_page(self, operation: str, asked: Mapping[str, Any]) -> None:
        """Leave one page of what `is_cut_here`, and tell where the next one begins."""
        if not is_cut_here(operation):
            return
        lists = [each for name in _lists(operation) for each in self._root.iter(_qualified(name))]
        entries = [(found, each) for found in lists for each in found]
        start = int(asked.get("Marker", "0"))
        end = start + asked.get("MaxItems", _PAGE)
        for found, each in (*entries[:start], *entries[end:]):
            found.remove(each)
        if end < len(entries):
            self.replace("IsTruncated", "true")
            for result in self._root.iter(_qualified(f"{operation}Result")):
                ElementTree.SubElement(result, _qualified("Marker")).text = str(end)

    def say_that_is_all(self, operation: str) -> None:
        """Tell that a list has come to its end, where moto says nothing of it."""
        name = _qualified("IsTruncated")
        if _is_list(operation) and self._root.find(f".//{name}") is None:
            for result in self._root.iter(_qualified(f"{operation}Result")):
                ElementTree.SubElement(result, name).text = "false"

    def count_boundaries(self, users: Callable[[str], int]) -> None:
        """Tell of each managed policy, by its ARN, how many have it as permissions boundary."""
        for policy in [*self._root.iter()]:
            arn = policy.find(_qualified("Arn"))
            if arn is not None and policy.find(_qualified("AttachmentCount")) is not None:
                name = _qualified("PermissionsBoundaryUsageCount")
                told = policy.find(name)
                if told is None:
                    told = ElementTree.SubElement(policy, name)
                told.text = str(users(arn.text or ""))

    def name_policies(self, ids: Callable[[str], str]) -> None:
        """Tell of each managed policy its name, and its unique id, by its ARN."""
        for policy in [*self._root.iter()]:
            arn = policy.findtext(_qualified("Arn"), "")
            if policy.find(_qualified("AttachmentCount")) is None:
                continue
            for name, text in (("PolicyName", arn.rpartition("/")[2]), ("PolicyId", ids(arn))):
                if policy.find(_qualified(name)) is None:
                    ElementTree.SubElement(policy, _qualified(name)).text = text

    def put_together(self) -> None:
        """Let the response have it as it is now."""
        text = ElementTree.tostring(self._root, encoding="unicode", default_namespace=_NAMESPACE)
        self._response.body = text.encode()


def needs_mending(operation: str) -> bool:
    """Whether moto's answer to an operation is not AWS's."""
    return operation in _UNTOLD or operation in _MENDED or _is_list(operation)


def is_cut_here(operation: str) -> bool:
    """Whether an operation lists something, and moto's answer is not one page of it."""
    return _is_list(operation) and operation not in _IN_PAGES


@cache
def _is_list(operation: str) -> bool:
    output = service_model("iam").operation_model(operation).output_shape
    return output is not None and "IsTruncated" in output.members


@cache
def _lists(operation: str) -> tuple[str, ...]:
    """What an operation lists, by the names of the elements."""
    output = service_model("iam").operation_model(operation).output_shape
    assert output is not None
    return tuple(name for name, shape in output.members.items() if shape.type_name == "list")


def _says(element: ElementTree.Element, name: str, text: str) -> bool:
    return element.tag == _qualified(name) and (element.text or "") == text


def _leave_out_of_profile(profile: ElementTree.Element, operation: str) -> None:
    for role in profile.findall(f"{_qualified('Roles')}/{_qualified('member')}"):
        for name in _UNTOLD_INSIDE:
            for child in role.findall(_qualified(name)):
                role.remove(child)
    for tags in profile.findall(_qualified("Tags")):
        told = operation == "GetInstanceProfile" or (operation == "CreateInstanceProfile" and tags)
        if not told:
            profile.remove(tags)


def _qualified(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"
