"""What IAM's operations demand ("Actions, resources, and condition keys for AWS Identity and Access Management")."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.iam.models import iam_backends

from .demand import Demand, carried, members, requested, upper_tags

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .demand import Request


def demands(request: Request) -> Iterator[Demand]:
    """Yield what the call has to be allowed to do; call it where moto's state may be read."""
    operation = request.call.operation
    tags = requested(upper_tags(members(request.call.parameters, "Tags")))
    if operation == "CreateServiceLinkedRole":
        service = str(request["AWSServiceName"])
        arn = _arn(request, f"role/aws-service-role/{service}/*")
        yield Demand(request.action, arn, {"iam:AWSServiceName": service})
    elif operation in ("CreateRole", "CreateInstanceProfile"):
        kind, name = ("role", "RoleName") if operation == "CreateRole" else ("instance-profile", "InstanceProfileName")
        arn = _arn(request, f"{kind}{request['Path'] or '/'}{request[name]}")
        boundary = {"iam:PermissionsBoundary": request["PermissionsBoundary"]} if request["PermissionsBoundary"] else {}
        yield Demand(request.action, arn, {**tags, **boundary})
        if tags:
            yield Demand("iam:TagRole" if kind == "role" else "iam:TagInstanceProfile", arn, tags)
    elif request["InstanceProfileName"]:
        profile = _find(_iam(request).get_instance_profiles(), request["InstanceProfileName"])
        arn = profile.arn if profile else _arn(request, f"instance-profile/{request['InstanceProfileName']}")
        yield Demand(request.action, arn, tags)
        if operation == "AddRoleToInstanceProfile":
            role, _ = _role(request, request["RoleName"])
            yield Demand("iam:PassRole", role, {"iam:PassedToService": "ec2.amazonaws.com"})
    elif request["RoleName"]:
        arn, context = _role(request, request["RoleName"])
        policy = {"iam:PolicyARN": request["PolicyArn"]} if request["PolicyArn"] else {}
        yield Demand(request.action, arn, {**context, **policy, **tags})
    else:
        yield Demand(request.action, request["PolicySourceArn"] or request["PolicyArn"] or "*")


def _role(request: Request, name: str) -> tuple[str, dict[str, Any]]:
    """Return a role's ARN and context; of a role that is not there nobody knows the path."""
    role = _find(_iam(request).get_roles(), name)
    if role is None:
        return _arn(request, f"role/{name}"), {}
    tags = upper_tags(role.tags or ())
    boundary = role.permissions_boundary_arn
    return role.arn, {**carried(tags, "iam"), **({"iam:PermissionsBoundary": boundary} if boundary else {})}


def _find(things: Any, name: str) -> Any:
    return next((thing for thing in things if thing.name == name), None)


def _iam(request: Request) -> Any:
    return iam_backends[request.account]["aws"]


def _arn(request: Request, resource: str) -> str:
    return f"arn:aws:iam::{request.account}:{resource}"
