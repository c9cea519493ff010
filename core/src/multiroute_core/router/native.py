"""Native pass-through for a router: which instance, which credential, and the record of it."""

from __future__ import annotations

from collections.abc import Mapping

from multiroute_core.api.errors import Forbidden, ModelNotFound
from multiroute_core.api.guard import Principal
from multiroute_core.api.offering import Target
from multiroute_core.router.instances import Instance


def native_instance(instances: Mapping[str, Instance], name: str, principal: Principal) -> Instance:
    """The instance that a native request names.

    Raises:
        Forbidden: the key is bound to profiles, which a native request would go around.
        ModelNotFound: there is no such instance.
    """
    if principal.profiles is not None:
        raise Forbidden("this key is bound to profiles; native requests are not for it")
    allowed = principal.instances
    found = instances.get(name)
    if found is None or (allowed is not None and name not in allowed):
        known = ", ".join(sorted(instances)) or "none"
        raise ModelNotFound(f"no provider instance {name[:80]!r} here: {known}")
    return found


def native_target(instance: Instance) -> Target:
    """The target of a native request: the instance with its first credential."""
    label = instance.credentials[0] if instance.credentials else ""
    name = instance.instance
    return Target(f"{name}:native", name, "", "", instance.base_url, label)
