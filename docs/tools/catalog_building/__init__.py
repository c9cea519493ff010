"""How the catalog files are made of the shared data; run `../build_catalog.py`."""
