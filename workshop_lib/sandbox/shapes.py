"""Requests that are not built as the service's model says, refused before anything looks at them.

For the services whose own modules leave that to whoever reads the request.
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from workshop_lib.sandbox.errors import AwsError

_JSON_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "timestamp": (int, float),
    "list": list,
    "map": dict,
    "structure": dict,
}
# What a form's text must look like, by the type's name or kind. The markers handed out are numbers.
_FORM_TEXTS = {"integer": r"-?\d{1,9}", "boolean": "true|false", "markerType": r"\d{1,9}"}
END_OF_TIME = 253_402_300_800  # the year 10000, in seconds


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service that botocore ships."""
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def require_built(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a parameter that is missing, too short, or of another type than the model's.

    What is missing or too short is looked for among the request's own parameters, not inside
    lists and structures. Raises AwsError SerializationException or ValidationException, in a form's
    service MalformedInput or ValidationError.
    """
    model = service_model(service)
    shape = (
        model.operation_model(operation).input_shape if operation in model.operation_names else None
    )
    if shape is None:
        return
    form = model.metadata["protocol"] == "query"
    faults = []
    for name, member in shape.members.items():
        value = parameters.get(name)
        if value is None:
            listed = form and any(given.startswith(f"{name}.") for given in parameters)
            if name in shape.required_members and not listed:
                faults.append(
                    f"Value null at '{_shown(name)}' {_CONSTRAINT}: Member must not be null"
                )
        elif not (_form_fits if form else _json_fits)(member, value):
            raise AwsError("MalformedInput" if form else "SerializationException", "")
        elif isinstance(value, str) and len(value) < member.metadata.get("min", 0):
            faults.append(
                f"Value '{value}' at '{_shown(name)}' {_CONSTRAINT}: Member must have length "
                f"greater than or equal to {member.metadata['min']}"
            )
    if faults:
        count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
        code = "ValidationError" if form else "ValidationException"
        raise AwsError(code, count + "; ".join(faults))


_CONSTRAINT = "failed to satisfy constraint"


def _shown(name: str) -> str:
    return name[0].lower() + name[1:]


def _form_fits(shape: Shape, text: str) -> bool:
    pattern = _FORM_TEXTS.get(shape.name, _FORM_TEXTS.get(shape.type_name))
    return pattern is None or re.fullmatch(pattern, text, re.ASCII) is not None


def _json_fits(shape: Shape, value: Any) -> bool:
    expected: Any = _JSON_TYPES.get(shape.type_name, object)
    if shape.type_name == "timestamp" and isinstance(value, (int, float)):
        return not isinstance(value, bool) and 0 <= value < END_OF_TIME
    if not isinstance(value, expected) or (shape.type_name == "boolean") != isinstance(value, bool):
        return False
    if shape.type_name == "list":
        return all(_json_fits(shape.member, each) for each in value)
    if shape.type_name == "structure":
        known = {name: value[name] for name in shape.members if value.get(name) is not None}
        return all(_json_fits(shape.members[name], each) for name, each in known.items())
    return True
