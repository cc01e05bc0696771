"""Names that Kubernetes takes and AWS would not."""

from .computation import compute_on
from .conftest import namespace
from .tenant import RunningCluster, Tenant, manifest

# The longest name of an object, and one that has a dot wherever it is cut; the longest of a namespace.
_NAME = "a." * 126 + "a"
_NAMESPACE = "n" * 63


def test_the_longest_names_work_from_apply_to_delete(running: RunningCluster) -> None:
    stack, account = running.tenant, running.account
    assert (len(_NAME), len(_NAMESPACE)) == (253, 63)
    with namespace(stack.kubeconfig, name=_NAMESPACE) as name:
        tenant = Tenant(stack.kubeconfig, name, stack.operator)
        tenant.apply(manifest(_NAME))
        tenant.wait_until_ready(_NAME, workers=1)
        compute_on(tenant, _NAME)
        assert {"Launching", "Ready"} <= {event["reason"] for event in tenant.events(_NAME)}
        uid = (tenant.get(_NAME) or {})["metadata"]["uid"]
        tenant.kubectl("delete", "dkc", _NAME)
    assert account.leftovers(uid, namespace=tenant.namespace) == []
