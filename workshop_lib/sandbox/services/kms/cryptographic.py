"""KMS's cryptographic operations.

https://docs.aws.amazon.com/kms/latest/developerguide/kms-cryptography.html
"""

import hmac
import os
from collections.abc import Callable, Mapping

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms import asymmetric
from workshop_lib.sandbox.services.kms.ciphertext import BlobSealer, BrokenBlob, Sealed
from workshop_lib.sandbox.services.kms.keys import Key
from workshop_lib.sandbox.services.kms.permissions import KeyRequest
from workshop_lib.sandbox.services.kms.requests import Parameters
from workshop_lib.sandbox.services.kms.store import KeyStore

_USAGES = {
    "Encrypt": "ENCRYPT_DECRYPT",
    "Decrypt": "ENCRYPT_DECRYPT",
    "ReEncrypt": "ENCRYPT_DECRYPT",
    "GenerateDataKey": "ENCRYPT_DECRYPT",
    "GenerateDataKeyWithoutPlaintext": "ENCRYPT_DECRYPT",
    "GenerateDataKeyPair": "ENCRYPT_DECRYPT",
    "GenerateDataKeyPairWithoutPlaintext": "ENCRYPT_DECRYPT",
    "Sign": "SIGN_VERIFY",
    "Verify": "SIGN_VERIFY",
    "GenerateMac": "GENERATE_VERIFY_MAC",
    "VerifyMac": "GENERATE_VERIFY_MAC",
    "DeriveSharedSecret": "KEY_AGREEMENT",
    "Encapsulate": "ENCAPSULATE_DECAPSULATE",
    "Decapsulate": "ENCAPSULATE_DECAPSULATE",
}
# What GetKeyLastUsage tells of.
# https://docs.aws.amazon.com/kms/latest/APIReference/API_KeyLastUsageData.html
USING = frozenset(_USAGES)
# https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
# https://docs.aws.amazon.com/kms/latest/developerguide/mldsa.html
_MESSAGE_TYPES = {
    "ED25519_SHA_512": ("RAW",),
    "ED25519_PH_SHA_512": ("DIGEST",),
    "ML_DSA_SHAKE_256": ("RAW", "EXTERNAL_MU"),
}
_SIZES = {"AES_256": 32, "AES_128": 16}
_INCORRECT_KEY = (  # AWS still says CMK here
    "The key ID in the request does not identify a CMK that can perform this operation."
)


class Use:
    """The operations that use a key, or the service's random numbers."""

    def __init__(self, store: KeyStore, sealer: BlobSealer) -> None:
        self._store = store
        self._sealer = sealer
        self.handlers: dict[str, Callable[[KeyRequest], Parameters]] = {
            "Encrypt": self._encrypt,
            "Decrypt": self._decrypt,
            "ReEncrypt": self._re_encrypt,
            "GenerateDataKey": self._generate_data_key,
            "GenerateDataKeyWithoutPlaintext": self._generate_data_key,
            "GenerateDataKeyPair": self._generate_data_key_pair,
            "GenerateDataKeyPairWithoutPlaintext": self._generate_data_key_pair,
            "GenerateRandom": self._generate_random,
            "GenerateMac": self._generate_mac,
            "VerifyMac": self._verify_mac,
            "Sign": self._sign,
            "Verify": self._verify,
            "GetPublicKey": self._get_public_key,
            "DeriveSharedSecret": self._derive_shared_secret,
            "Encapsulate": self._encapsulate,
            "Decapsulate": self._decapsulate,
        }

    # --- symmetric and RSA encryption ------------------------------------------------------

    def _encrypt(self, asked: KeyRequest) -> Parameters:
        key, values = asked.the_key, asked.values
        algorithm = values.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        require_usable(key, asked.call.operation, algorithm)
        blob = self._close(key, algorithm, values["Plaintext"], asked.context)
        return {"CiphertextBlob": blob, "KeyId": key.arn, "EncryptionAlgorithm": algorithm}

    def _decrypt(self, asked: KeyRequest) -> Parameters:
        key, values = asked.the_key, asked.values
        algorithm = values.get("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        if asked.without_ciphertext:
            require_usable(key, "Decrypt", algorithm)
            return {}
        plaintext = self._open(asked, key, algorithm, values["CiphertextBlob"], asked.context)
        found = {"KeyId": key.arn, "Plaintext": plaintext, "EncryptionAlgorithm": algorithm}
        if asked.sealed is not None:
            found["KeyMaterialId"] = asked.sealed.material_id
        return found

    def _re_encrypt(self, asked: KeyRequest) -> Parameters:
        source, key, values = asked.source, asked.the_key, asked.values
        assert source is not None
        old = values.get("SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        new = values.get("DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT")
        was, will = (values.get(f"{end}EncryptionContext", {}) for end in ("Source", "Destination"))
        if asked.without_ciphertext:
            require_usable(source, "ReEncrypt", old)
            require_usable(key, "ReEncrypt", new)
            return {}
        plaintext = self._open(asked, source, old, values["CiphertextBlob"], was)
        require_usable(key, "ReEncrypt", new)
        found = {
            "CiphertextBlob": self._close(key, new, plaintext, will),
            "SourceKeyId": source.arn,
            "KeyId": key.arn,
            "SourceEncryptionAlgorithm": old,
            "DestinationEncryptionAlgorithm": new,
        }
        if asked.sealed is not None:
            found["SourceKeyMaterialId"] = asked.sealed.material_id
        if key.symmetric:
            found["DestinationKeyMaterialId"] = key.backing.current.id
        return found

    def _open(
        self, asked: KeyRequest, key: Key, algorithm: str, blob: bytes, context: Mapping[str, str]
    ) -> bytes:
        sealed = asked.sealed
        if sealed is not None and not _made_by(sealed, key):
            key.require_usable()
            raise AwsError("IncorrectKeyException", _INCORRECT_KEY)
        require_usable(key, asked.call.operation, algorithm)
        if algorithm != "SYMMETRIC_DEFAULT":
            _refuse_context(context)
            return asymmetric.rsa_decrypt(key, algorithm, blob)
        if sealed is None:
            raise AwsError("InvalidCiphertextException", "")
        return self.unseal(key, sealed, context)

    def unseal(self, key: Key, sealed: Sealed, context: Mapping[str, str]) -> bytes:
        """Open a blob with the key that made it. Raises AwsError InvalidCiphertextException."""
        secret = next(m.secret for m in key.backing.materials if m.id == sealed.material_id)
        assert secret is not None
        try:
            return self._sealer.open(sealed, secret=secret, key_id=key.id, context=context)
        except BrokenBlob:
            raise AwsError("InvalidCiphertextException", "") from None

    def _close(
        self, key: Key, algorithm: str, plaintext: bytes, context: Mapping[str, str]
    ) -> bytes:
        if algorithm != "SYMMETRIC_DEFAULT":
            _refuse_context(context)
            return asymmetric.rsa_encrypt(key, algorithm, plaintext)
        return self.seal(key, plaintext, context)

    def seal(self, key: Key, plaintext: bytes, context: Mapping[str, str]) -> bytes:
        """Encrypt under a symmetric key's current material."""
        material = self._store.used_material(key)
        assert material.secret is not None
        return self._sealer.seal(
            plaintext,
            secret=material.secret,
            material_id=material.id,
            key_id=key.id,
            context=context,
        )

    # --- data keys and random bytes --------------------------------------------------------

    def _generate_data_key(self, asked: KeyRequest) -> Parameters:
        key, values = asked.the_key, asked.values
        require_usable(key, asked.call.operation, "SYMMETRIC_DEFAULT")
        size = _SIZES[values["KeySpec"]] if "KeySpec" in values else values["NumberOfBytes"]
        plaintext = os.urandom(size)
        found = {
            "CiphertextBlob": self.seal(key, plaintext, asked.context),
            "Plaintext": plaintext,
            "KeyId": key.arn,
            "KeyMaterialId": key.backing.current.id,
        }
        return _without(asked, found, "Plaintext")

    def _generate_data_key_pair(self, asked: KeyRequest) -> Parameters:
        key, spec = asked.the_key, asked.values["KeyPairSpec"]
        require_usable(key, asked.call.operation, "SYMMETRIC_DEFAULT")
        if asked.values.get("DryRun"):
            return {}
        pair = asymmetric.new_private_key(spec)
        private = asymmetric.private_der(pair)
        found = {
            "PrivateKeyCiphertextBlob": self.seal(key, private, asked.context),
            "PrivateKeyPlaintext": private,
            "PublicKey": asymmetric.public_der(pair),
            "KeyId": key.arn,
            "KeyPairSpec": spec,
            "KeyMaterialId": key.backing.current.id,
        }
        return _without(asked, found, "PrivateKeyPlaintext")

    def _generate_random(self, asked: KeyRequest) -> Parameters:
        if "CustomKeyStoreId" in asked.values:
            raise NotEmulated("The sandbox does not emulate custom key stores.")
        return {"Plaintext": os.urandom(asked.values["NumberOfBytes"])}

    # --- signatures, MACs, key agreement ---------------------------------------------------

    def _generate_mac(self, asked: KeyRequest) -> Parameters:
        key, algorithm = asked.the_key, asked.values["MacAlgorithm"]
        require_usable(key, "GenerateMac", algorithm)
        tag = asymmetric.mac(key, algorithm, asked.values["Message"])
        return {"Mac": tag, "MacAlgorithm": algorithm, "KeyId": key.arn}

    def _verify_mac(self, asked: KeyRequest) -> Parameters:
        key, algorithm = asked.the_key, asked.values["MacAlgorithm"]
        require_usable(key, "VerifyMac", algorithm)
        tag = asymmetric.mac(key, algorithm, asked.values["Message"])
        if not hmac.compare_digest(tag, asked.values["Mac"]):
            raise AwsError("KMSInvalidMacException", "")
        return {"KeyId": key.arn, "MacValid": True, "MacAlgorithm": algorithm}

    def _sign(self, asked: KeyRequest) -> Parameters:
        key, algorithm, kind = _signing(asked)
        signature = asymmetric.sign(key, algorithm, asked.values["Message"], kind)
        return {"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm}

    def _verify(self, asked: KeyRequest) -> Parameters:
        key, algorithm, kind = _signing(asked)
        values = asked.values
        asymmetric.verify(key, algorithm, values["Message"], kind, values["Signature"])
        return {"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm}

    def _get_public_key(self, asked: KeyRequest) -> Parameters:
        key = asked.the_key
        # A disabled key still gives its public half away, whatever the key state table says.
        key.refuse_states(key.state, "PendingDeletion", "PendingReplicaDeletion", "PendingImport")
        if key.symmetric or key.usage == "GENERATE_VERIFY_MAC":
            raise AwsError(
                "UnsupportedOperationException",
                f"{key.arn} key spec is {key.spec} which is not valid for GetPublicKey.",
            )
        shown = key.metadata()
        fields = ("CustomerMasterKeySpec", "KeySpec", "KeyUsage")
        algorithms = [name for name in shown if name.endswith("Algorithms")]
        return {
            "KeyId": key.arn,
            "PublicKey": asymmetric.public_der(asymmetric.private_key_of(key)),
            **{name: shown[name] for name in (*fields, *algorithms)},
        }

    def _derive_shared_secret(self, asked: KeyRequest) -> Parameters:
        key, algorithm = asked.the_key, asked.values["KeyAgreementAlgorithm"]
        require_usable(key, "DeriveSharedSecret", algorithm)
        return {
            "KeyId": key.arn,
            "SharedSecret": asymmetric.shared_secret(key, asked.values["PublicKey"]),
            "KeyAgreementAlgorithm": algorithm,
            "KeyOrigin": key.origin,
        }

    def _encapsulate(self, asked: KeyRequest) -> Parameters:
        key, algorithm = asked.the_key, asked.values["EncapsulationAlgorithm"]
        require_usable(key, "Encapsulate", algorithm)
        secret, ciphertext = asymmetric.encapsulate(key)
        return {
            "KeyId": key.arn,
            "SharedSecret": secret,
            "SharedSecretCiphertextBlob": ciphertext,
            "EncapsulationAlgorithm": algorithm,
        }

    def _decapsulate(self, asked: KeyRequest) -> Parameters:
        key, values = asked.the_key, asked.values
        algorithm = values["EncapsulationAlgorithm"]
        require_usable(key, "Decapsulate", algorithm)
        secret = asymmetric.decapsulate(key, values["SharedSecretCiphertextBlob"])
        return {"KeyId": key.arn, "SharedSecret": secret, "EncapsulationAlgorithm": algorithm}


def require_usable(key: Key, operation: str, algorithm: str) -> None:
    """The key's state, usage and algorithms, in this order.

    Raises AwsError DisabledException, KMSInvalidStateException, InvalidKeyUsageException.
    """
    key.require_usable()
    if key.usage != _USAGES[operation]:
        raise AwsError(
            "InvalidKeyUsageException",
            f"{key.arn} key usage is {key.usage} which is not valid for {operation}.",
        )
    if algorithm not in key.algorithms:
        raise AwsError(
            "InvalidKeyUsageException",
            f"Algorithm {algorithm} is incompatible with key spec {key.spec}.",
        )


def _signing(asked: KeyRequest) -> tuple[Key, str, str]:
    key, algorithm = asked.the_key, asked.values["SigningAlgorithm"]
    require_usable(key, asked.call.operation, algorithm)
    kind = asked.values.get("MessageType", "RAW")
    if kind not in _MESSAGE_TYPES.get(algorithm, ("RAW", "DIGEST")):
        raise AwsError(
            "ValidationException", f"MessageType {kind} is not valid for algorithm {algorithm}."
        )
    return key, algorithm, kind


def _made_by(sealed: Sealed, key: Key) -> bool:
    return any(material.id == sealed.material_id for material in key.backing.materials)


def _refuse_context(context: Mapping[str, str]) -> None:
    if context:
        raise AwsError(
            "ValidationException",
            "Encryption context is only supported for symmetric encryption KMS keys.",
        )


def _without(asked: KeyRequest, found: Parameters, secret: str) -> Parameters:
    if asked.call.operation.endswith("WithoutPlaintext"):
        del found[secret]
    return found
