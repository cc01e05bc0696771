"""What EC2's operations demand ("Actions, resources, and condition keys for Amazon EC2")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.ec2.models import ec2_backends

from .demand import Demand, carried, members, requested, upper_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .demand import Request

# Of a parameter that names a thing: its kind in ARNs.
_KINDS = {
    "GroupId": "security-group",
    "InstanceId": "instance",
    "LaunchTemplateId": "launch-template",
    "SubnetId": "subnet",
    "VpcId": "vpc",
}
_PREFIXES = {"sg": "security-group", "i": "instance", "lt": "launch-template", "subnet": "subnet", "vpc": "vpc"}


def demands(request: Request) -> Iterator[Demand]:
    """Yield what the call has to be allowed to do; call it where moto's state may be read."""
    operation = request.call.operation
    if operation.startswith(("Describe", "Get")):
        yield Demand(request.action)  # IAM knows no resources of these
    elif operation == "CreateSecurityGroup":
        yield from _made(request, "security-group")
        if request["VpcId"]:
            yield _on(request, "vpc", request["VpcId"])
    elif operation == "CreateLaunchTemplate":
        yield from _made(request, "launch-template")
    elif operation in ("CreateTags", "DeleteTags"):
        tags = requested(upper_tags(members(request.call.parameters, "Tag")))
        for item in members(request.call.parameters, "ResourceId"):
            thing = item[""]
            demand = _on(request, _PREFIXES.get(thing.partition("-")[0], "*"), thing)
            yield Demand(demand.action, demand.resource, {**demand.context, **tags})
    else:
        named = [(kind, request[name]) for name, kind in _KINDS.items() if request[name]]
        if template := request["LaunchTemplateName"]:
            named.append(("launch-template", _ec2(request).launch_template_name_to_ids.get(template, "*")))
        yield from (_on(request, kind, thing) for kind, thing in named)
        if not named:
            yield Demand(request.action)


def _made(request: Request, kind: str) -> Iterator[Demand]:
    """Yield the making of a thing and, where it gets tags, their setting."""
    arn = request.arn("ec2", f"{kind}/*")
    tags: dict[str, str] = {}
    for specification in members(request.call.parameters, "TagSpecification"):
        if specification.get("ResourceType") == kind:
            tags |= upper_tags(members(specification, "Tag"))
    context = requested(tags)
    yield Demand(request.action, arn, context)
    if tags:
        yield Demand("ec2:CreateTags", arn, {**context, "ec2:CreateAction": request.call.operation})


def _on(request: Request, kind: str, thing: str) -> Demand:
    tags = {tag["key"]: tag["value"] for tag in _ec2(request).describe_tags(filters={"resource-id": [thing]})}
    return Demand(request.action, request.arn("ec2", f"{kind}/{thing}"), carried(tags, "ec2"))


def _ec2(request: Request) -> Any:
    return ec2_backends[request.account][request.call.region]
