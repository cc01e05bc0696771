"""SQS: the messages of standard queues; the queues themselves are moto's."""
