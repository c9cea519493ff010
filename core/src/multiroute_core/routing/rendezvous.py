"""Rendezvous hashing: a stable order of targets for a session, without any state.

Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates" (1998).
"""

from __future__ import annotations

from hashlib import blake2b


def weight(session: str, target: str) -> int:
    """The target's weight for this session; the largest comes first.

    >>> weight("s", "a") == weight("s", "a"), weight("s", "a") == weight("s", "b")
    (True, False)
    """
    digest = blake2b(f"{session}\0{target}".encode("utf-8", "replace"), digest_size=8)
    return int.from_bytes(digest.digest(), "big")


def uniform(seed: int, name: str) -> float:
    """A number in (0, 1) that depends on the seed and the name alone."""
    digest = blake2b(f"{seed}\0{name}".encode("utf-8", "replace"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2**64
