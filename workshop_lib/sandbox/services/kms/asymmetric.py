"""KMS's asymmetric and HMAC operations, on real keys.

https://docs.aws.amazon.com/kms/latest/developerguide/symm-asymm-choose-key-spec.html
https://docs.aws.amazon.com/kms/latest/developerguide/pqkeys.html
https://docs.aws.amazon.com/kms/latest/developerguide/hmac.html
"""

import hmac
import os
from typing import Any

import cryptography
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, mlkem, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from workshop_lib.errors import NotEmulated
from workshop_lib.sandbox.protocol.errors import AwsError
from workshop_lib.sandbox.services.kms import ml_dsa
from workshop_lib.sandbox.services.kms.keys import Key

_CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA_1": hashes.SHA1(),
    "SHA_224": hashes.SHA224(),
    "SHA_256": hashes.SHA256(),
    "SHA_384": hashes.SHA384(),
    "SHA_512": hashes.SHA512(),
}


_EDWARDS = "ECC_NIST_EDWARDS25519"
_POST_QUANTUM: dict[str, Any] = {
    "ML_DSA_44": mldsa.MLDSA44PrivateKey,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey,
    "ML_KEM_768": mlkem.MLKEM768PrivateKey,
    "ML_KEM_1024": mlkem.MLKEM1024PrivateKey,
}


def new_private_key(spec: str) -> Any:
    """A fresh private key of a KMS key spec, or of the spec of a data key pair.

    Raises NotEmulated for what the cryptography package cannot make: ML_KEM_512, SM2; before its
    version 48 all that is post-quantum.
    """
    if spec == _EDWARDS:
        return ed25519.Ed25519PrivateKey.generate()
    if spec in _POST_QUANTUM:
        return _post_quantum(spec)
    if spec in _CURVES:
        return ec.generate_private_key(_CURVES[spec])
    if not spec.startswith("RSA_"):
        raise NotEmulated(f"The sandbox does not make keys of the spec {spec}.")
    return rsa.generate_private_key(65537, int(spec.removeprefix("RSA_")))


def _post_quantum(spec: str) -> Any:
    try:
        return _POST_QUANTUM[spec].generate()
    except UnsupportedAlgorithm:
        raise NotEmulated(
            f"The sandbox makes no {spec} keys with cryptography {cryptography.__version__}, which "
            "a browser has: they take version 48. On your own computer the course has that "
            "(python3 workshop.py lab)."
        ) from None


def new_secret(spec: str) -> bytes:
    """Fresh key material of a symmetric or HMAC key spec."""
    return os.urandom(32 if spec == "SYMMETRIC_DEFAULT" else int(spec.removeprefix("HMAC_")) // 8)


def is_spec(private_key: Any, spec: str) -> bool:
    """Whether a private key is of a KMS key spec."""
    if isinstance(private_key, ed25519.Ed25519PrivateKey):
        return spec == _EDWARDS
    if isinstance(private_key, rsa.RSAPrivateKey):
        return spec == f"RSA_{private_key.key_size}"
    if isinstance(private_key, ec.EllipticCurvePrivateKey) and spec in _CURVES:
        return private_key.curve.name == _CURVES[spec].name
    return False


def private_der(private_key: Any) -> bytes:
    """A private key as PKCS #8, in DER; of ML-KEM and ML-DSA the seed, as KMS has it."""
    return bytes(
        private_key.private_bytes(
            serialization.Encoding.DER,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


def public_der(private_key: Any) -> bytes:
    """The public half as SubjectPublicKeyInfo, in DER."""
    return bytes(
        private_key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )


def private_key_of(key: Key) -> Any:
    """The key's private key; made when it is first needed, for RSA keys take a while."""
    backing = key.backing
    if backing.private_key is None:
        if backing.imported:
            backing.private_key = load_private_key(backing.current.secret)
        else:
            backing.private_key = new_private_key(key.spec)
    return backing.private_key


def load_private_key(der: bytes | None) -> Any:
    """A private key from PKCS #8, in DER. Raises ValueError."""
    try:
        return serialization.load_der_private_key(der or b"", None)
    except (TypeError, UnsupportedAlgorithm) as error:
        raise ValueError("not an unencrypted private key") from error


def _hash_of(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES["_".join(algorithm.split("_")[-2:])]


def _oaep(algorithm: str) -> padding.OAEP:
    chosen = _hash_of(algorithm)
    return padding.OAEP(padding.MGF1(chosen), chosen, None)


def rsa_encrypt(key: Key, algorithm: str, plaintext: bytes) -> bytes:
    """RSAES-OAEP. Raises AwsError ValidationException for more than the key can take.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Encrypt.html
    """
    limit = int(key.spec.removeprefix("RSA_")) // 8 - 2 * _hash_of(algorithm).digest_size - 2
    if len(plaintext) > limit:
        raise AwsError(
            "ValidationException",
            f"Algorithm {algorithm} and key spec {key.spec} cannot encrypt data larger than "
            f"{limit} bytes.",
        )
    return bytes(private_key_of(key).public_key().encrypt(plaintext, _oaep(algorithm)))


def rsa_decrypt(key: Key, algorithm: str, ciphertext: bytes) -> bytes:
    """RSAES-OAEP. Raises AwsError InvalidCiphertextException."""
    try:
        return bytes(private_key_of(key).decrypt(ciphertext, _oaep(algorithm)))
    except ValueError:
        raise AwsError("InvalidCiphertextException", "") from None


def _signing(algorithm: str, message: bytes, message_type: str) -> tuple[Any, ...]:
    if algorithm in ("ED25519_SHA_512", "ML_DSA_SHAKE_256"):
        return ()
    if algorithm == "ED25519_PH_SHA_512":
        raise NotEmulated("The sandbox does not emulate signatures with ED25519_PH_SHA_512.")
    chosen = _hash_of(algorithm)
    used: Any = chosen
    if message_type == "DIGEST":
        if len(message) != chosen.digest_size:
            raise AwsError(
                "ValidationException", f"Digest is invalid length for algorithm {algorithm}."
            )
        used = Prehashed(chosen)
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(used),)
    if "PSS" in algorithm:
        return padding.PSS(padding.MGF1(chosen), chosen.digest_size), used
    return padding.PKCS1v15(), used


def sign(key: Key, algorithm: str, message: bytes, message_type: str) -> bytes:
    """A signature of ``message`` (RAW), of its digest (DIGEST) or of its μ (EXTERNAL_MU).

    Raises AwsError ValidationException for a digest or a μ of another length.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html
    """
    if message_type == "EXTERNAL_MU":
        _require_mu(algorithm, message)
        return ml_dsa.sign_mu(key.spec, private_key_of(key).private_bytes_raw(), message)
    how = _signing(algorithm, message, message_type)
    return bytes(private_key_of(key).sign(message, *how))


def verify(key: Key, algorithm: str, message: bytes, message_type: str, signature: bytes) -> None:
    """Raises AwsError KMSInvalidSignatureException unless the signature is the message's.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html
    """
    public_key = private_key_of(key).public_key()
    if message_type == "EXTERNAL_MU":
        _require_mu(algorithm, message)
        if not ml_dsa.verify_mu(key.spec, public_key.public_bytes_raw(), message, signature):
            raise AwsError("KMSInvalidSignatureException", "")
        return
    how = _signing(algorithm, message, message_type)
    try:
        public_key.verify(signature, message, *how)
    except InvalidSignature:
        raise AwsError("KMSInvalidSignatureException", "") from None


def _require_mu(algorithm: str, message: bytes) -> None:
    """https://docs.aws.amazon.com/kms/latest/APIReference/API_Verify.html says 64 bytes."""
    if len(message) != ml_dsa.MU_SIZE:
        raise AwsError(
            "ValidationException", f"Digest is invalid length for algorithm {algorithm}."
        )


def mac(key: Key, algorithm: str, message: bytes) -> bytes:
    """The HMAC of ``message``.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_GenerateMac.html
    """
    secret = key.backing.current.secret
    assert secret is not None
    return hmac.digest(secret, message, _hash_of(algorithm).name)


def shared_secret(key: Key, public_key: bytes) -> bytes:
    """ECDH with another party's public key (SubjectPublicKeyInfo, DER): the raw secret.

    Raises AwsError ValidationException for a key that does not fit.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_DeriveSharedSecret.html
    """
    try:
        peer = serialization.load_der_public_key(public_key)
        return bytes(private_key_of(key).exchange(ec.ECDH(), peer))
    except (ValueError, TypeError, AttributeError, UnsupportedAlgorithm):
        raise AwsError("ValidationException", "") from None


def encapsulate(key: Key) -> tuple[bytes, bytes]:
    """A fresh shared secret (32 bytes), and what its holder sends for it.

    https://docs.aws.amazon.com/kms/latest/APIReference/API_Encapsulate.html
    """
    secret, ciphertext = private_key_of(key).public_key().encapsulate()
    return bytes(secret), bytes(ciphertext)


def decapsulate(key: Key, ciphertext: bytes) -> bytes:
    """The shared secret that an encapsulated one stands for.

    An altered ciphertext, or another key's, gives other bytes and no error (implicit rejection).
    Raises AwsError InvalidCiphertextException for one of another length.
    https://docs.aws.amazon.com/kms/latest/APIReference/API_Decapsulate.html
    """
    try:
        return bytes(private_key_of(key).decapsulate(ciphertext))
    except ValueError:
        raise AwsError("InvalidCiphertextException", "") from None
