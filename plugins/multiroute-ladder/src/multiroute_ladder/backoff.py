"""Waiting before a retry: full jitter, from a seed instead of a random number generator."""

from __future__ import annotations

from hashlib import blake2b


def jitter(seed: int, *words: object) -> float:
    """A number in [0, 1) that only its arguments decide, on any machine and in any process.

    >>> jitter(7, "a:m", 1) == jitter(7, "a:m", 1), 0 <= jitter(7, "a:m", 2) < 1
    (True, True)
    """
    text = "\x1f".join(str(word) for word in (seed, *words))
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return (int.from_bytes(digest, "big") >> 11) / float(1 << 53)


def backoff_s(failures: int, base_s: float, max_s: float, share: float) -> float:
    """Seconds before the retry after so many failures: a share (0..1) of the doubled base.

    Source: "full jitter", Exponential Backoff And Jitter, AWS Architecture Blog, 2015-03-04.

    >>> backoff_s(1, 0.25, 5.0, 0.5), backoff_s(30, 0.25, 5.0, 0.5)
    (0.125, 2.5)
    """
    return share * float(min(max_s, base_s * 2.0 ** min(failures - 1, 32)))
