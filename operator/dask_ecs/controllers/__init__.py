"""kopf as informer, the work queue, and reconcile."""
