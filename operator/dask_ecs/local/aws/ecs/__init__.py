"""Amazon ECS: clusters, task definitions, container instances and tasks, by the API's own names."""
