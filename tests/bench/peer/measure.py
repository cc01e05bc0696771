"""Let the peer make and close a cluster, and count its calls."""

import asyncio
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.account_contents import contents
from bench.aws_calls import AwsCalls, throttled
from dask_ecs.local.stack import Stack
from e2e.aws_account import AwsAccount

_VERSION = "2025.9.0"
_CALLER = "peer"
_DEADLINE = 400.0  # seconds, for all of its life
# In the local AWS's default VPC this part is free (docs/local-aws.md).
_FREE = "127.77.192.0/24"


@dataclass(frozen=True)
class Peer:
    """What it took: seconds until its tasks ran, calls, and things left in the account after a clean close."""

    ready: float
    create_calls: int
    delete_calls: int
    throttled: int
    left: int


async def measure(stack: Stack, folder: Path, *, workers: int) -> Peer:
    """Make `FargateCluster(n_workers=workers)` and close it. Raises CalledProcessError, TimeoutError."""
    python = await asyncio.to_thread(_environment, folder / "dask-cloudprovider")
    account = AwsAccount(stack.aws)
    before = await asyncio.to_thread(contents, account)
    subnet = await asyncio.to_thread(_private_subnet, account)
    with (folder / "dask-cloudprovider.log").open("wb") as log:
        client = await asyncio.create_subprocess_exec(
            *(python, str(Path(__file__).with_name("client.py")), str(workers), subnet),
            env={**stack.aws.environment, "AWS_ACCESS_KEY_ID": _CALLER, "PATH": "/usr/bin:/bin"},
            stdout=subprocess.PIPE,
            stderr=log,
        )
    async with AwsCalls(stack.aws, _CALLER).recorded() as calls, asyncio.timeout(_DEADLINE):
        try:
            out, _ = await client.communicate()
        finally:
            if client.returncode is None:
                client.kill()
        if client.returncode:
            raise subprocess.CalledProcessError(client.returncode, "the peer's client")
        moments = json.loads(out.splitlines()[-1])
        creating = await calls.since(0, until=moments["ready"])
        closing = await calls.since(moments["ready"])
    await asyncio.to_thread(_until_tasks_are_gone, account)
    left = await asyncio.to_thread(contents, account) - before
    return Peer(
        ready=moments["ready"] - moments["began"],
        create_calls=len(creating),
        delete_calls=len(closing),
        throttled=throttled([*creating, *closing]),
        left=len(left),
    )


def _environment(folder: Path) -> str:
    """Return the Python of the peer's environment, which is made once, with our versions of Dask."""
    python = folder / "bin" / "python"
    made = folder / ".made"
    if not made.exists():
        import dask
        import distributed

        subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True, timeout=120)
        wanted = [f"dask=={dask.__version__}", f"distributed=={distributed.__version__}"]
        subprocess.run(
            [python, "-m", "pip", "install", "--quiet", f"dask-cloudprovider[aws]=={_VERSION}", *wanted],
            check=True,
            timeout=600,
        )
        made.touch()
    return str(python)


def _private_subnet(account: AwsAccount) -> str:
    """Make a subnet behind a NAT gateway: the peer would have its client come by a public address, which none is."""
    ec2 = account.ec2
    (vpc,) = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    public = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock=_FREE)["Subnet"]["SubnetId"]
    nat = ec2.create_nat_gateway(SubnetId=public, AllocationId=ec2.allocate_address(Domain="vpc")["AllocationId"])
    table = ec2.create_route_table(VpcId=vpc["VpcId"])["RouteTable"]["RouteTableId"]
    ec2.create_route(
        RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", NatGatewayId=nat["NatGateway"]["NatGatewayId"]
    )
    ec2.associate_route_table(RouteTableId=table, SubnetId=subnet)
    return subnet


def _until_tasks_are_gone(account: AwsAccount) -> None:
    """Give its tasks half a minute to end, so that only what really stays counts as left."""
    deadline = time.monotonic() + 30
    arns = account.ecs.list_clusters()["clusterArns"]
    while any(account.live_tasks(arn) for arn in arns) and time.monotonic() < deadline:
        time.sleep(1)
