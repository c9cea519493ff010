"""What recorded replies say, read by code that shares nothing with ours.

Each module reads one native format with nothing but the standard library (and `told`, `framing`
beside it): the import contract and `test_oracle_alone.py` keep it so.
"""
