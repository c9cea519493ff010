"""Models, offerings, prices and normalised names: the format and the arithmetic.

The rows live in plugins and in the project file; nothing here knows a vendor.
"""
