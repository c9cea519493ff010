"""Gateway keys: made here, stored only as hashes."""

from __future__ import annotations

import hashlib
import secrets

_PREFIX = "mr-"
_RANDOM_BYTES = 32


def new_key() -> tuple[str, str]:
    """A fresh key and the hash that the project file holds. The key is shown once, never stored.

    32 random bytes: an unsalted hash of it cannot be searched, unlike that of a password.
    """
    secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    return secret, f"sha256:{hash_key(secret).hex()}"


def hash_key(secret: str) -> bytes:
    """The 32 bytes of SHA-256 over the key's UTF-8; any text that a client sends is accepted.

    >>> len(hash_key("mr-example"))
    32
    """
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()
