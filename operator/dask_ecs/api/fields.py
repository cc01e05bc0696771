"""The types of the spec's fields: what AWS accepts, and what to write instead of what it does not."""

import ipaddress
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from dask_ecs.api.quantity import is_quantity, parse
from dask_ecs.api.rules import Rule, matching

SET = {"x-kubernetes-list-type": "set"}
"""The list's items are unique, and appliers merge theirs into it."""

ATOMIC = {"x-kubernetes-list-type": "atomic"}
"""The list has an order and one owner."""


def keyed_by(key: str) -> dict[str, str | list[str]]:
    """Return the marks of a list whose items have a unique key by which appliers merge."""
    return {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [key]}


def _as_text(value: object) -> object:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


def _quantity(*, example: str, low: str, high: str, out_of_range: str) -> tuple[Rule, Rule]:
    return (
        Rule(
            cel="isQuantity(string(self))",
            holds=is_quantity,
            message=f"not a Kubernetes quantity: write {example}",
        ),
        Rule(
            cel=f"!isQuantity(string(self)) || (quantity(string(self)).compareTo(quantity('{low}')) >= 0"
            f" && quantity(string(self)).compareTo(quantity('{high}')) <= 0)",
            holds=lambda text: not is_quantity(text) or parse(low) <= parse(text) <= parse(high),
            message=out_of_range,
        ),
    )


_IntOrString = Annotated[
    str,
    BeforeValidator(_as_text),
    Field(max_length=32),
    WithJsonSchema({"x-kubernetes-int-or-string": True, "maxLength": 32}),
]

# ECS API reference, RegisterTaskDefinition: 128 to 196608 CPU units on EC2. Fargate's sizes are in fargate.py.
_CPU_IS_READABLE, _CPU_IS_POSSIBLE = _quantity(
    example='vCPUs as 4, 500m or "0.5"',
    low="125m",
    high="192",
    out_of_range="ECS runs tasks of 125m to 192 vCPUs: write vCPUs, as 4 or 500m (1024 CPU units are 1)",
)
Cpu = Annotated[_IntOrString, _CPU_IS_READABLE, _CPU_IS_POSSIBLE]

_SHARE_IS_READABLE, _SHARE_IS_POSSIBLE = _quantity(
    example='vCPUs as 1, 250m or "0.25"',
    low="0",
    high="192",
    out_of_range="write vCPUs, as 1 or 250m (1024 CPU units are 1)",
)
SharedCpu = Annotated[_IntOrString, _SHARE_IS_READABLE, _SHARE_IS_POSSIBLE]

# ECS developer guide, "Task definition parameters": a container has 6 MiB or more. No EC2 instance has over 32 TiB.
_MEMORY_IS_READABLE, _MEMORY_IS_POSSIBLE = _quantity(
    example="memory as 16Gi or 512Mi",
    low="6Mi",
    high="32Ti",
    out_of_range="ECS runs tasks of 6Mi to 32Ti: write a unit, as 16Gi or 512Mi (a number without one is bytes)",
)
Memory = Annotated[_IntOrString, _MEMORY_IS_READABLE, _MEMORY_IS_POSSIBLE]

# AWS: "Amazon ECS task definition parameters for Fargate", ephemeralStorage.
_STORAGE_IS_READABLE, _STORAGE_IS_SOLD = _quantity(
    example="storage as 100Gi",
    low="21Gi",
    high="200Gi",
    out_of_range="Fargate has 21Gi to 200Gi: write one of these, or leave it out for 20Gi",
)
EphemeralStorage = Annotated[_IntOrString, _STORAGE_IS_READABLE, _STORAGE_IS_SOLD]

_SHARED_IS_READABLE, _SHARED_IS_POSSIBLE = _quantity(
    example="memory as 2Gi or 512Mi",
    low="1Mi",
    high="32Ti",
    out_of_range="write 1Mi or more, with a unit, as 2Gi or 512Mi (a number without one is bytes)",
)
SharedMemory = Annotated[_IntOrString, _SHARED_IS_READABLE, _SHARED_IS_POSSIBLE]

# RFC 1035: a name has 253 characters at most, each of its labels 1 to 63.
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PORT = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
SchedulerAddress = Annotated[
    str,
    Field(max_length=265),
    matching(
        rf"(tcp|tls)://{_LABEL}(\.{_LABEL})*:{_PORT}",
        "not the address of a Dask scheduler: write it as tcp://10.0.1.7:8786 or tls://scheduler.example.com:8786, "
        "with a port of 1 to 65535",
    ),
]

# ECS developer guide, "Amazon ECS-optimized Linux AMIs": a root volume of 30 GiB. Amazon EBS user guide: gp3 to 64 TiB.
_SIZE_IS_READABLE, _SIZE_IS_POSSIBLE = _quantity(
    example="a volume's size as 100Gi",
    low="30Gi",
    high="64Ti",
    out_of_range="volumes of 30Gi, as the AMI needs, to 64Ti are possible: write a unit, as 100Gi",
)
VolumeSize = Annotated[_IntOrString, _SIZE_IS_READABLE, _SIZE_IS_POSSIBLE]

Port = Annotated[int, Field(ge=1, le=65535, json_schema_extra={"format": "int32"})]

_PARTITION = "arn:aws(-[a-z]+)*"
# IAM user guide, "IAM and AWS STS quotas": names of 64 (roles) and 128 (policies) characters, paths of 512.
_IAM_PATH = "/([!-.0-~]+/)*"
_IAM_NAME = "[A-Za-z0-9+=,.@_-]"

ClusterArn = Annotated[
    str,
    Field(max_length=512),
    matching(
        rf"{_PARTITION}:ecs:[a-z0-9-]+:[0-9]{{12}}:cluster/[A-Za-z0-9_-]{{1,255}}",
        "not the ARN of an ECS cluster: write it as arn:aws:ecs:eu-west-1:123456789012:cluster/name",
    ),
]
TaskDefinitionArn = Annotated[
    str,
    Field(max_length=512),
    matching(
        rf"{_PARTITION}:ecs:[a-z0-9-]+:[0-9]{{12}}:task-definition/[A-Za-z0-9_-]{{1,255}}:[0-9]{{1,9}}",
        "not the ARN of a task definition's revision: write it as "
        "arn:aws:ecs:eu-west-1:123456789012:task-definition/family:1",
    ),
]
# ECS API reference, CreateCapacityProvider.
CapacityProvider = Annotated[
    str,
    Field(max_length=255),
    matching(
        "[A-Za-z0-9_-]{1,255}",
        "not the name of a capacity provider: write letters, digits and _ - only, as FARGATE_SPOT",
    ),
]
RoleArn = Annotated[
    str,
    Field(max_length=1024),
    matching(
        rf"{_PARTITION}:iam::[0-9]{{12}}:role{_IAM_PATH}{_IAM_NAME}{{1,64}}",
        "not the ARN of an IAM role: write it as arn:aws:iam::123456789012:role/name",
    ),
]
InstanceProfileArn = Annotated[
    str,
    Field(max_length=1024),
    matching(
        rf"{_PARTITION}:iam::[0-9]{{12}}:instance-profile{_IAM_PATH}{_IAM_NAME}{{1,128}}",
        "not the ARN of an instance profile: write it as arn:aws:iam::123456789012:instance-profile/name",
    ),
]
PolicyArn = Annotated[
    str,
    Field(max_length=1024),
    matching(
        rf"{_PARTITION}:iam::([0-9]{{12}}|aws):policy{_IAM_PATH}{_IAM_NAME}{{1,128}}",
        "not the ARN of an IAM policy: write it as arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",
    ),
]

REGION_PATTERN = "[a-z]{2,4}(-[a-z]+)+-[0-9]{1,2}"
Region = Annotated[
    str,
    Field(max_length=32),
    matching(REGION_PATTERN, "not an AWS region: write its code, as eu-west-1"),
]

VpcId = Annotated[
    str,
    Field(max_length=32),
    matching(r"vpc-([0-9a-f]{8}|[0-9a-f]{17})", "not the ID of a VPC: write it as vpc-0123456789abcdef0"),
]
SubnetId = Annotated[
    str,
    Field(max_length=32),
    matching(r"subnet-([0-9a-f]{8}|[0-9a-f]{17})", "not the ID of a subnet: write it as subnet-0123456789abcdef0"),
]
SecurityGroupId = Annotated[
    str,
    Field(max_length=32),
    matching(r"sg-([0-9a-f]{8}|[0-9a-f]{17})", "not the ID of a security group: write it as sg-0123456789abcdef0"),
]


def _network(text: str) -> ipaddress.IPv4Network | None:
    try:
        return ipaddress.IPv4Network(text, strict=False) if "/" in text else None
    except ValueError:
        return None


Cidr = Annotated[
    str,
    Field(max_length=18),
    Rule(
        cel="isCIDR(self) && cidr(self).ip().family() == 4",
        holds=lambda text: _network(text) is not None,
        message="not a range of IPv4 addresses: write it as 10.0.0.0/16, or 10.0.1.7/32 for one address",
    ),
    Rule(
        cel="!isCIDR(self) || cidr(self).masked() == cidr(self)",
        holds=lambda text: _network(text) is None or str(_network(text)) == text,
        message="the range has bits set beyond its prefix: write the first address of the range",
        message_cel="'the range has bits set beyond its prefix: write %s'.format([string(cidr(self).masked())])",
        explain=lambda text: f"the range has bits set beyond its prefix: write {_network(text)}",
    ),
]

# ECS API reference, ContainerDefinition: 255 characters before the digest. Docker: "Image reference grammar".
Image = Annotated[
    str,
    Field(max_length=327),
    matching(
        r"([A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?/)?"
        r"[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
        r"(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?",
        "not an image: write it as ghcr.io/dask/dask:2026.8.0, in small letters and without spaces",
    ),
]
PlatformVersion = Annotated[
    str,
    Field(max_length=16),
    matching(r"LATEST|[0-9]+\.[0-9]+\.[0-9]+", "not a Fargate platform version: write LATEST or one as 1.4.0"),
]

# CloudWatch Logs API reference, CreateLogGroup.
LogGroup = Annotated[
    str,
    Field(max_length=512),
    matching(
        r"[A-Za-z0-9._/#-]{1,512}",
        "not the name of a log group: write letters, digits and . _ - / # only, as /teams/a/dask",
    ),
    Rule(
        cel="!self.startsWith('aws/')",
        holds=lambda text: not text.startswith("aws/"),
        message="CloudWatch Logs keeps names that begin with aws/ for itself: begin with another word",
    ),
]
# CloudWatch Logs API reference, CreateLogStream: no colon or asterisk; ECS appends the container and the task's ID.
LogStreamPrefix = Annotated[
    str,
    Field(min_length=1, max_length=256),
    matching(r"[^:*]+", "a log stream's name has no colon and no asterisk: leave them out"),
]

EnvironmentName = Annotated[
    str,
    Field(max_length=256),
    matching(
        r"[A-Za-z_.-][A-Za-z0-9_.-]*",
        "not the name of an environment variable: write letters, digits and _ . - only, and no digit first",
    ),
]

# AWS Secrets Manager API reference, CreateSecret: the name, to which a hyphen and six characters are added.
_SECRET = rf"{_PARTITION}:secretsmanager:[a-z0-9-]+:[0-9]{{12}}:secret:[A-Za-z0-9/_+=.@-]{{1,512}}-[A-Za-z0-9]{{6}}"
# Systems Manager API reference, PutParameter.
_PARAMETER = rf"{_PARTITION}:ssm:[a-z0-9-]+:[0-9]{{12}}:parameter/[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+){{0,15}}"

SecretsManagerArn = Annotated[
    str,
    Field(max_length=640),
    matching(
        _SECRET,
        "not the whole ARN of a secret in Secrets Manager: write it as "
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf, with the six characters at its end",
    ),
]
# ECS developer guide, "Pass Secrets Manager secrets": :json-key:version-stage:version-id may follow a secret's ARN.
SecretReference = Annotated[
    str,
    Field(max_length=1024),
    matching(
        rf"{_SECRET}(:[A-Za-z0-9/_+=.@ -]*:[A-Za-z0-9/_+=.@-]*:[A-Za-z0-9-]*)?|{_PARAMETER}",
        "not the whole ARN of a secret or parameter: write it as "
        "arn:aws:secretsmanager:eu-west-1:123456789012:secret:name-AbCdEf (:key:: may follow) "
        "or arn:aws:ssm:eu-west-1:123456789012:parameter/name",
    ),
]

# ECS API reference, ContainerDefinition: the name.
ContainerName = Annotated[
    str,
    Field(max_length=64),
    matching(r"[A-Za-z0-9_-]{1,64}", "not the name of a container: write letters, digits, - and _ only"),
]

# ECS API reference, Volume: the name.
VolumeName = Annotated[
    str,
    Field(max_length=64),
    matching(r"[A-Za-z0-9_-]{1,64}", "not the name of a volume: write letters, digits, - and _ only"),
]
ContainerPath = Annotated[
    str,
    Field(max_length=256),
    matching(
        r"/|(/[^/:]+)+", "not an absolute path: write it as /data, without a colon and without a slash at its end"
    ),
]
# By a pattern that admits /data/* nobody shall come to /data/../etc.
_STRAIGHT = Rule(
    cel=r"!self.matches('(^|/)[.][.]?(/|$)')",
    holds=lambda path: not {".", ".."} & set(path.split("/")),
    message="the path has . or .. in it: write the folder's own path",
)
HostPath = Annotated[
    str,
    Field(max_length=256),
    matching(
        r"/|(/[^/:]+)+", "not an absolute path: write it as /data, without a colon and without a slash at its end"
    ),
    _STRAIGHT,
]
FileSystemId = Annotated[
    str,
    Field(max_length=32),
    matching(r"fs-([0-9a-f]{8}|[0-9a-f]{17})", "not the ID of a file system: write it as fs-0123456789abcdef0"),
]
AccessPointId = Annotated[
    str,
    Field(max_length=32),
    matching(r"fsap-[0-9a-f]{17}", "not the ID of an access point: write it as fsap-0123456789abcdef0"),
]
VolumeOptions = Annotated[dict[str, Annotated[str, Field(max_length=256), _STRAIGHT]], Field(max_length=10)]
