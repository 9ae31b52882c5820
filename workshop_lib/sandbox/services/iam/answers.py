"""moto's answers for IAM, mended: it tells more than AWS does, or less, and other unique ids.

https://docs.aws.amazon.com/IAM/latest/APIReference/API_Operations.html
"""

from collections.abc import Callable
from functools import cache
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


_WITH_POLICIES = ("CreatePolicy", "GetPolicy")  # and lists


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
        if operation == "ListPolicyVersions":
            for versions in self._root.iter(_qualified("Versions")):
                versions[:] = versions[::-1]

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

    def put_together(self) -> None:
        """Let the response have it as it is now."""
        text = ElementTree.tostring(self._root, encoding="unicode", default_namespace=_NAMESPACE)
        self._response.body = text.encode()


def needs_mending(operation: str) -> bool:
    """Whether moto's answer to an operation is not AWS's."""
    return operation in _UNTOLD or operation in _WITH_POLICIES or _is_list(operation)


@cache
def _is_list(operation: str) -> bool:
    output = service_model("iam").operation_model(operation).output_shape
    return output is not None and "IsTruncated" in output.members


def _qualified(name: str) -> str:
    return f"{{{_NAMESPACE}}}{name}"
