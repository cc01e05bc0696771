"""What the chart makes of its values."""

import json
from typing import Any

from dask_ecs.command_line.run import command
from dask_ecs.plan import quota
from dask_ecs.plan.quota import Limit
from helm.installed import CHART, Values, rendered

EVERY_SETTING: Values = {
    "install": "blue",
    "watchNamespaces": ["team-a", "team-b"],
    "defaultImage": "example/dask:1",
    "defaultGpuImage": "example/rapids:1",
    "operatorCidrs": ["10.0.0.0/8", "fd00::/8"],
    "allowRoles": ["arn:aws:iam::123456789012:role/dask-*"],
    "allowTaskRolePolicies": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"],
    "allowSecrets": ["arn:aws:secretsmanager:*:123456789012:secret:dask/*"],
    "allowHostPaths": ["/mnt/data/*"],
    "allowSchedulers": ["tcp://10.20.*"],
    "allowNetworks": ["vpc-1", "subnet-a*"],
    "allowSecurityGroups": ["sg-1"],
    "allowEcsClusters": ["arn:aws:ecs:*:123456789012:cluster/research"],
    "allowLogGroups": ["dask-ecs", "team-*"],
    "allowFileSystems": ["fs-1*"],
    "allowCidrs": ["10.0.0.0/8", "192.168.0.0/16"],
    "allowTaskDefinitions": ["arn:aws:ecs:*:123456789012:task-definition/research-*"],
    "allowInstanceProfiles": ["arn:aws:iam::123456789012:instance-profile/dask-*"],
    "allowUserData": True,
    "permissionsBoundary": "arn:aws:iam::123456789012:policy/boundary",
    "log": {"format": "text", "level": "debug"},
    "resync": "1h30m",
    "aws": {
        "eventsQueue": "https://sqs.eu-west-1.amazonaws.com/123456789012/dask-ecs-blue-events",
        "quotas": {"Fargate RunTask": "40/30"},
    },
}
CLUSTER_WIDE = {"ClusterRole", "ClusterRoleBinding"}


def of_kind(kind: str, values: Values | None = None) -> list[dict[str, Any]]:
    return [manifest for manifest in rendered(values) if manifest["kind"] == kind]


def pod(values: Values | None = None) -> dict[str, Any]:
    (deployment,) = of_kind("Deployment", values)
    spec: dict[str, Any] = deployment["spec"]["template"]["spec"]
    return spec


def container(values: Values | None = None) -> dict[str, Any]:
    (container,) = pod(values)["containers"]
    found: dict[str, Any] = container
    return found


def understood(values: Values | None = None) -> dict[str, Any]:
    """Return what the command line itself understands of the container's arguments."""
    name, *arguments = container(values)["args"]
    assert name == command.name
    return command.make_context(name, arguments).params


def test_every_setting_reaches_the_command_line() -> None:
    assert understood(EVERY_SETTING) == {
        "namespaces": ("team-a", "team-b"),
        "all_namespaces": False,
        "install": "blue",
        "default_image": "example/dask:1",
        "default_gpu_image": "example/rapids:1",
        "operator_cidrs": ("10.0.0.0/8", "fd00::/8"),
        "allow_networks": ("vpc-1", "subnet-a*"),
        "allow_security_groups": ("sg-1",),
        "allow_ecs_clusters": ("arn:aws:ecs:*:123456789012:cluster/research",),
        "allow_log_groups": ("dask-ecs", "team-*"),
        "allow_file_systems": ("fs-1*",),
        "allow_cidrs": ("10.0.0.0/8", "192.168.0.0/16"),
        "allow_roles": ("arn:aws:iam::123456789012:role/dask-*",),
        "allow_host_paths": ("/mnt/data/*",),
        "allow_task_definitions": ("arn:aws:ecs:*:123456789012:task-definition/research-*",),
        "allow_schedulers": ("tcp://10.20.*",),
        "allow_secrets": ("arn:aws:secretsmanager:*:123456789012:secret:dask/*",),
        "allow_task_role_policies": ("arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess",),
        "allow_instance_profiles": ("arn:aws:iam::123456789012:instance-profile/dask-*",),
        "allow_user_data": True,
        "permissions_boundary": "arn:aws:iam::123456789012:policy/boundary",
        "resync": 5400.0,
        "form": "text",
        "log_level": "debug",
        "health_address": "0.0.0.0:8080",
        "events_queue": "https://sqs.eu-west-1.amazonaws.com/123456789012/dask-ecs-blue-events",
        "quotas": {"Fargate RunTask": Limit(burst=40, rate=30)},
    }


def test_by_default_the_command_line_keeps_its_own_defaults() -> None:
    bare = command.make_context("run", []).params
    chosen = {"all_namespaces": True, "form": "json", "health_address": "0.0.0.0:8080"}

    assert understood() == {**bare, **chosen}


def test_the_probes_ask_where_the_operator_answers() -> None:
    operator = container()
    port = {"name": "health", "containerPort": int(understood()["health_address"].rpartition(":")[2])}

    assert operator["ports"] == [port]
    assert operator["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}
    assert operator["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": port["name"]}


def test_the_environment_names_region_and_endpoint_and_what_else_is_wished() -> None:
    extra = {"name": "HTTPS_PROXY", "value": "http://proxy:3128"}
    aws = {"region": "eu-west-1", "endpointUrl": "http://localhost:5000"}

    assert container({"aws": aws, "extraEnv": [extra]})["env"] == [
        {"name": "AWS_REGION", "value": "eu-west-1"},
        {"name": "AWS_ENDPOINT_URL", "value": "http://localhost:5000"},
        extra,
    ]
    assert "env" not in container()


def test_an_image_is_named_by_version_tag_or_digest() -> None:
    digest = f"sha256:{'0' * 64}"

    assert container()["image"] == "dask-ecs-operator:0.1.0"
    assert container({"image": {"tag": "main"}})["image"] == "dask-ecs-operator:main"
    assert container({"image": {"tag": "main", "digest": digest}})["image"] == f"dask-ecs-operator@{digest}"


def test_only_its_temporary_folder_can_be_written() -> None:
    operator = container()

    assert operator["securityContext"]["readOnlyRootFilesystem"] is True
    assert operator["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert pod()["volumes"] == [{"name": "tmp", "emptyDir": {}}]


def test_a_role_of_aws_is_given_by_annotation() -> None:
    annotations = {"eks.amazonaws.com/role-arn": "arn:aws:iam::123456789012:role/operator"}
    (account,) = of_kind("ServiceAccount", {"serviceAccount": {"annotations": annotations}})

    assert account["metadata"]["annotations"] == annotations


def test_a_given_service_account_is_used_and_not_made() -> None:
    given = {"serviceAccount": {"create": False, "name": "theirs"}}

    assert of_kind("ServiceAccount", given) == []
    assert pod(given)["serviceAccountName"] == "theirs"
    (binding,) = of_kind("ClusterRoleBinding", given)
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "theirs", "namespace": "ops"}]


def test_the_pod_goes_where_it_is_told() -> None:
    placement = {
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "priorityClassName": "system-cluster-critical",
        "imagePullSecrets": [{"name": "registry"}],
    }

    assert placement.items() <= pod(placement).items()


def test_with_all_namespaces_only_cluster_roles_are_made() -> None:
    kinds = {manifest["kind"] for manifest in rendered()}

    assert kinds >= CLUSTER_WIDE
    assert not kinds & {"Role", "RoleBinding"}


def test_with_namespaces_and_an_install_id_nothing_cluster_wide_is_granted() -> None:
    manifests = rendered(EVERY_SETTING)

    assert "ClusterRoleBinding" not in {manifest["kind"] for manifest in manifests}
    assert [role["metadata"]["namespace"] for role in manifests if role["kind"] == "Role"] == ["team-a", "team-b"]


def test_roles_of_tenants_can_be_left_out() -> None:
    kinds = {manifest["kind"] for manifest in rendered({**EVERY_SETTING, "aggregateRoles": False})}

    assert not kinds & CLUSTER_WIDE


def test_every_quota_of_the_operator_is_known_by_its_name() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())

    assert schema["properties"]["aws"]["properties"]["quotas"]["propertyNames"]["enum"] == list(quota.DOCUMENTED)


def test_two_releases_of_one_name_share_nothing_cluster_wide() -> None:
    names = [
        {manifest["metadata"]["name"] for manifest in rendered(namespace=namespace) if manifest["kind"] in CLUSTER_WIDE}
        for namespace in ("one", "two")
    ]

    assert not names[0] & names[1]
