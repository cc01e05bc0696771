"""Specs that are refused, each with the field that is blamed and what the message must say."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

CLUSTER = "arn:aws:ecs:eu-west-1:123456789012:cluster/research"
ROLE = "arn:aws:iam::123456789012:role/dask"
POLICY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
SECRET = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:team/database-AbCdEf"
SUBNET = "subnet-0123456789abcdef0"
SECURITY_GROUP = "sg-0123456789abcdef0"


class RefusedBy(Enum):
    """Who refuses: what both do in the same words is a rule, what both do in their own words is a bound."""

    RULE = "the API server and the model, in the same words"
    BOUND = "the API server and the model, each in its own words"
    SERVER = "the API server alone"


@dataclass(frozen=True)
class Refused:
    because: str
    spec: dict[str, Any]
    field: str
    says: str
    by: RefusedBy = RefusedBy.RULE


def on_ec2(**spec: Any) -> dict[str, Any]:
    return {"launchType": "EC2", "clusterArn": CLUSTER, **spec}


def _on(*providers: str, **share: int) -> dict[str, Any]:
    return {"capacityProviderStrategy": [{"capacityProvider": provider, **share} for provider in providers]}


def _brought(**capacity: Any) -> dict[str, Any]:
    return {"launchType": "EC2", "capacity": {"instanceTypes": ["m6i.xlarge"], **capacity}}


def _variables(*names: str) -> dict[str, Any]:
    return {"environment": [{"name": name, "value": "1"} for name in names]}


def _secrets(*sources: str) -> dict[str, Any]:
    return {"secrets": [{"name": "PASSWORD", "valueFrom": source} for source in sources]}


def ulimit(**limit: Any) -> dict[str, Any]:
    return {"ulimits": [{"name": "nofile", "softLimit": 1, "hardLimit": 1, **limit}]}


# One entry reads best as two lines, which the formatter would make six.
# fmt: off
SIZES = (
    Refused("a scheduler of a size Fargate does not sell", {"scheduler": {"cpu": 1, "memory": "9Gi"}},
            "spec.scheduler", "the nearest that holds both is cpu: 2, memory: 9Gi"),
    Refused("a worker of a size Fargate does not sell", {"worker": {"cpu": 4, "memory": "31Gi"}},
            "spec.worker", "the nearest that holds both is cpu: 8, memory: 32Gi"),
    Refused("a worker of too little memory for Fargate", {"worker": {"cpu": 4, "memory": "4Gi"}},
            "spec.worker", "the nearest that holds both is cpu: 4, memory: 8Gi"),
    Refused("a worker of a cpu between two that Fargate sells", {"worker": {"cpu": "300m", "memory": "1Gi"}},
            "spec.worker", "the nearest that holds both is cpu: 500m, memory: 1Gi"),
    Refused("a worker smaller than Fargate's smallest", {"worker": {"cpu": "200m", "memory": "128Mi"}},
            "spec.worker", "the nearest that holds both is cpu: 250m, memory: 512Mi"),
    Refused("a worker of memory between two steps", {"worker": {"cpu": "0.25", "memory": "1536Mi"}},
            "spec.worker", "the nearest that holds both is cpu: 250m, memory: 2Gi"),
    Refused("a worker larger than Fargate's largest", {"worker": {"cpu": 32, "memory": "256Gi"}},
            "spec.worker", "the nearest that holds both is cpu: 16, memory: 120Gi"),
    Refused("decimal gigabytes on Fargate", {"worker": {"cpu": 4, "memory": "16G"}},
            "spec.worker", "the nearest that holds both is cpu: 4, memory: 15Gi"),
    Refused("cpu that is no quantity", {"worker": {"cpu": "4 vCPU"}},
            "spec.worker.cpu", 'not a Kubernetes quantity: write vCPUs as 4, 500m or "0.5"'),
    Refused("memory that is no quantity", {"scheduler": {"memory": "4GB"}},
            "spec.scheduler.memory", "not a Kubernetes quantity: write memory as 16Gi or 512Mi"),
    Refused("cpu that is too long for a quantity", {"worker": {"cpu": "0" * 33}},
            "spec.worker.cpu", "Too long: may not be more than 32", RefusedBy.BOUND),
    Refused("cpu in CPU units", on_ec2(worker={"cpu": 4096}),
            "spec.worker.cpu", "write vCPUs, as 4 or 500m (1024 CPU units are 1)"),
    Refused("negative cpu", on_ec2(worker={"cpu": -1}),
            "spec.worker.cpu", "ECS runs tasks of 125m to 192 vCPUs"),
    Refused("cpu below what ECS runs on EC2", on_ec2(scheduler={"cpu": "100m"}),
            "spec.scheduler.cpu", "ECS runs tasks of 125m to 192 vCPUs"),
    Refused("memory without a unit", on_ec2(worker={"memory": 16384}),
            "spec.worker.memory", "write a unit, as 16Gi or 512Mi (a number without one is bytes)"),
    Refused("a GPU on Fargate", {"worker": {"gpu": 1}},
            "spec.worker.gpu", "Fargate has no GPUs: remove worker.gpu, or set launchType: EC2 and clusterArn"),
    Refused("a disk smaller than Fargate's smallest", {"worker": {"ephemeralStorage": "20Gi"}},
            "spec.worker.ephemeralStorage", "Fargate has 21Gi to 200Gi: write one of these, or leave it out for 20Gi"),
    Refused("a disk without a unit", {"scheduler": {"ephemeralStorage": 100}},
            "spec.scheduler.ephemeralStorage", "Fargate has 21Gi to 200Gi"),
    Refused("a disk that is no quantity", {"worker": {"ephemeralStorage": "100 GB"}},
            "spec.worker.ephemeralStorage", "not a Kubernetes quantity: write storage as 100Gi"),
    Refused("a disk of its own on EC2", on_ec2(worker={"ephemeralStorage": "100Gi"}),
            "spec.worker.ephemeralStorage", "on EC2 tasks have their instance's disk: remove ephemeralStorage"),
    Refused("shared memory on Fargate", {"worker": {"sharedMemory": "2Gi"}},
            "spec.worker.sharedMemory", "Fargate has no shared memory to size: remove sharedMemory"),
    Refused("shared memory without a unit", on_ec2(worker={"sharedMemory": 512}),
            "spec.worker.sharedMemory", "write 1Mi or more, with a unit, as 2Gi or 512Mi"),
    Refused("shared memory that is no quantity", on_ec2(worker={"sharedMemory": "2 GB"}),
            "spec.worker.sharedMemory", "not a Kubernetes quantity: write memory as 2Gi or 512Mi"),
    Refused("a ulimit that Fargate does not have", {"worker": ulimit(name="memlock")},
            "spec.worker.ulimits", "Fargate has no ulimit but nofile: remove the others"),
    Refused("an unknown ulimit", on_ec2(worker=ulimit(name="files")),
            "spec.worker.ulimits[0].name", 'supported values: "core", ', RefusedBy.BOUND),
    Refused("a soft limit above the hard one", {"scheduler": ulimit(softLimit=2)},
            "spec.scheduler.ulimits[0].softLimit", "softLimit is above hardLimit: lower it, or raise hardLimit"),
    Refused("no soft limit beside a hard one", {"scheduler": ulimit(softLimit=-1)},
            "spec.scheduler.ulimits[0].softLimit", "softLimit is above hardLimit: lower it, or raise hardLimit"),
    Refused("more time to stop than Fargate gives", {"worker": {"stopTimeout": 121}},
            "spec.worker.stopTimeout", "Fargate waits 120 seconds at most: lower it, or set launchType: EC2"),
    Refused("no time to stop", {"worker": {"stopTimeout": 0}},
            "spec.worker.stopTimeout", "should be greater than or equal to 1", RefusedBy.BOUND),
    Refused("a negative number of GPUs", on_ec2(worker={"gpu": -1}),
            "spec.worker.gpu", "should be greater than or equal to 0", RefusedBy.BOUND),
    Refused("a negative number of workers", {"worker": {"replicas": -1}},
            "spec.worker.replicas", "should be greater than or equal to 0", RefusedBy.BOUND),
    Refused("a worker without threads", {"worker": {"threads": 0}},
            "spec.worker.threads", "should be greater than or equal to 1", RefusedBy.BOUND),
)

PLACES = (
    Refused("an unknown launch type", {"launchType": "fargate"},
            "spec.launchType", 'supported values: "FARGATE", "EC2"', RefusedBy.BOUND),
    Refused("EC2 without an ECS cluster", {"launchType": "EC2"},
            "spec.clusterArn", "to its ARN, or capacity to have instances brought, or launchType: FARGATE"),
    Refused("a cluster's name in place of its ARN", {"clusterArn": "research"},
            "spec.clusterArn", "write it as arn:aws:ecs:eu-west-1:123456789012:cluster/name"),
    Refused("the ARN of a service in place of a cluster's", {"clusterArn": CLUSTER.replace("cluster/", "service/")},
            "spec.clusterArn", "write it as arn:aws:ecs:eu-west-1:123456789012:cluster/name"),
    Refused("a region other than the ECS cluster's", {"clusterArn": CLUSTER, "region": "eu-west-2"},
            "spec.region", "region is not the one in clusterArn: remove region, or make it the same"),
    Refused("a zone in place of a region", {"region": "eu-west-1a"},
            "spec.region", "not an AWS region: write its code, as eu-west-1"),
    Refused("an unknown isolation", {"isolation": "none"},
            "spec.isolation", 'supported values: "namespace", "cluster"', RefusedBy.BOUND),
    Refused("an unknown CPU architecture", {"cpuArchitecture": "arm64"},
            "spec.cpuArchitecture", 'supported values: "X86_64", "ARM64"', RefusedBy.BOUND),
    Refused("a platform version that is none", {"platformVersion": "latest"},
            "spec.platformVersion", "write LATEST or one as 1.4.0"),
    Refused("a platform version on EC2", on_ec2(platformVersion="1.4.0"),
            "spec.platformVersion", "only Fargate has platform versions"),
    Refused("a VPC's name", {"network": {"vpcId": "main"}},
            "spec.network.vpcId", "write it as vpc-0123456789abcdef0"),
    Refused("a malformed subnet", {"network": {"subnets": [SUBNET, "subnet-xyz"]}},
            "spec.network.subnets[1]", "write it as subnet-0123456789abcdef0"),
    Refused("the same subnet twice", {"network": {"subnets": [SUBNET, SUBNET]}},
            "spec.network.subnets[1]", "Duplicate value", RefusedBy.SERVER),
    Refused("more subnets than ECS takes", {"network": {"subnets": [f"subnet-{n:017x}" for n in range(17)]}},
            "spec.network.subnets", "must have at most 16 items", RefusedBy.BOUND),
    Refused("a malformed security group", {"network": {"securityGroups": ["default"]}},
            "spec.network.securityGroups[0]", "write it as sg-0123456789abcdef0"),
    Refused("a public address on EC2", on_ec2(network={"assignPublicIp": True}),
            "spec.network.assignPublicIp", "ECS gives tasks on EC2 no public address: remove assignPublicIp"),
    Refused("an address in place of a range", {"network": {"allowedCidrs": ["10.0.1.7"]}},
            "spec.network.allowedCidrs[0]", "write it as 10.0.0.0/16, or 10.0.1.7/32 for one address"),
    Refused("a range that is none", {"network": {"allowedCidrs": ["10.0.0.0/33"]}},
            "spec.network.allowedCidrs[0]", "not a range of IPv4 addresses"),
    Refused("a range of IPv6 addresses", {"network": {"allowedCidrs": ["fd00::/8"]}},
            "spec.network.allowedCidrs[0]", "not a range of IPv4 addresses"),
    Refused("a range with bits beyond its prefix", {"network": {"allowedCidrs": ["10.0.1.7/16"]}},
            "spec.network.allowedCidrs[0]", "the range has bits set beyond its prefix: write 10.0.0.0/16"),
    Refused("ranges that would open no group",
            {"network": {"securityGroups": [SECURITY_GROUP], "allowedCidrs": ["10.0.0.0/16"]}},
            "spec.network.allowedCidrs", "remove allowedCidrs and open the given groups yourself"),
)

CAPACITY = (
    Refused("capacity on Fargate", {"capacity": {"instanceTypes": ["m6i.large"]}},
            "spec.capacity", "Fargate has no instances to bring: remove capacity, or set launchType: EC2"),
    Refused("capacity for an ECS cluster that is given", on_ec2(capacity={"instanceTypes": ["m6i.large"]}),
            "spec.capacity", "no instances are brought to an ECS cluster that is given: remove capacity"),
    Refused("capacity without machines", _brought(instanceTypes=[]),
            "spec.capacity.instanceTypes", "no machines are named: write instanceTypes, as [m6i.xlarge], or managed"),
    Refused("a malformed instance type", _brought(instanceTypes=["m6i"]),
            "spec.capacity.instanceTypes[0]", "not an EC2 instance type: write it as m6i.xlarge"),
    Refused("a minimum above the maximum", _brought(minimum=3, maximum=2),
            "spec.capacity.minimum", "minimum is larger than maximum (100 where none is given): lower it"),
    Refused("a minimum above the default maximum", _brought(minimum=101),
            "spec.capacity.minimum", "minimum is larger than maximum (100 where none is given): lower it"),
    Refused("no instance at most", _brought(maximum=0),
            "spec.capacity.maximum", "should be greater than or equal to 1", RefusedBy.BOUND),
    Refused("a share of Spot without Spot", _brought(onDemandPercentage=50),
            "spec.capacity.onDemandPercentage", "without spot all instances are on demand: remove"),
    Refused("a share above the whole", _brought(spot=True, onDemandPercentage=101),
            "spec.capacity.onDemandPercentage", "should be less than or equal to 100", RefusedBy.BOUND),
    Refused("a volume too small for the AMI", _brought(filesystemSize="20Gi"),
            "spec.capacity.filesystemSize", "volumes of 30Gi, as the AMI needs, to 64Ti are possible"),
    Refused("a volume without a unit", _brought(filesystemSize=100),
            "spec.capacity.filesystemSize", "write a unit, as 100Gi"),
    Refused("user data that cloud-init does not know", _brought(userData="echo hello"),
            "spec.capacity.userData", "begin with #! for a script, or with #cloud-config"),
    Refused("an AMI's name", _brought(ami="al2023"),
            "spec.capacity.ami", "not the ID of an AMI: write it as ami-0123456789abcdef0"),
    Refused("a region in place of a zone", _brought(availabilityZones=["eu-west-1"]),
            "spec.capacity.availabilityZones[0]", "not an availability zone: write it as eu-west-1a"),
    Refused("an instance profile's name", _brought(instanceProfileArn="dask"),
            "spec.capacity.instanceProfileArn", "write it as arn:aws:iam::123456789012:instance-profile/name"),
    Refused("a tag of AWS on volumes", _brought(volumeTags={"aws:team": "a"}),
            "spec.capacity.volumeTags", "keys that begin with aws: are AWS's"),
    Refused("a choice of machines that ECS manages", _brought(managedInstances={}, maximum=2),
            "spec.capacity.managedInstances", "ECS chooses and sets up managed instances itself: remove minimum"),
    Refused("GPUs on ARM64 without an AMI",
            {**_brought(instanceTypes=["g5g.xlarge"]), "cpuArchitecture": "ARM64", "worker": {"gpu": 1}},
            "spec.capacity.ami", "there is no ECS-optimized AMI for GPUs on ARM64: name one in capacity.ami"),
    Refused("a strategy beside capacity",
            {**_brought(), "worker": {"capacityProviderStrategy": [{"capacityProvider": "mine", "weight": 1}]}},
            "spec.capacity", "with capacity, tasks on EC2 run on the instances that it brings"),
)

LAUNCHES = (
    Refused("workers on EC2 without an ECS cluster", {"worker": {"launchType": "EC2"}},
            "spec.clusterArn", "launchType EC2 runs on the instances of an existing ECS cluster: set clusterArn"),
    Refused("a worker of a size that Fargate does not sell beside a scheduler on EC2",
            on_ec2(worker={"launchType": "FARGATE", "cpu": 3, "memory": "16Gi"}),
            "spec.worker", "the nearest that holds both is cpu: 4, memory: 16Gi"),
    Refused("a GPU on Fargate beside a scheduler on EC2", on_ec2(worker={"launchType": "FARGATE", "gpu": 1}),
            "spec.worker.gpu", "Fargate has no GPUs: remove worker.gpu"),
    Refused("Spot beside a strategy", {"worker": {"spot": True, **_on("FARGATE_SPOT")}},
            "spec.worker.spot", "spot is short for a capacityProviderStrategy of FARGATE_SPOT alone"),
    Refused("Spot of a given ECS cluster's instances", on_ec2(worker={"spot": True}),
            "spec.worker.spot", "name its Spot capacity provider in worker.capacityProviderStrategy"),
    Refused("an own capacity provider on Fargate", {"worker": _on("gpus")},
            "spec.worker.capacityProviderStrategy", "set worker.launchType to what these are"),
    Refused("FARGATE_SPOT on EC2", on_ec2(scheduler=_on("FARGATE_SPOT")),
            "spec.scheduler.capacityProviderStrategy", "set scheduler.launchType to what these are"),
    Refused("a capacity provider's ARN", {"worker": _on("arn:aws:ecs:eu-west-1:123456789012:capacity-provider/gpus")},
            "spec.worker.capacityProviderStrategy[0].capacityProvider", "not the name of a capacity provider"),
    Refused("the same capacity provider twice", {"worker": _on("FARGATE", "FARGATE", weight=1)},
            "spec.worker.capacityProviderStrategy[1]", "Duplicate value", RefusedBy.SERVER),
    Refused("two bases", {"worker": _on("FARGATE", "FARGATE_SPOT", base=1, weight=1)},
            "spec.worker.capacityProviderStrategy", "only one capacity provider of a strategy can have a base"),
    Refused("a strategy without weights", {"worker": _on("FARGATE", "FARGATE_SPOT")},
            "spec.worker.capacityProviderStrategy", "give one a weight above 0"),
    Refused("a weight that ECS does not take", {"worker": _on("FARGATE", weight=1001)},
            "spec.worker.capacityProviderStrategy[0].weight", "less than or equal to 1000", RefusedBy.BOUND),
    Refused("placement on Fargate", {"worker": {"placementConstraints": [{"type": "distinctInstance"}]}},
            "spec.worker", "Fargate has no instances to place tasks on: remove placementConstraints"),
    Refused("memberOf without an expression", on_ec2(worker={"placementConstraints": [{"type": "memberOf"}]}),
            "spec.worker.placementConstraints[0].expression", "memberOf needs an expression"),
    Refused("binpack by a field that it does not know",
            on_ec2(worker={"placementStrategy": [{"type": "binpack", "field": "gpu"}]}),
            "spec.worker.placementStrategy[0].field", "binpack takes cpu or memory"),
    Refused("spread without a field", on_ec2(scheduler={"placementStrategy": [{"type": "spread"}]}),
            "spec.scheduler.placementStrategy[0].field", "spread takes instanceId, host or an attribute"),
    Refused("an old platform version", {"platformVersion": "1.3.0"},
            "spec.platformVersion", "need Fargate's platform version 1.4.0 or newer: remove platformVersion"),
    Refused("ranges that would open nothing where the scheduler has its own groups",
            {"network": {"allowedCidrs": ["10.0.0.0/16"]}, "scheduler": {"securityGroups": [SECURITY_GROUP]}},
            "spec.network.allowedCidrs", "with scheduler.securityGroups it is in none: remove allowedCidrs"),
    Refused("accelerators for workers without GPUs",
            {"launchType": "EC2", "capacity": {"managedInstances": {"acceleratorNames": ["t4"]}}},
            "spec.capacity.managedInstances.acceleratorNames", "set worker.gpu, or remove acceleratorNames"),
    Refused("a malformed subnet of the workers", {"worker": {"subnets": ["main"]}},
            "spec.worker.subnets[0]", "write it as subnet-0123456789abcdef0"),
    Refused("an external scheduler's host without a port", {"scheduler": {"address": "tcp://10.0.1.7"}},
            "spec.scheduler.address", "write it as tcp://10.0.1.7:8786 or tls://scheduler.example.com:8786"),
    Refused("an external scheduler's port that there is not", {"scheduler": {"address": "tcp://10.0.1.7:65536"}},
            "spec.scheduler.address", "with a port of 1 to 65535"),
    Refused("an external scheduler at port 0", {"scheduler": {"address": "tcp://10.0.1.7:0"}},
            "spec.scheduler.address", "with a port of 1 to 65535"),
    Refused("an external scheduler's name with an empty part", {"scheduler": {"address": "tcp://a..b:8786"}},
            "spec.scheduler.address", "write it as tcp://10.0.1.7:8786 or tls://scheduler.example.com:8786"),
    Refused("an external scheduler's name with a part of 64 characters",
            {"scheduler": {"address": f"tcp://{'a' * 64}.example.com:8786"}},
            "spec.scheduler.address", "write it as tcp://10.0.1.7:8786 or tls://scheduler.example.com:8786"),
    Refused("a Service for an external scheduler",
            {"scheduler": {"address": "tcp://10.0.1.7:8786"}, "service": {"enabled": True}},
            "spec.service.enabled", "a Service leads to a scheduler that the operator runs: remove service"),
    Refused("workers that count backwards", {"worker": {"naming": {"step": -1}}},
            "spec.worker.naming.step", "greater than or equal to 1", RefusedBy.BOUND),
    Refused("a list of parameters of RunTask", {"worker": {"runTaskOverrides": [{"group": "a"}]}},
            "spec.worker.runTaskOverrides", "must be of type object", RefusedBy.BOUND),
    Refused("tags propagated from a service", {"propagateTags": "SERVICE"},
            "spec.propagateTags", 'supported values: "TASK_DEFINITION", "NONE"', RefusedBy.BOUND),
)

PERMISSIONS = (
    Refused("a role's name in place of its ARN", {"iam": {"executionRoleArn": "ecsTaskExecutionRole"}},
            "spec.iam.executionRoleArn", "write it as arn:aws:iam::123456789012:role/name"),
    Refused("a user's ARN in place of a role's", {"iam": {"taskRoleArn": ROLE.replace("role/", "user/")}},
            "spec.iam.taskRoleArn", "write it as arn:aws:iam::123456789012:role/name"),
    Refused("a role's ARN among the policies", {"iam": {"taskRolePolicies": [POLICY, ROLE]}},
            "spec.iam.taskRolePolicies[1]", "write it as arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"),
    Refused("policies beside a given role", {"iam": {"taskRoleArn": ROLE, "taskRolePolicies": [POLICY]}},
            "spec.iam.taskRolePolicies", "remove them and attach the policies to the given role yourself"),
)

CONTAINERS = (
    Refused("an image with a space", {"image": "ghcr.io/dask/dask latest"},
            "spec.image", "write it as ghcr.io/dask/dask:2026.8.0, in small letters and without spaces"),
    Refused("an image in capital letters", {"image": "ghcr.io/Dask/dask"},
            "spec.image", "write it as ghcr.io/dask/dask:2026.8.0, in small letters and without spaces"),
    Refused("an empty image", {"image": ""}, "spec.image", "not an image: write it as"),
    Refused("a port out of range", {"scheduler": {"port": 70000}},
            "spec.scheduler.port", "should be less than or equal to 65535", RefusedBy.BOUND),
    Refused("port zero", {"scheduler": {"dashboardPort": 0}},
            "spec.scheduler.dashboardPort", "should be greater than or equal to 1", RefusedBy.BOUND),
    Refused("the same port twice", {"scheduler": {"port": 8787}},
            "spec.scheduler.dashboardPort", "port and dashboardPort are the same: give them different numbers"),
    Refused("the deletion of everybody's log group", {"logs": {"deletionPolicy": "Delete"}},
            "spec.logs.deletionPolicy", "holds the logs of all namespaces and is not deleted: name one of your own"),
    Refused("the same environment variable twice", _variables("LEVEL", "LEVEL"),
            "spec.environment[1]", 'Duplicate value: {"name":"LEVEL"}', RefusedBy.SERVER),
    Refused("the same environment variable of the workers twice", {"worker": _variables("LEVEL", "LEVEL")},
            "spec.worker.environment[1]", 'Duplicate value: {"name":"LEVEL"}', RefusedBy.SERVER),
    Refused("an environment variable with an equals sign", _variables("LEVEL=1"),
            "spec.environment[0].name", "write letters, digits and _ . - only, and no digit first"),
    Refused("an environment variable without a name", {"environment": [{"value": "1"}]},
            "spec.environment[0].name", "Required value", RefusedBy.BOUND),
    Refused("a worker's image with a space", {"worker": {"image": "dask latest"}},
            "spec.worker.image", "write it as ghcr.io/dask/dask:2026.8.0, in small letters and without spaces"),
    Refused("a secret's name in place of its ARN", _secrets("database"),
            "spec.secrets[0].valueFrom", "not the whole ARN of a secret or parameter: write it as arn:aws:"),
    Refused("a secret's ARN without its last characters", _secrets(SECRET.rpartition("-")[0]),
            "spec.secrets[0].valueFrom", "not the whole ARN of a secret or parameter"),
    Refused("a secret's ARN with a wildcard", {"worker": _secrets(SECRET.replace("database", "*"))},
            "spec.worker.secrets[0].valueFrom", "not the whole ARN of a secret or parameter"),
    Refused("the same secret variable twice", _secrets(SECRET, SECRET),
            "spec.secrets[1]", 'Duplicate value: {"name":"PASSWORD"}', RefusedBy.SERVER),
    Refused("a secret variable without a source", {"secrets": [{"name": "PASSWORD"}]},
            "spec.secrets[0].valueFrom", "Required value", RefusedBy.BOUND),
    Refused("a parameter as the registry's credentials",
            {"imageCredentials": "arn:aws:ssm:eu-west-1:123456789012:parameter/registry"},
            "spec.imageCredentials", "not the whole ARN of a secret in Secrets Manager"),
    Refused("a health check without how to run it", {"worker": {"healthCheck": {"command": ["curl", "localhost"]}}},
            "spec.worker.healthCheck.command", "the command begins with CMD, before a program and its arguments"),
    Refused("a health check without a command", {"worker": {"healthCheck": {"command": ["CMD"]}}},
            "spec.worker.healthCheck.command", "should have at least 2 items", RefusedBy.BOUND),
    Refused("a health check more often than ECS checks",
            {"worker": {"healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 1}}},
            "spec.worker.healthCheck.interval", "should be greater than or equal to 5", RefusedBy.BOUND),
    Refused("a command line in place of arguments", {"worker": {"extraArgs": "--nthreads 4"}},
            "spec.worker.extraArgs", "must be of type array", RefusedBy.BOUND),
)

UPDATES = (
    Refused("an unknown update strategy", {"updateStrategy": {"type": "Rolling"}},
            "spec.updateStrategy.type", 'supported values: "RollingUpdate", "Recreate", "OnDelete"', RefusedBy.BOUND),
    Refused("a share of more than all workers", {"updateStrategy": {"maxSurge": "150%"}},
            "spec.updateStrategy.maxSurge", 'write 2 or "25%"'),
    Refused("a negative number of missing workers", {"updateStrategy": {"maxUnavailable": -1}},
            "spec.updateStrategy.maxUnavailable", 'write 2 or "25%"'),
    Refused("a rollout that can not move", {"updateStrategy": {"maxSurge": "0%", "maxUnavailable": 0}},
            "spec.updateStrategy.maxSurge", "give maxSurge or maxUnavailable another value than 0"),
)

LOGS_AND_TAGS = (
    Refused("a log group with a space", {"logs": {"group": "my logs"}},
            "spec.logs.group", "write letters, digits and . _ - / # only, as /teams/a/dask"),
    Refused("a log group of AWS", {"logs": {"group": "aws/dask"}},
            "spec.logs.group", "CloudWatch Logs keeps names that begin with aws/ for itself"),
    Refused("a log stream with a colon", {"logs": {"streamPrefix": "team:a"}},
            "spec.logs.streamPrefix", "a log stream's name has no colon and no asterisk"),
    Refused("a retention that CloudWatch does not have", {"logs": {"retentionDays": 31}},
            "spec.logs.retentionDays", 'supported values: "1", "3", "5", "7", "14", "30", "60", ', RefusedBy.BOUND),
    Refused("a tag of AWS", {"tags": {"AWS:team": "a"}}, "spec.tags", "keys that begin with aws: are AWS's"),
    Refused("a tag of the operator", {"tags": {"ecs.dask.org/cluster": "a"}},
            "spec.tags", "with ecs.dask.org/ the operator's: begin with another word"),
    Refused("a tag with a long key", {"tags": {"k" * 129: "a"}},
            "spec.tags", "a tag's key has 1 to 128 characters: shorten it"),
    Refused("a tag with a long value", {"tags": {"team": "a" * 257}},
            "spec.tags.team", "Too long: may not be more than 256", RefusedBy.BOUND),
    Refused("a tag with characters that AWS refuses", {"tags": {"team": "a&b"}},
            "spec.tags", "letters, digits, spaces and _ . : / = + @ - only"),
    Refused("more tags than AWS keeps", {"tags": {f"key-{n}": "" for n in range(46)}},
            "spec.tags", "must have at most 45 items", RefusedBy.BOUND),
)
LIVES = (
    Refused("an idle timeout without a unit", {"scheduler": {"idleTimeout": "300"}},
            "spec.scheduler.idleTimeout", "not a duration: write whole hours, minutes and seconds"),
    Refused("an idle timeout of more than a year", {"scheduler": {"idleTimeout": "99999h"}},
            "spec.scheduler.idleTimeout", "a cluster may idle for 8760h at most"),
    Refused("what others may delete to be retained", {"deletionPolicy": "Retain"},
            "spec.deletionPolicy", "or make the cluster with isolation: cluster"),
    Refused("a life that is no duration", {"maxLifetime": "8 hours"},
            "spec.maxLifetime", "not a duration: write whole hours, minutes and seconds, as 5m, 1h30m or 90s"),
    Refused("a life of milliseconds", {"maxLifetime": "90000ms"},
            "spec.maxLifetime", "not a duration: write whole hours, minutes and seconds, as 5m, 1h30m or 90s"),
    Refused("a life too short to begin", {"maxLifetime": "59s"},
            "spec.maxLifetime", "a cluster's life has 1m to 8760h"),
    Refused("a life of more than a year", {"maxLifetime": "8760h1s"},
            "spec.maxLifetime", "a cluster's life has 1m to 8760h"),
)
# fmt: on

REFUSED = CAPACITY + SIZES + PLACES + LAUNCHES + PERMISSIONS + CONTAINERS + UPDATES + LOGS_AND_TAGS + LIVES
