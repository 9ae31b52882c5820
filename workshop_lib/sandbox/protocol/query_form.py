"""The parameters of a service whose requests are forms: IAM, STS.

https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
"""

import re
from collections.abc import Mapping
from typing import Any

from botocore.model import StructureShape

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.protocol.service_model import service_model

# What a form's text must look like, by the type's name or kind. The markers handed out are numbers.
_FORM_TEXTS = {"integer": r"-?\d{1,9}", "boolean": "true|false", "markerType": r"\d{1,9}"}


def read_form(service: str, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
    """A form's parameters as the model builds them: Tags.member.1.Key is inside a list Tags.

    Raises AwsError MalformedInput for a text that is not of its type.
    """
    shape: StructureShape | None = service_model(service).operation_model(operation).input_shape
    return {} if shape is None else _read_structure(shape, "", form)


def _read_structure(shape: StructureShape, prefix: str, form: Mapping[str, str]) -> dict[str, Any]:
    found = {}
    for name, member in shape.members.items():
        value = _read(member, prefix + name, form)
        if value is not None:
            found[name] = value
    return found


def _read(shape: Any, name: str, form: Mapping[str, str]) -> Any:
    if shape.type_name == "structure":
        inside = any(given.startswith(f"{name}.") for given in form)
        return _read_structure(shape, f"{name}.", form) if inside else None
    if shape.type_name == "list":
        pattern = re.compile(rf"{re.escape(name)}\.member\.([1-9]\d*)(\.|$)")
        places = {int(match[1]) for given in form if (match := pattern.match(given))}
        if not places:
            return [] if name in form else None
        members = [_read(shape.member, f"{name}.member.{place}", form) for place in sorted(places)]
        if None in members:  # a text where a structure belongs, or the other way round
            raise AwsError("MalformedInput", "")
        return members
    text = form.get(name)
    if text is None:
        return None
    wanted = _FORM_TEXTS.get(shape.name, _FORM_TEXTS.get(shape.type_name))
    if wanted is not None and not re.fullmatch(wanted, text, re.ASCII):
        raise AwsError("MalformedInput", "")
    if shape.type_name == "integer":
        return int(text)
    return text == "true" if shape.type_name == "boolean" else text
