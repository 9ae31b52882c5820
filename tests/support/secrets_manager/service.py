"""Secrets Manager, as far as one operation."""

import json

from workshop_lib.sandbox.call import Authorize, Call, Check
from workshop_lib.sandbox.protocol.messages import Response
from workshop_lib.sandbox.services.foundations import Foundations, Service


class SecretsManager(Service):
    """GetRandomPassword, which is not random.

    https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetRandomPassword.html
    """

    operations = ("GetRandomPassword",)

    def __init__(self, foundations: Foundations) -> None:
        self._account = foundations.account

    def answer(self, call: Call, authorize: Authorize) -> Response:
        """Answer the one operation there is."""
        authorize(call, [Check(f"secretsmanager:{call.operation}", "*")])
        password = "x" * call.parameters.get("PasswordLength", 32)
        headers = {"Content-Type": "application/x-amz-json-1.1"}
        return Response(200, headers, json.dumps({"RandomPassword": password}).encode())
