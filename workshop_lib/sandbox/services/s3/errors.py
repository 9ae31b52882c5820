"""S3's own refusals, as far as more than one module needs them.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
"""

from workshop_lib.sandbox.protocol.errors import AwsError


def invalid_argument(message: str, name: str, value: str | None) -> AwsError:
    """InvalidArgument, naming the argument (a header or query parameter) and its value."""
    shown = "null" if value is None else value
    return AwsError("InvalidArgument", message, 400, {"ArgumentName": name, "ArgumentValue": shown})


def unvalued_argument(message: str, name: str) -> AwsError:
    """InvalidArgument that names the argument alone."""
    return AwsError("InvalidArgument", message, 400, {"ArgumentName": name})


def invalid_request(message: str) -> AwsError:
    """InvalidRequest."""
    return AwsError("InvalidRequest", message)


def method_not_allowed(method: str, kind: str) -> AwsError:
    """MethodNotAllowed, naming the kind of resource that the method is not for."""
    return AwsError(
        "MethodNotAllowed",
        "The specified method is not allowed against this resource.",
        405,
        {"Method": method, "ResourceType": kind},
    )


def no_such_bucket(name: str) -> AwsError:
    """NoSuchBucket."""
    return AwsError(
        "NoSuchBucket", "The specified bucket does not exist", 404, {"BucketName": name}
    )


def no_such_key(key: str) -> AwsError:
    """NoSuchKey."""
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, {"Key": key})


def no_such_version(key: str, version_id: str) -> AwsError:
    """NoSuchVersion."""
    fields = {"Key": key, "VersionId": version_id}
    return AwsError("NoSuchVersion", "The specified version does not exist.", 404, fields)


def precondition_failed(condition: str) -> AwsError:
    """PreconditionFailed, naming the header whose condition did not hold."""
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        {"Condition": condition},
    )


def internal_error() -> AwsError:
    """InternalError: S3's own fault, such as stored data that cannot be read."""
    return AwsError("InternalError", "We encountered an internal error. Please try again.", 500)


def access_denied(message: str = "Access Denied") -> AwsError:
    """AccessDenied."""
    return AwsError("AccessDenied", message, 403)
