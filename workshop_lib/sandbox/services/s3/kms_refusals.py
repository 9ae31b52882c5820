"""KMS's refusals under the names S3 gives them.

https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html
"""

from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.s3.errors import access_denied, internal_error


def _as_s3(error: AwsError) -> AwsError:
    """https://docs.aws.amazon.com/AmazonS3/latest/developerguide/ErrorResponses.html"""
    if error.code == "AccessDeniedException":
        return access_denied(error.message)
    if error.code == "InvalidCiphertextException":  # S3's own record was altered
        return internal_error()
    return AwsError(f"KMS.{error.code}", error.message, 400)
