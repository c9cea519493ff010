"""The adapter behind all names of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from multiroute_core.api import Offering, ProviderRuntime, UpstreamRequest
from multiroute_core.api.errors import MultiRouteError
from multiroute_core.wire.chat import ChatAdapter
from multiroute_openai_compatible.table import Entry

_CONTEXT_NAMES = ("max_model_len", "context_length", "max_context_length")


class CompatibleProvider(ChatAdapter):
    """Speaks for one instance of a provider in the table."""

    def __init__(self, entry: Entry, runtime: ProviderRuntime) -> None:
        super().__init__(runtime, entry.quirks, entry.headers)
        self._discover = entry.discover
        self._found: tuple[Offering, ...] = ()

    async def start(self) -> None:
        """Ask a server of one's own for its models. One that does not answer has none yet."""
        if not self._discover or not self._runtime.base_url:
            return
        headers = [(b"accept", b"application/json")]
        for credential in self._runtime.credentials[:1]:
            key = self._runtime.secret(credential)
            headers.append((b"authorization", b"Bearer " + key.encode()))
        url = f"{self._runtime.base_url}/models"
        try:
            head, body = await self._runtime.fetch(UpstreamRequest("GET", url, tuple(headers), b""))
        except MultiRouteError:
            return
        if head.status == 200:
            self._found = _models(body)

    def offerings(self) -> Sequence[Offering]:
        """The models that the server listed at the start; otherwise the offerings file holds."""
        return self._found


def _models(body: bytes) -> tuple[Offering, ...]:
    """The offerings in a list of models; what is no such list holds none."""
    try:
        doc = orjson.loads(body)
    except ValueError:
        return ()
    listed = doc.get("data") if isinstance(doc, Mapping) else None
    found: list[Offering] = []
    for model in listed if isinstance(listed, list) else ():
        own = model.get("id") if isinstance(model, Mapping) else None
        if isinstance(own, str) and own:
            told = (model.get(name) for name in _CONTEXT_NAMES)
            context = next((n for n in told if isinstance(n, int) and n > 0), None)
            found.append(Offering(own, context=context))
    return tuple(found)
