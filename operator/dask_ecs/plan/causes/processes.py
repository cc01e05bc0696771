"""What a container's log and exit code tell. Exit codes above 128 are signals (128 + their number)."""

from dask_ecs.plan.causes.cause import Cause
from dask_ecs.plan.worker_preload import GAVE_UP

_SCHEDULER_UNREACHABLE = (
    "SchedulerUnreachableFromWorkers",
    "The workers do not reach the scheduler: their security groups must admit each other at the scheduler's port "
    "(spec.network.securityGroups), and their subnets be of one VPC.",
)

LOGS = (
    Cause(
        r"exec format error",
        "WrongArchitecture",
        "The image is built for another architecture: set spec.cpuArchitecture to the image's (X86_64 or ARM64).",
    ),
    Cause(
        r"No such command '?\"?(scheduler|worker)|No module named '?(dask|distributed)\b|dask: (command )?not found",
        "DaskNotInImage",
        "The image has no Dask, or one that is too old for `dask scheduler` and `dask worker` (2022.10 or later): "
        "use an image with dask[distributed]; see docs/images.md.",
    ),
    Cause(
        r"No module named '?dask_cuda|dask-cuda-worker: (command )?not found|dask_cuda.*(ImportError|not found)",
        "DaskCudaNotInImage",
        "The image has no dask-cuda, which workers with GPUs run: use RAPIDS' image, or install dask-cuda.",
    ),
    Cause(
        r"CUDA driver version is insufficient|CUDA_ERROR_\w+|no CUDA-capable device|NVML.*(not found|error)",
        "GPUDriverMismatch",
        "The image's CUDA does not fit the instance's driver: use an image of an older CUDA version, or a newer GPU "
        "AMI.",
    ),
    Cause(
        r"Mismatched versions|VersionMismatch|versions? (of .* )?(differ|mismatch)",
        "VersionsDiffer",
        "Scheduler, workers or client have different versions: give all of them the same image (spec.image); see "
        "docs/images.md.",
    ),
    Cause(
        r"No module named|ModuleNotFoundError|ImportError",
        "ModuleMissing",
        "The image lacks a Python package that the log names: install it into the image; see docs/images.md.",
    ),
    Cause(
        r"No such option|unrecognized arguments|Got unexpected extra argument|Usage: dask",
        "ArgumentsInvalid",
        "Dask does not know an argument that it was given: check extraArgs of the role against the image's version.",
    ),
    Cause(
        r"(Timed out|Timeout).*(connect|scheduler)|Failed to connect to|Connection refused.*878|OSError: Timed out "
        r"trying to connect|scheduler did not answer",
        *_SCHEDULER_UNREACHABLE,
    ),
    Cause(
        r"Address already in use",
        "PortInUse",
        "The port is taken in the task: choose another spec.scheduler.port or dashboardPort.",
    ),
    Cause(
        r"TLS (expected|required)|SSLError|ssl\.SSL|certificate verify failed|CERTIFICATE_VERIFY_FAILED",
        "CertificateRefused",
        "A certificate was refused: scheduler and workers must have theirs from the same authority; restart what is "
        "older than the last rotation.",
    ),
    Cause(
        r"memory (limit|usage).*(exceeded|restarting)|exceeded \d+% memory|MemoryError|Cannot allocate memory",
        "OutOfMemory",
        "The process used more than its memory: raise spec.worker.memory or spec.scheduler.memory.",
    ),
    Cause(
        r"No space left on device",
        "DiskFull",
        "The task's disk is full: raise ephemeralStorage of the role, or spill less.",
    ),
    Cause(
        r"Unable to locate credentials|NoCredentialsError",
        "TaskHasNoRole",
        "The code in the tasks asks for AWS credentials that it has not: give a role in spec.iam.taskRoleArn.",
    ),
    Cause(
        r"AccessDenied|is not authorized to perform",
        "TaskRoleDenied",
        "The code in the tasks asks AWS for what its task role may not do: give policies in "
        "spec.iam.taskRolePolicies, or a role in spec.iam.taskRoleArn.",
    ),
)

EXIT_CODES: dict[int, tuple[str, str]] = {
    GAVE_UP: _SCHEDULER_UNREACHABLE,
    126: (
        "CommandNotExecutable",
        "The image's program may not be executed: check the permissions of `dask` in the image.",
    ),
    127: ("CommandNotFound", "The image has no such program: `dask` must be on its PATH; see docs/images.md."),
    134: ("Aborted", "The program aborted (SIGABRT), as native libraries do: see its log."),
    137: (
        "Killed",
        "It was killed (SIGKILL): most often for want of memory, so raise the role's memory; else it did not end "
        "within its stopTimeout.",
    ),
    139: (
        "Crashed",
        "The program crashed (SIGSEGV): a native library in the image is broken or does not fit the CPU or the driver.",
    ),
    143: ("Terminated", "It was told to end (SIGTERM), by AWS or by somebody who stopped the task."),
}
