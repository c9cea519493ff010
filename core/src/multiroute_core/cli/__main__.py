"""`python -m multiroute_core.cli`: the same as the command `multiroute`."""

from __future__ import annotations

import sys

from multiroute_core.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
