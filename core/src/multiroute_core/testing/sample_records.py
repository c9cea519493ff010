"""Records with something in every field, to try stores and observers with."""

from __future__ import annotations

from multiroute_core.api import (
    AttemptRecord,
    CallRecord,
    Candidate,
    Decision,
    DecisionRecord,
    Features,
    Live,
    Loss,
    Target,
    Usage,
    View,
    ViewRecord,
    frozen,
)


def sample_call(call_id: str, *, at_ms: int = 1_000, decision_id: str = "d1") -> CallRecord:
    """A call with something in every field."""
    return CallRecord(
        call_id=call_id,
        decision_id=decision_id,
        at_ms=at_ms,
        operation="chat",
        wire="chat",
        stream=True,
        requested="balanced",
        profile="balanced",
        key="web",
        project="acme",
        target="a:m-1",
        model="lab/m-1",
        outcome="ok",
        fault="",
        status=200,
        attempts=2,
        total_s=1.25,
        first_content_s=0.5,
        usage=Usage(input_fresh=7, output_text=3, media=(("audio_in", 2),)),
        cost_pusd=12_345_678_901,
        losses=(Loss("tools[0]", "strict", "target has no such parameter"),),
        metadata=frozen({"team": "zürich", "tags": ["a", {"b": 1}]}),
    )


def sample_attempt(call_id: str, number: int, *, fault: str = "") -> AttemptRecord:
    """An attempt with something in every field."""
    return AttemptRecord(
        call_id=call_id,
        number=number,
        target=f"a:m-{number}",
        model="lab/m-1",
        outcome="fault" if fault else "ok",
        fault=fault,
        detail="said it was busy" if fault else "",
        status=429 if fault else 200,
        started_ms=1_000 + number,
        total_s=0.25,
        first_content_s=None if fault else 0.125,
        committed=not fault,
        usage=None if fault else Usage(input_fresh=7, others=(("lab/judge", Usage(cache_read=1)),)),
        cost_pusd=None if fault else 0,
        retry_after_s=1.5 if fault else None,
        why="first of the plan",
        upstream_request_id="req-1",
    )


def sample_decision(decision_id: str, *, view_id: str = "v1", at_ms: int = 999) -> DecisionRecord:
    """A decision that cites a view."""
    decision = Decision(
        id=decision_id,
        profile="balanced",
        view_id=view_id,
        seed=2**63 + 1,
        features=Features("chat", stream=True, input_tokens=9, output_tokens=99, needs=("tools",)),
        live=Live((0, 2), seed=5),
        plan=(1, 0),
        utilities=(12.5, -0.25),
        votes_lost=(("cost", "no price"),),
    )
    return DecisionRecord(decision, "balanced", at_ms, "c0ffee", "10c4", frozen({"floor": 0.5}))


def sample_view(view_id: str = "v1") -> ViewRecord:
    """A view of two candidates."""
    candidates = tuple(
        Candidate(
            Target(f"a:m-{number}", "a", f"m-{number}", "lab/m-1", "http://127.0.0.1:1"),
            context=128_000,
            capabilities={"tools": True, "vision": False},
        )
        for number in range(2)
    )
    return ViewRecord(view_id, View("balanced", "chat", candidates, at_ms=998, seed=4))
