"""What every error of the local stack that a user can do something about has in common."""


class LocalError(RuntimeError):
    """The message says what is wrong and what to do, or has the end of the log that does."""
