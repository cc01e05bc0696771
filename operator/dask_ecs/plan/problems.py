"""What a user has to mend: said once, where it is known."""


class NeedsUser(Exception):  # noqa: N818 - it reads as what it is
    """Nothing will get better until somebody changes something; `message` says what."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
