"""What Python needs to speak TLS with a cluster."""

import functools
import os
import ssl

from dask_ecs.plan.certificate import Certificate


@functools.lru_cache(maxsize=1024)
def tls_context(certificate: Certificate) -> ssl.SSLContext:
    """Return what shows the certificate and believes those of its CAs, whatever host has them, as Dask does."""
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cadata=certificate.ca)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    # Python takes it from a file only; this one has no name and is in memory.
    file = os.memfd_create("certificate", os.MFD_CLOEXEC)
    try:
        os.write(file, f"{certificate.key}\n{certificate.certificate}".encode())
        context.load_cert_chain(f"/proc/self/fd/{file}")
    finally:
        os.close(file)
    return context
