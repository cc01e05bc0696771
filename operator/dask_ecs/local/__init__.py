"""The embedded stack: a real Kubernetes control plane and a local AWS that runs tasks."""
