"""What IAM's policy simulator is asked, and what its answers mean."""

from typing import Any

import pytest

from dask_ecs.aws import simulation
from dask_ecs.aws.iam_policy import Scope, statements
from dask_ecs.aws.simulation import Question

SCOPE = Scope(install=("abc",), account=("123456789012",), region=("eu-west-1", "eu-west-2"), log_group=("dask-ecs",))


def asked(action: str, scope: Scope = SCOPE) -> list[Question]:
    found = simulation.questions(statements(scope), account="123456789012", example="team")
    return [question for question in found if action in question.statement["Action"]]


def test_each_pattern_is_asked_with_a_name_that_it_matches() -> None:
    (question,) = asked("ecs:DeleteCluster")
    regions = ("eu-west-1", "eu-west-2")
    assert question.resources == tuple(f"arn:aws:ecs:{name}:123456789012:cluster/dask-abc-team" for name in regions)
    assert question.context == {"aws:ResourceTag/ecs.dask.org/install": "abc"}


def test_what_knows_no_resources_is_asked_of_all() -> None:
    (question,) = asked("ec2:DescribeVpcs")
    assert (question.resources, question.context) == (("*",), {})


def test_each_of_several_values_of_a_condition_is_asked_by_itself() -> None:
    policies = tuple(f"arn:aws:iam::aws:policy/{name}" for name in ("A", "B"))
    scope = Scope(allowed_policy=policies, purposes=frozenset({"role"}))
    assert [question.context for question in asked("iam:AttachRolePolicy", scope)] == [
        {"iam:PolicyARN": policy} for policy in policies
    ]


def test_instances_are_asked_for_in_the_account_and_roles_passed_to_a_service() -> None:
    assert "arn:aws:ec2:eu-west-1:123456789012:instance/team" in asked("ec2:RunInstances")[0].resources
    passed = {question.context["iam:PassedToService"] for question in asked("iam:PassRole")}
    assert passed == {"ecs-tasks.amazonaws.com", "ec2.amazonaws.com", "ecs.amazonaws.com"}


@pytest.mark.parametrize(
    ("decision", "details", "why"),
    [
        ("implicitDeny", {}, "no policy allows it"),
        ("explicitDeny", {}, "a policy denies it"),
        (
            "implicitDeny",
            {"OrganizationsDecisionDetail": {"AllowedByOrganizations": False}},
            "a service control policy of the organization does not allow it",
        ),
        (
            "implicitDeny",
            {"PermissionsBoundaryDecisionDetail": {"AllowedByPermissionsBoundary": False}},
            "the permissions boundary does not allow it",
        ),
    ],
)
def test_who_is_to_blame_is_told(decision: str, details: dict[str, Any], why: str) -> None:
    (question,) = asked("ec2:DescribeVpcs")
    result = {"EvalActionName": "ec2:DescribeVpcs", "EvalResourceName": "*", "EvalDecision": decision, **details}
    (lack,) = simulation.read(question, result)
    assert (lack.action, lack.resource, lack.why) == ("ec2:DescribeVpcs", "*", why)


def test_of_several_resources_those_are_told_that_are_not_allowed() -> None:
    (question,) = asked("ecs:DeleteCluster")
    first, second = question.resources
    result = {
        "EvalActionName": "ecs:DeleteCluster",
        "EvalDecision": "implicitDeny",
        "ResourceSpecificResults": [
            {"EvalResourceName": first, "EvalResourceDecision": "allowed"},
            {"EvalResourceName": second, "EvalResourceDecision": "implicitDeny", "MissingContextValues": ["aws:Via"]},
        ],
    }
    assert [(lack.resource, lack.undecided) for lack in simulation.read(question, result)] == [(second, ("aws:Via",))]
