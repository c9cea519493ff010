"""Limits: what one client may cost the gateway."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Caps and deadlines; times in seconds.

    body_bytes: a request body. head_bytes, head_count: request line and headers together.
    head_s, body_s: from the first byte (or the connection) to the last of head and body; never
        extended by progress. idle_s: a kept-alive connection without a request; longer than the
        usual pools of clients keep theirs, so that it is the client who closes.
    write_s: how long a client may leave its side full before it is cut off.
    linger_s: how long a client that is still sending is listened to after it was refused.
    drain_s: how long the gateway is not ready but still listens, at shutdown. grace_s: how long
        running requests may then go on. last_words_s: what a request that is ended at the close
        of the grace has to say so.
    """

    body_bytes: int = 32 * 1024 * 1024
    head_bytes: int = 64 * 1024
    head_count: int = 100
    head_s: float = 10.0
    body_s: float = 30.0
    idle_s: int = 75
    write_s: float = 30.0
    linger_s: float = 1.0
    drain_s: float = 2.0
    grace_s: float = 30.0
    last_words_s: float = 1.0
