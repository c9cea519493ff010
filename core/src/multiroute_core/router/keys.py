"""Who calls: keys of the project file, looked up by the hash of what was sent."""

from __future__ import annotations

from multiroute_core.api.call import Pairs
from multiroute_core.api.errors import Unauthorized
from multiroute_core.api.guard import Principal
from multiroute_core.project import hash_key
from multiroute_core.project.schema import ProjectFile

_HEADERS = (b"x-api-key", b"x-goog-api-key", b"api-key")
_MAX_SECRET = 512


class KeyRing:
    """The keys of one project. Without any, every caller is the anonymous one."""

    def __init__(self, file: ProjectFile) -> None:
        project = file.project.name
        self.is_open = not file.keys
        self._anonymous = Principal("", project)
        self._by_hash = {
            key.digest: Principal(
                name, project, None if key.profiles is None else frozenset(key.profiles)
            )
            for name, key in file.keys.items()
        }

    def authenticate(self, headers: Pairs) -> Principal:
        """The caller, by its `Authorization: Bearer`, `x-api-key`, `x-goog-api-key` or `api-key`.

        Raises:
            Unauthorized: no key, several that differ, or one that is not known here.
        """
        if self.is_open:
            return self._anonymous
        sent: set[bytes] = set()
        for name, value in headers:
            if name == b"authorization":
                scheme, _, secret = value.strip().partition(b" ")
                if scheme.lower() == b"bearer":
                    sent.add(secret.strip())
            elif name in _HEADERS:
                sent.add(value.strip())
        if not sent:
            raise Unauthorized(
                "no API key was sent: put it into the header 'Authorization: Bearer <key>'"
            )
        if len(sent) == 1:
            secret = sent.pop()
            if 0 < len(secret) <= _MAX_SECRET:
                found = self._by_hash.get(hash_key(secret.decode("latin-1")))
                if found is not None:
                    return found
        raise Unauthorized("the API key is not known here")
