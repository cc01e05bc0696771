"""Values that are wrong are refused before anything is made."""

import json
from typing import Any

import pytest

from dask_ecs.api import fields
from dask_ecs.api.rules import Rule
from helm.installed import CHART, HelmError, rendered

REFUSED = {
    "a misspelt setting": ({"watchNamespace": ["a"]}, "additional properties 'watchNamespace' not allowed"),
    "a misspelt part": ({"image": {"repo": "x"}}, "additional properties 'repo' not allowed"),
    "no image": ({"image": {"repository": ""}}, "at '/image/repository': minLength"),
    "an image with its tag": ({"image": {"repository": "a:1"}}, "at '/image/repository': 'a:1' does not match pattern"),
    "a digest that is none": ({"image": {"digest": "latest"}}, "at '/image/digest': 'latest' does not match pattern"),
    "an unknown log format": ({"log": {"format": "xml"}}, "at '/log/format': value must be one of 'text', 'json'"),
    "an unknown log level": ({"log": {"level": "loud"}}, "at '/log/level': value must be one of 'debug', 'info'"),
    "a list as text": ({"watchNamespaces": "a"}, "at '/watchNamespaces': got string, want array"),
    "a namespace that can not be": ({"watchNamespaces": ["A b"]}, "at '/watchNamespaces/0': 'A b' does not match"),
    "an address without a prefix": ({"operatorCidrs": ["10.0.0.1"]}, "at '/operatorCidrs/0': '10.0.0.1' does not"),
    "a prefix that there is not": ({"operatorCidrs": ["10.0.0.1/99"]}, "at '/operatorCidrs/0': '10.0.0.1/99' does not"),
    "an address that there is not": ({"operatorCidrs": ["10.0.0.256/32"]}, "'10.0.0.256/32' does not match pattern"),
    "a boundary by name": ({"permissionsBoundary": "mine"}, "at '/permissionsBoundary': 'mine' does not match"),
    "a zone as region": ({"aws": {"region": "eu-west-1a"}}, "at '/aws/region': 'eu-west-1a' does not match pattern"),
    "a queue by name": ({"aws": {"eventsQueue": "events"}}, "at '/aws/eventsQueue': 'events' does not match pattern"),
    "a quota without a rate": ({"aws": {"quotas": {"tasks": "100"}}}, "at '/aws/quotas/tasks': '100' does not match"),
    "a quota of nothing": ({"aws": {"quotas": {"tasks": "0/0"}}}, "at '/aws/quotas/tasks': '0/0' does not match"),
    "a quota with a rate of nothing": (
        {"aws": {"quotas": {"tasks": "9/0.0"}}},
        "at '/aws/quotas/tasks': '9/0.0' does not match",
    ),
    "a quota that is no number": (
        {"aws": {"quotas": {"clusters": "1.2.3/9"}}},
        "at '/aws/quotas/clusters': '1.2.3/9' does not match",
    ),
    "an image with a space": ({"defaultImage": "BAD IMAGE"}, "at '/defaultImage': 'BAD IMAGE' does not match"),
    "a GPU image in capital letters": ({"defaultGpuImage": "Rapids"}, "at '/defaultGpuImage': 'Rapids' does not match"),
    "a look at AWS each millisecond": ({"resync": "1ms"}, "at '/resync': '1ms' does not match"),
    "annotations of an account that is not made": (
        {"serviceAccount": {"create": False, "name": "theirs", "annotations": {"a": "b"}}},
        "at '/serviceAccount/annotations': maxProperties: got 1, want 0",
    ),
    "no image at all": ({"image": None}, "missing property 'image'"),
    "no log at all": ({"log": None}, "missing property 'log'"),
    "no log format": ({"log": {"format": None}}, "at '/log': missing property 'format'"),
    "no AWS at all": ({"aws": None}, "missing property 'aws'"),
    "no service account at all": ({"serviceAccount": None}, "missing property 'serviceAccount'"),
    "a quota of another name": (
        {"aws": {"quotas": {"RunTask": "9/9"}}},
        "value must be one of 'clusters', 'cluster reads'",
    ),
    "an install too long for a role's name": ({"install": "a" * 28}, "at '/install': maxLength: got 28, want 27"),
    "an install with a dash": ({"install": "prod-eu"}, "at '/install': 'prod-eu' does not match pattern"),
    "a number in the environment": ({"extraEnv": [{"name": "A", "value": 1}]}, "at '/extraEnv/0/value': got number"),
}


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_a_wrong_value_is_refused_by_its_name(values: dict[str, Any], message: str) -> None:
    with pytest.raises(HelmError) as refusal:
        rendered(values)

    assert message in str(refusal.value)


@pytest.mark.parametrize(
    "values",
    [
        {"aws": {"region": "eusc-de-east-1", "quotas": {"tasks": "100/20", "clusters": "1.5/0.05"}}},
        {"defaultImage": "localhost:5000/team/dask:1", "resync": "1h30m"},
        {"resync": "0s", "serviceAccount": {"create": False, "annotations": {}}},
    ],
)
def test_what_the_operator_takes_the_chart_takes(values: dict[str, Any]) -> None:
    assert rendered(values)


@pytest.mark.parametrize(
    ("of", "place"),
    [(fields.Image, ("definitions", "optionalImage")), (fields.Region, ("properties", "aws", "properties", "region"))],
)
def test_the_chart_knows_images_and_regions_as_specs_do(of: Any, place: tuple[str, ...]) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    for name in place:
        schema = schema[name]
    (rule,) = (each for each in of.__metadata__ if isinstance(each, Rule))
    assert rule.cel == "self.matches(r'{}')".format(schema["pattern"].removesuffix("?$") + "$")
