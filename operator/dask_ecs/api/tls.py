"""Whether a cluster's connections are encrypted and its members known by certificate."""

from typing import Annotated

from pydantic import Field

from dask_ecs.api.model import Model


class Tls(Model):
    """Encryption between clients, scheduler and workers, who all show a certificate of the namespace's own CA."""

    enabled: bool = True
    """Whether all connections are encrypted, and who has no certificate is turned away. Clients find theirs in the
    Secret that status.binding names. Immutable."""


class TlsStatus(Model):
    """The certificate of scheduler, workers and clients."""

    secret_arn: Annotated[str, Field(max_length=2048)]
    """ARN of the secret in AWS Secrets Manager from which tasks get it."""

    not_after: Annotated[str, Field(max_length=32, json_schema_extra={"format": "date-time"})]
    """When the one ends that tasks get which start now; it is renewed long before."""
