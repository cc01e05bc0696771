"""SQS' errors, with the codes and texts of its API reference."""

from __future__ import annotations


class SqsError(Exception):
    """The call is refused; `query_code` is what SDKs show, from the days of SQS' older protocol."""

    code = "InvalidParameterValue"
    query_code = ""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidParameterValue(SqsError):  # noqa: N818
    """A parameter is out of its range."""


class UnsupportedOperation(SqsError):  # noqa: N818
    """What this SQS does not do."""

    code = "UnsupportedOperation"
    query_code = "AWS.SimpleQueueService.UnsupportedOperation"


class QueueDoesNotExist(SqsError):  # noqa: N818
    """There is no such queue."""

    code = "QueueDoesNotExist"
    query_code = "AWS.SimpleQueueService.NonExistentQueue"

    def __init__(self) -> None:
        super().__init__("The specified queue does not exist.")


class ReceiptHandleIsInvalid(SqsError):  # noqa: N818
    """The receipt handle is none that this queue has given out."""

    code = "ReceiptHandleIsInvalid"

    def __init__(self, handle: str) -> None:
        super().__init__(f'The input receipt handle "{handle}" is not a valid receipt handle.')


class MessageNotInflight(SqsError):  # noqa: N818
    """The message is not hidden, so there is no time to change."""

    code = "MessageNotInflight"
    query_code = "AWS.SimpleQueueService.MessageNotInflight"

    def __init__(self) -> None:
        super().__init__("The specified message isn't in flight.")


class TooManyEntriesInBatchRequest(SqsError):  # noqa: N818
    """A batch has ten entries at most."""

    code = "TooManyEntriesInBatchRequest"
    query_code = "AWS.SimpleQueueService.TooManyEntriesInBatchRequest"

    def __init__(self, count: int) -> None:
        super().__init__(f"Maximum number of entries per request are 10. You have sent {count}.")
