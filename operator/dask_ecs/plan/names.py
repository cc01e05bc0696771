"""Names of what is made on AWS: deterministic, within AWS's limits, never shared by two clusters by accident."""

import functools
import hashlib
import re

# AWS: "IAM and AWS STS quotas" (role names).
IAM_ROLE_NAME = 64
# AWS: "CreateCluster" and "RegisterTaskDefinition" in ECS's API reference, "CreateSecurityGroup" in EC2's.
ECS_NAME = 255
SECURITY_GROUP_NAME = 255
# AWS: "CreateSecret" takes 512; the status keeps names as long as ECS'.
SECRET_NAME = 255

HASH_LENGTH = 10

# A name that is cut has to begin with `dask-<install>-` still, for the operator's policy goes by it: a role's leaves
# 32 characters before its `-<hash>-execution-<hash>`.
LONGEST_INSTALL = 27


def short_hash(*parts: str, length: int = HASH_LENGTH) -> str:
    """Return `length` hexadecimal digits that stand for `parts`."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:length]


@functools.lru_cache(maxsize=10_000)
def of_namespace(*, install: str, namespace: str, suffix: str, limit: int) -> str:
    """Return `dask-<install>-<namespace><suffix>`, at most `limit` characters.

    What is too long is cut in the readable middle and gets a hash there, so that no two namespaces share a name.
    """
    readable = _readable("dask", install, namespace)
    if len(readable) + len(suffix) > limit:
        readable = _cut(readable, short_hash(install, namespace), limit=limit - len(suffix))
    return readable + suffix


def is_of_install(name: str, *, install: str) -> bool:
    """Whether a thing is called as those that an install makes, of whatever namespace or cluster."""
    return name.startswith(f"{_readable('dask', install)}-")


@functools.lru_cache(maxsize=10_000)
def of_cluster(*, install: str, namespace: str, name: str, uid: str, suffix: str, limit: int) -> str:
    """Return `dask-<install>-<namespace>-<name>-<hash of the UID><suffix>`, at most `limit` characters.

    What is too long is cut in the readable middle; the hash stays, so that the name remains this cluster's alone.
    """
    return _cut(_readable("dask", install, namespace, name), short_hash(uid), limit=limit - len(suffix)) + suffix


def _readable(*parts: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", "-".join(parts))


def _cut(readable: str, end: str, *, limit: int) -> str:
    # Neither '--' nor, where dots part labels (Kubernetes, "Object Names and IDs"), '.-'.
    return f"{readable[: limit - len(end) - 1].rstrip('-.')}-{end}"


def cut(name: str, *, suffix: str, limit: int) -> str:
    """Return `name` with `suffix`, at most `limit` characters: what is too long is cut and gets a hash there."""
    if len(name) + len(suffix) <= limit:
        return name + suffix
    return _cut(name, short_hash(name), limit=limit - len(suffix)) + suffix


def started_by(*, install: str, uid: str) -> str:
    """Return the `startedBy` that marks a cluster's tasks (AWS: "RunTask": 128 of letters, digits, - / _)."""
    return f"dask/{install}/{uid}"


def uid_of(started_by: str, *, install: str) -> str | None:
    """Return the UID of the cluster that a task of this install belongs to, None for anybody else's task."""
    prefix = f"dask/{install}/"
    return started_by[len(prefix) :] if started_by.startswith(prefix) else None
