"""Keys: what is printed once, and what the file holds."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from pathlib import Path

from multiroute_core.project import hash_key, load_project, new_key


def test_a_new_key_matches_the_line_for_the_file(example: str, write: Callable[..., Path]):
    secret, line = new_key()
    assert secret.startswith("mr-")
    assert len(secret) >= 45
    project = load_project(write(example.replace("sha256:" + "0" * 64, line)))
    assert hmac.compare_digest(project.file.keys["web"].digest, hash_key(secret))
    assert hash_key(secret) == hashlib.sha256(secret.encode()).digest()


def test_keys_are_never_the_same():
    assert len({new_key()[0] for _ in range(50)}) == 50


def test_whatever_a_client_sends_can_be_hashed():
    assert len({hash_key(text) for text in ("", "é", "\ud800", "mr-x")}) == 4
