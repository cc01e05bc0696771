"""VPCs and subnets: found, never made."""

import logging
from collections.abc import Sequence
from typing import Any

from dask_ecs.aws import operations
from dask_ecs.aws.errors import AwsError
from dask_ecs.aws.session import Aws
from dask_ecs.plan.actions import ResolveNetwork
from dask_ecs.plan.network import Subnet, choose_subnets
from dask_ecs.plan.observed import Network
from dask_ecs.plan.problems import NeedsUser

logger = logging.getLogger(__name__)


async def resolve(aws: Aws, wanted: ResolveNetwork) -> Network:
    """Return where the tasks go.

    Raises:
        NeedsUser: what the spec names does not fit together, or there is no default VPC.

    """
    frozen = wanted.frozen
    given = wanted.subnets or (frozen.subnets if frozen else ())
    subnets = await _subnets(aws, ids=given) if given else ()
    if given:
        vpcs = {subnet["VpcId"] for subnet in subnets}
        expected = wanted.vpc_id or (frozen.vpc_id if frozen else None)
        if len(vpcs) != 1 or (expected and vpcs != {expected}):
            raise NeedsUser(
                "SubnetsOfOtherVpc",
                f"The subnets are of {', '.join(sorted(vpcs))}; all must be of {expected or 'one VPC'}. "
                f"Mend {wanted.field} or spec.network.vpcId.",
            )
        vpc = await _vpc(aws, vpcs.pop())
    else:
        vpc = await _vpc(aws, wanted.vpc_id)
        subnets = await _subnets(aws, vpc_id=vpc["VpcId"])
    if wanted.zones:
        subnets = [subnet for subnet in subnets if subnet["AvailabilityZone"] in wanted.zones]
        if not subnets:
            raise NeedsUser(
                "NoSubnets",
                f"VPC {vpc['VpcId']} has none of the subnets in {', '.join(wanted.zones)}. "
                "Mend spec.capacity.availabilityZones, or name subnets there in spec.network.subnets.",
            )
    public = await _public(aws, vpc["VpcId"], subnets)
    found = [
        Subnet(
            id=subnet["SubnetId"],
            vpc_id=subnet["VpcId"],
            zone=subnet["AvailabilityZone"],
            public=subnet["SubnetId"] in public,
        )
        for subnet in sorted(subnets, key=lambda subnet: str(subnet["SubnetId"]))
    ]
    assign = wanted.assign_public_ip
    if assign is None and frozen:
        assign = frozen.assign_public_ip
    chosen, assign = choose_subnets(
        found, given=bool(given), fargate=wanted.fargate, assign_public_ip=assign, field=wanted.field
    )
    return Network(
        vpc_id=vpc["VpcId"],
        vpc_cidrs=_cidrs(vpc),
        subnets=tuple(subnet.id for subnet in chosen),
        assign_public_ip=assign,
    )


async def _vpc(aws: Aws, vpc_id: str | None) -> dict[str, Any]:
    if vpc_id:
        answer = await aws.call(operations.DESCRIBE_VPCS, VpcIds=[vpc_id])
    else:
        answer = await aws.call(operations.DESCRIBE_VPCS, Filters=[{"Name": "is-default", "Values": ["true"]}])
    if not answer["Vpcs"]:
        raise NeedsUser(
            "NoDefaultVpc", f"Region {aws.region} has no default VPC: name one in spec.network.vpcId, or name subnets."
        )
    vpc: dict[str, Any] = answer["Vpcs"][0]
    return vpc


async def _subnets(aws: Aws, *, ids: Sequence[str] = (), vpc_id: str = "") -> Sequence[dict[str, Any]]:
    query: dict[str, Any] = {"SubnetIds": list(ids)} if ids else {"Filters": [{"Name": "vpc-id", "Values": [vpc_id]}]}
    return [subnet async for subnet in aws.pages(operations.DESCRIBE_SUBNETS, "Subnets", **query)]


async def _public(aws: Aws, vpc_id: str, subnets: Sequence[dict[str, Any]]) -> set[str]:
    """Return the subnets whose own route table, or else the VPC's main one, leads to an internet gateway.

    Who may not look at route tables goes by what the subnets give their instances: a public address or none.
    """
    filters = [{"Name": "vpc-id", "Values": [vpc_id]}]
    try:
        tables = [table async for table in aws.pages(operations.DESCRIBE_ROUTE_TABLES, "RouteTables", Filters=filters)]
    except AwsError as error:
        if error.reason != "AccessDenied":
            raise
        logger.warning("%s is not allowed: mapPublicIpOnLaunch says which subnets are public", error.operation)
        return {subnet["SubnetId"] for subnet in subnets if subnet.get("MapPublicIpOnLaunch")}
    own: dict[str, bool] = {}
    main = False
    for table in tables:
        leads_out = any(str(route.get("GatewayId", "")).startswith("igw-") for route in table.get("Routes", ()))
        for association in table.get("Associations", ()):
            if association.get("SubnetId"):
                own[association["SubnetId"]] = leads_out
            elif association.get("Main"):
                main = leads_out
    return {subnet["SubnetId"] for subnet in subnets if own.get(subnet["SubnetId"], main)}


def _cidrs(vpc: dict[str, Any]) -> tuple[str, ...]:
    found = [
        association["CidrBlock"]
        for association in vpc.get("CidrBlockAssociationSet", ())
        if association.get("CidrBlockState", {}).get("State", "associated") == "associated"
    ]
    return tuple(found or [vpc["CidrBlock"]])
