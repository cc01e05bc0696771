"""Which subnets a cluster's tasks go to."""

import dataclasses
from collections.abc import Sequence

from dask_ecs.plan.problems import NeedsUser


@dataclasses.dataclass(frozen=True, kw_only=True)
class Subnet:
    """A subnet; public means that its route table leads to an internet gateway."""

    id: str
    vpc_id: str
    zone: str
    public: bool


def choose_subnets(
    found: Sequence[Subnet], *, given: bool, fargate: bool, assign_public_ip: bool | None, field: str
) -> tuple[Sequence[Subnet], bool | None]:
    """Return the subnets to use, and whether tasks there get a public address (None: not to be sent, as on EC2).

    Tasks of one cluster share one kind of subnet: a Fargate task in a public subnet without a public address, or in
    a private one with it, can not pull its image. The kind is chosen only where the user did not give the subnets.
    `field` is where the spec gives them, or could.

    Raises:
        NeedsUser: there is no subnet, or the given ones are of two kinds and nobody said which address tasks get.

    """
    if not found:
        raise NeedsUser("NoSubnets", f"The VPC has no subnets. Create one, or name others in {field}.")
    public = [subnet for subnet in found if subnet.public]
    private = [subnet for subnet in found if not subnet.public]
    if given:
        if public and private and fargate and assign_public_ip is None:
            raise NeedsUser(
                "MixedSubnets",
                f"{field} has public subnets ({_ids(public)}) and private ones ({_ids(private)}). "
                "Name subnets of one kind, or set spec.network.assignPublicIp.",
            )
        chosen = list(found)
    elif fargate and assign_public_ip is not False:
        chosen = public or private
    else:
        chosen = private or public
    if not fargate:
        return chosen, None
    return chosen, assign_public_ip if assign_public_ip is not None else all(subnet.public for subnet in chosen)


def _ids(subnets: Sequence[Subnet]) -> str:
    return ", ".join(subnet.id for subnet in subnets)
