"""Values that are wrong are refused before anything is made."""

from typing import Any

import pytest

from helm.installed import HelmError, rendered

REFUSED = {
    "a misspelt setting": ({"watchNamespace": ["a"]}, "additional properties 'watchNamespace' not allowed"),
    "a misspelt part": ({"image": {"repo": "x"}}, "additional properties 'repo' not allowed"),
    "no image": ({"image": {"repository": ""}}, "at '/image/repository': minLength"),
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
