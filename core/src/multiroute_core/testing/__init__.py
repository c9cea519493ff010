"""Tools for tests of routers and plugins: upstreams on real loopback sockets.

**A scripted upstream** does what a script says, faults included:

    async with ScriptedUpstream([chat_error(429), Answer(body=chat_reply("hello"))]) as upstream:
        ...  # point the code under test at upstream.base_url
    assert [request.path for request in upstream.requests] == [...]

Steps: `Answer` (status, headers, body, latency, chunking, framing, cut, stall, reset), `Raw`,
`Reset`, `Close`, `Hang`; a refused connection is `refused_url()` or
`ScriptedUpstream.refuse_connections`. Bodies: `chat_*` and `messages_*` build replies, streams and
the documented errors of the two formats; `EventStream.of` joins events for anything else.

**A replay upstream** answers recorded requests with recorded bytes, and says with a diff what was
different in any other request:

    recordings = Recordings.load(folder, provider="acme")
    async with ReplayUpstream(recordings, chunking="random:7") as upstream:
        ...
    assert not upstream.unmatched

`normalise_request` is the comparison it uses. Nothing here is needed, or imported, by the router at
work.
"""

from __future__ import annotations

from .bodies import gzip_bomb, html_page, long_sse_line
from .chunking import Chunking, split_body
from .normalise import Normal, Normalisation, normalise_json, normalise_request
from .recordings import RecordedRequest, RecordedResponse, Recording, Recordings
from .refused import refused_url
from .replay import Mismatch, ReplayUpstream
from .replay_index import Nearest, ReplayIndex
from .replies import (
    EventStream,
    ScriptedToolCall,
    ScriptedUsage,
    chat_chunks,
    chat_error,
    chat_error_body,
    chat_error_event,
    chat_reply,
    chat_stream,
    chat_usage,
    messages_error,
    messages_error_body,
    messages_error_event,
    messages_event,
    messages_events,
    messages_reply,
    messages_stream,
    messages_usage,
    sse_comment,
    sse_event,
)
from .script import Script, ScriptError
from .seen_request import SeenRequest
from .steps import Answer, Close, Hang, Raw, Reset, Step
from .upstream import ScriptedUpstream

__all__ = [
    "Answer",
    "Chunking",
    "Close",
    "EventStream",
    "Hang",
    "Mismatch",
    "Nearest",
    "Normal",
    "Normalisation",
    "Raw",
    "RecordedRequest",
    "RecordedResponse",
    "Recording",
    "Recordings",
    "ReplayIndex",
    "ReplayUpstream",
    "Reset",
    "Script",
    "ScriptError",
    "ScriptedToolCall",
    "ScriptedUpstream",
    "ScriptedUsage",
    "SeenRequest",
    "Step",
    "chat_chunks",
    "chat_error",
    "chat_error_body",
    "chat_error_event",
    "chat_reply",
    "chat_stream",
    "chat_usage",
    "gzip_bomb",
    "html_page",
    "long_sse_line",
    "messages_error",
    "messages_error_body",
    "messages_error_event",
    "messages_event",
    "messages_events",
    "messages_reply",
    "messages_stream",
    "messages_usage",
    "normalise_json",
    "normalise_request",
    "refused_url",
    "split_body",
    "sse_comment",
    "sse_event",
]
