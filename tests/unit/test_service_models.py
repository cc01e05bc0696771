"""The SDK's descriptions of services, cut to what is called."""

import pytest
from botocore.model import ServiceModel, Shape

from dask_ecs.aws import operations, service_models
from dask_ecs.aws.operations import DESCRIBE_TASKS, RUN_TASK

SERVICES = sorted({operation.service for operation in operations.ALL})


def walk(shape: Shape | None, seen: set[str]) -> None:
    if shape is None or shape.name in seen:
        return
    seen.add(shape.name)
    members = [*getattr(shape, "members", {}).values()]
    for part in (*members, *(getattr(shape, name, None) for name in ("member", "key", "value"))):
        walk(part, seen)


@pytest.mark.parametrize("service", SERVICES)
def test_what_is_called_is_described_to_the_last_shape(service: str) -> None:
    description = service_models.loader(operations.ALL, data_path=None).load_service_model(service, "service-2")
    model = ServiceModel(description, service)
    called = {operation.name for operation in operations.ALL if operation.service == service}
    assert called <= set(model.operation_names)
    seen: set[str] = set()
    for name in model.operation_names:
        operation = model.operation_model(name)
        for shape in (operation.input_shape, operation.output_shape, *operation.error_shapes):
            walk(shape, seen)
    assert seen == set(model.shape_names)


def test_the_rest_is_left_out() -> None:
    description = service_models.loader([RUN_TASK, DESCRIBE_TASKS], data_path=None).load_service_model(
        "ecs", "service-2"
    )
    assert set(description["operations"]) == {"RunTask", "DescribeTasks"}
    assert "CreateClusterRequest" not in description["shapes"]
    assert "documentation" not in description["operations"]["RunTask"]
