"""API formats, both directions: one package a format, beside what they share (JSON, SSE)."""
