"""Why a scheduler gave no answer that can be used."""


class SchedulerError(Exception):
    """The scheduler at an address gave no answer that can be used."""


class SchedulerUnreachableError(SchedulerError):
    """Nothing listens there, the connection broke, or the whole answer was not there in time."""


class SchedulerProtocolError(SchedulerError):
    """What listens there does not keep to Dask's protocol, or its answer is larger than any honest one."""


class SchedulerRefusedError(SchedulerError):
    """The scheduler answered that the call failed; the message is the scheduler's own words, shortened."""
