"""Containers that do not start, stop or answer: what the container agents of EC2 and Fargate say.

ECS developer guide: "Amazon ECS stopped tasks error messages" and the pages under it.
"""

from dask_ecs.plan.causes.cause import Cause

_START = r"(CannotStartContainerError|CannotCreateContainerError|ContainerRuntimeError|failed to create (shim )?task).*"

CAUSES = (
    Cause(
        r"exec format error|exec user process caused.*format",
        "WrongArchitecture",
        "The image is built for another architecture: set spec.cpuArchitecture to the image's (X86_64 or ARM64), or "
        "build the image for both.",
    ),
    Cause(
        _START + r"(executable file not found|no such file or directory)",
        "CommandNotFound",
        "The image has no such program: `dask` (on GPUs `dask-cuda-worker`) must be on its PATH; see docs/images.md.",
    ),
    Cause(
        _START + r"permission denied",
        "CommandNotExecutable",
        "The image's program may not be executed by its user: check the permissions of `dask` in the image.",
    ),
    Cause(
        _START + r"(nvidia|libnvidia|cuda|unknown runtime)",
        "GPUDriverMismatch",
        "The container gets no GPU: the instances need ECS's GPU AMI, with a driver that fits the image's CUDA "
        "version.",
    ),
    Cause(
        _START + r"(Conflict\. The container name|no space left on device)",
        "InstanceUnhealthy",
        "The instance's Docker is full or confused: clear its disk, or replace the instance.",
    ),
    Cause(
        r"OutOfMemory|Container killed due to memory usage|Cannot allocate memory",
        "OutOfMemory",
        "The container used more than its memory: raise spec.worker.memory or spec.scheduler.memory, or give less work "
        "to a worker at a time (spec.worker.threads).",
    ),
    Cause(
        r"CannotStartContainerError|CannotCreateContainerError",
        "ContainerCannotStart",
        "Check that the image holds the command `dask` and fits cpuArchitecture, and that the task has memory enough "
        "to start.",
    ),
    Cause(
        r"DockerTimeoutError|ContainerRuntimeTimeoutError|Could not transition to (running|created|stopped)",
        "ContainerRuntimeTimeout",
        "The machine was too slow to start or stop the container: it is tried again; on your own instances look at "
        "their disk and CPU, or use larger ones.",
    ),
    Cause(
        r"CannotStopContainerError",
        "ContainerCannotStop",
        "The container could not be stopped by the agent; on your own instances restart Docker or replace the "
        "instance.",
    ),
    Cause(
        r"CannotInspectContainerError|CannotDescribeContainerError",
        "InstanceUnhealthy",
        "The agent can not ask the container's runtime; on your own instances restart Docker or replace the instance.",
    ),
    Cause(
        r"ContainerRuntimeError|unable to create new container",
        "ContainerCannotStart",
        "The container's runtime failed: it is tried again; if that goes on, try the image elsewhere.",
    ),
    Cause(
        r"InternalError",
        "AWSInternalError",
        "Fargate or its agent failed: it is tried again. If that goes on, ask AWS's support with the task's ARN.",
    ),
    Cause(
        r"failed container health checks",
        "Unhealthy",
        "The container's health check failed: see the end of its log. A scheduler has to listen at "
        "spec.scheduler.port.",
    ),
    Cause(
        r"ResourceInitializationError",
        "ResourceInitializationFailed",
        "Check the task's network (a way out, DNS resolution of the VPC) and its execution role.",
    ),
)
