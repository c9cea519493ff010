"""All builders of scripted bodies: replies, streams, errors, for both formats.

`*_reply` and `*_stream` are bodies, to be put into an `Answer`; `*_error` are Answers, ready for a
script; `*_event` are the bytes of one event, to be joined with `EventStream.of`. Everything is the
same in every run.
"""

from __future__ import annotations

from .chat_replies import (
    chat_chunks,
    chat_error,
    chat_error_body,
    chat_error_event,
    chat_reply,
    chat_stream,
    chat_usage,
)
from .event_stream import EventStream, sse_comment, sse_event
from .messages_replies import (
    messages_error,
    messages_error_body,
    messages_error_event,
    messages_event,
    messages_events,
    messages_reply,
    messages_stream,
    messages_usage,
)
from .reply_parts import ScriptedToolCall, ScriptedUsage

__all__ = [
    "EventStream",
    "ScriptedToolCall",
    "ScriptedUsage",
    "chat_chunks",
    "chat_error",
    "chat_error_body",
    "chat_error_event",
    "chat_reply",
    "chat_stream",
    "chat_usage",
    "messages_error",
    "messages_error_body",
    "messages_error_event",
    "messages_event",
    "messages_events",
    "messages_reply",
    "messages_stream",
    "messages_usage",
    "sse_comment",
    "sse_event",
]
