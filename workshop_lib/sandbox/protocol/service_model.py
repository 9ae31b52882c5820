"""Requests that are not built as the service's model says, refused before anything looks at them.

For the services whose own modules leave that to whoever reads the request.
https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html
https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/CommonErrors.html
"""

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape, StructureShape

from workshop_lib.sandbox.protocol.errors import AwsError

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


_loader = cache(Loader)


@cache
def description(service: str) -> Mapping[str, Any]:
    """The description of a service that botocore ships, as its JSON has it."""
    return dict(_loader().load_service_model(service, "service-2"))


@cache
def service_model(service: str) -> ServiceModel:
    """The model of a service that botocore ships."""
    return ServiceModel(description(service), service)


def _input(service: str, operation: str) -> StructureShape | None:
    """What an operation of the model takes; None where it takes nothing."""
    shape: StructureShape | None = service_model(service).operation_model(operation).input_shape
    return shape


def require_built(service: str, operation: str, parameters: Mapping[str, Any]) -> None:
    """Refuse a parameter that is missing, too short, or of a wrong type.

    A form is looked at all through, with every limit and pattern of the model; of other requests
    only the parameters themselves, not what is inside lists and structures. Raises AwsError
    SerializationException or ValidationException, in a form's service MalformedInput or
    ValidationError.
    """
    shape = _input(service, operation)
    if shape is None:
        return
    if _is_form(service):
        faults = _Faults(shows_values=service != "iam")
        faults.of_structure(shape, _read_structure(shape, "", parameters), "")
        _raise("ValidationError", faults.found)
        return
    faults = _Faults(shows_values=True)
    for name, member in shape.members.items():
        value = parameters.get(name)
        if value is None:
            if name in shape.required_members:
                faults.add(None, lower_first(name), "not be null")
        elif not _json_fits(member, value):
            raise AwsError("SerializationException", "")
        elif isinstance(value, str) and len(value) < member.metadata.get("min", 0):
            faults.of_size(member, value, len(value), "length", lower_first(name), most=False)
    _raise("ValidationException", faults.found)


def _raise(code: str, faults: list[str]) -> None:
    if faults:
        raise counted(code, faults)


def counted(code: str, faults: list[str]) -> AwsError:
    """The error that lists faults under their number."""
    count = f"{len(faults)} validation error{'s' if len(faults) > 1 else ''} detected: "
    return AwsError(code, count + "; ".join(faults))


@lru_cache(maxsize=1024)
def lower_first(name: str) -> str:
    """keyId for KeyId: the form in AWS's validation messages and in CloudTrail."""
    return name[:1].lower() + name[1:]


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


# --- forms --------------------------------------------------------------------------------


def _is_form(service: str) -> bool:
    return str(service_model(service).metadata["protocol"]) == "query"


def read_form(service: str, operation: str, form: Mapping[str, str]) -> dict[str, Any]:
    """A form's parameters as the model builds them: Tags.member.1.Key is inside a list Tags.

    Raises AwsError MalformedInput for a text that is not of its type.
    """
    shape = _input(service, operation)
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


# IAM has sentences of its own for the names of entities, and for paths, where moto has them.
# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
_NAMES, _PATHS = r"[\w+=,.@-]+", ("pathType", "policyPathType")


class _Faults:
    """What is wrong with a request, in AWS's words.

    ``shows_values``: whether the service repeats what it was given, as all but IAM do.
    """

    def __init__(self, *, shows_values: bool) -> None:
        self.found: list[str] = []
        self._shows_values = shows_values

    def add(self, value: Any, path: str, rule: str) -> None:
        """Note that a value breaks a rule ("Member must …")."""
        shown = "null" if value is None else f"'{value}'"
        given = f"Value {shown}" if self._shows_values or value is None else "Value"
        self.found.append(f"{given} at '{path}' failed to satisfy constraint: Member must {rule}")

    def of_structure(self, shape: StructureShape, value: Mapping[str, Any], path: str) -> None:
        """Note the faults of a structure's members."""
        for name, member in shape.members.items():
            place = path + lower_first(name)
            if name in value:
                self._of(member, value[name], place)
            elif name in shape.required_members:
                self.add(None, place, "not be null")

    def of_size(
        self, shape: Shape, value: Any, size: int, word: str, path: str, *, most: bool = True
    ) -> None:
        """Note a size below the least one, and with ``most`` one above the greatest."""
        limits = shape.metadata
        if "min" in limits and size < limits["min"]:
            self.add(value, path, f"have {word} greater than or equal to {limits['min']}")
        if most and "max" in limits and size > limits["max"]:
            self.add(value, path, f"have {word} less than or equal to {limits['max']}")

    def _of(self, shape: Any, value: Any, path: str) -> None:
        kind = shape.type_name
        if kind == "structure":
            self.of_structure(shape, value, f"{path}.")
        elif kind == "list":
            self._of_list(shape, value, path)
        elif kind == "integer":
            self.of_size(shape, value, value, "value", path)
        elif kind == "string":
            self._of_text(shape, value, path)

    def _of_list(self, shape: Any, value: list[Any], path: str) -> None:
        self.of_size(shape, value, len(value), "length", path)
        if shape.member.type_name == "structure":
            for place, each in enumerate(value, start=1):
                self._of(shape.member, each, f"{path}.{place}.member")
            return
        # Of a list of texts AWS names the list, and says all that a member must be.
        limits = shape.member.metadata
        rules = [
            f"Member must {rule}"
            for rule, stated in (
                (f"have length less than or equal to {limits.get('max')}", "max" in limits),
                (f"have length greater than or equal to {limits.get('min')}", "min" in limits),
                (f"satisfy regular expression pattern: {shape.member.metadata.get('pattern')}",
                 "pattern" in limits),
                ("not be null", True),
            )
            if stated
        ]  # fmt: skip
        inner = _Faults(shows_values=False)
        for each in value:
            inner._of(shape.member, each, path)
        if inner.found:
            self.add(f"[{', '.join(value)}]", path, f"satisfy constraint: [{', '.join(rules)}]")

    def _of_text(self, shape: Any, value: str, path: str) -> None:
        if shape.enum:
            if value not in shape.enum:
                self.add(value, path, f"satisfy enum value set: [{', '.join(shape.enum)}]")
            return
        self.of_size(shape, value, len(value), "length", path)
        pattern = shape.metadata.get("pattern")
        if not pattern or _java(pattern).fullmatch(value):
            return
        if self._shows_values or (pattern != _NAMES and shape.name not in _PATHS):
            self.add(value, path, f"satisfy regular expression pattern: {pattern}")
        elif pattern == _NAMES and value:
            raise AwsError(
                "ValidationError",
                f"The specified value for {path} is invalid. It must contain only alphanumeric "
                "characters and/or the following: +=,.@_-",
            )


@lru_cache(maxsize=256)
def _java(pattern: str) -> re.Pattern[str]:
    r"""A pattern as Java understands it: \w is ASCII, and \p{L} a letter of any script.

    Separators are those that Python calls space and that are not control characters.
    """
    if r"\p{" not in pattern:
        return re.compile(pattern, re.ASCII)
    separators = r"\u0020\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
    for name, inside in ((r"\p{L}", r"\w"), (r"\p{N}", r"\w"), (r"\p{Z}", separators)):
        pattern = pattern.replace(name, inside)
    return re.compile(pattern)
