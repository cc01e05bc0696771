"""The operator as its users meet it: a real Kubernetes API, the local AWS, and the operator's own process."""
