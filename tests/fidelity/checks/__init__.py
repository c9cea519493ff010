"""The checks: each says of one record what is wrong with it, or that it does not concern it."""
