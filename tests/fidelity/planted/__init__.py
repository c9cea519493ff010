"""Wrong adapters and dialects: each makes one mistake that one check exists to catch."""
