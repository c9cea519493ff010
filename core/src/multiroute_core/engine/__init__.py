"""The engine: the only place that waits for an upstream.

One engine serves streamed and whole answers, passed on and translated ones: a strategy says what
to try, the lease bounds it, the first content event commits it.
"""

from multiroute_core.engine.lease import Lease, Limits
from multiroute_core.engine.run import Plan, Run
from multiroute_core.engine.sink import Answer, Sink
from multiroute_core.engine.transport import HttpUpstream, Upstream

__all__ = ["Answer", "HttpUpstream", "Lease", "Limits", "Plan", "Run", "Sink", "Upstream"]
