"""What runs in the nanny of a worker task: wait for the scheduler; on SIGTERM, move the data before leaving.

`worker_preload` makes text of this file, which the worker's command carries. It runs in the user's image: with any
Python from 3.9 and any distributed from 2023 on, and without this package.
"""

import asyncio
import logging
import os
import signal
import ssl
import sys
import urllib.parse
from typing import Any

WAIT_SECONDS = 900.0
LEAVE_SECONDS = 100.0


async def dask_setup(nanny: Any) -> None:
    """Prepare a nanny; Dask calls this before the nanny looks for its scheduler."""
    await scheduler_listens(nanny.scheduler.addr, nanny.connection_args.get("ssl_context"))
    # Dask's image starts with `tini -g`, which signals a whole process group: out of it with the worker, for it holds
    # the data. The worker's own preloads are text too.
    nanny.preload = [*nanny.preload, "import os; os.setpgrp()"]
    retire_on_sigterm(nanny)


async def scheduler_listens(address: str, tls: Any) -> None:
    """Return when something listens at the scheduler's address; end the process with exit code 69 when nothing does.

    `tls` is an SSLContext for a `tls://` address: without it the scheduler would log each try as a failed handshake.
    """
    url = urllib.parse.urlsplit(address)
    tls = tls if url.scheme == "tls" else None
    time = asyncio.get_running_loop().time
    deadline = time() + WAIT_SECONDS
    while time() < deadline:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(url.hostname, url.port, ssl=tls), 2)
        except ssl.SSLCertVerificationError as why:
            sys.exit(str(why))  # of another CA, and it stays so
        except ssl.SSLError:
            return None  # it listens; why it can not be joined, the nanny will say
        except (OSError, asyncio.TimeoutError):  # noqa: UP041  (not the same before Python 3.11)
            await asyncio.sleep(0.5)
        else:
            return writer.close()
    print(f"No Dask scheduler at {address} within {WAIT_SECONDS:.0f} s: giving up.")
    sys.exit(69)


def retire_on_sigterm(nanny: Any) -> None:
    """Let the first SIGTERM retire all workers of this process before it does what it did; a second one does not wait.

    `dask-cuda-worker` has a nanny for each GPU, each with this program as a module of its own: the first takes care
    of all.
    """
    leave: Any = signal.getsignal(signal.SIGTERM)
    # Not callable: a nanny that a user's task started inside a worker, which is not ours.
    if not callable(leave) or leave.__name__ == "on_sigterm":
        return
    loop = asyncio.get_running_loop()
    begun: Any = []

    def joined() -> Any:
        return {it.worker_address for it in nanny._instances} - {None}

    async def retire(*received: Any) -> None:
        if not joined():
            await asyncio.sleep(1)  # the scheduler knows a worker some moments before its nanny does
        if not (workers := joined()):
            # It has no data. To leave, a nanny waits until its worker has joined: if the scheduler is gone, in vain.
            os._exit(143)
        try:
            # Not close_workers: a worker that its scheduler and its nanny close at once takes 8 s.
            call = nanny.scheduler.retire_workers(workers=list(workers))
            stayed: Any = workers - set(await asyncio.wait_for(call, LEAVE_SECONDS))
        except Exception as error:  # whatever it is, SIGKILL is next
            stayed = error
        if stayed:
            logging.getLogger("distributed.nanny").warning("Leaving with data that was not moved: %r", stayed)
        leave(*received)

    def on_sigterm(*received: Any) -> None:
        if begun:
            leave(*received)
        else:
            begun.append(asyncio.run_coroutine_threadsafe(retire(*received), loop))

    signal.signal(signal.SIGTERM, on_sigterm)
