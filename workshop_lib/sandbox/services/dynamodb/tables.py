"""What DynamoDB and its streams know of tables: their keys, their policies, their items."""

from workshop_lib.sandbox.services.dynamodb.encryption import EncryptionAtRest
from workshop_lib.sandbox.services.dynamodb.resource_policies import ResourcePolicies
from workshop_lib.sandbox.services.dynamodb.settings import TableSettings
from workshop_lib.sandbox.services.dynamodb.storage import Storage
from workshop_lib.sandbox.services.dynamodb.stream_history import Streams
from workshop_lib.sandbox.services.foundations import Foundations
from workshop_lib.sandbox.services.kms.on_behalf import OnBehalf


class Tables:
    """The tables of a sandbox, beside what moto keeps of them."""

    def __init__(self, foundations: Foundations) -> None:
        self.encryption = EncryptionAtRest(foundations.shared(OnBehalf))
        self.policies = ResourcePolicies(foundations.account, foundations.principal_exists)
        self.settings, self.streams = TableSettings(), Streams()
        self.storage = Storage(foundations.moto, self.encryption)
