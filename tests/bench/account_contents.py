"""What an AWS account holds, to see whether anything is left at the end."""

from e2e.aws_account import AwsAccount


def contents(account: AwsAccount) -> set[str]:
    """Return what costs, counts against a quota or lets somebody in; log groups are not among it, for they are to stay.

    ECS clusters, tasks, active task definitions, roles and security groups, by ARN or id.
    """
    ecs, held = account.ecs, set[str]()
    for arn in (arn for page in ecs.get_paginator("list_clusters").paginate() for arn in page["clusterArns"]):
        held.add(arn)
        held |= {task["taskArn"] for task in account.live_tasks(arn)}
    for definitions in ecs.get_paginator("list_task_definitions").paginate(status="ACTIVE"):
        held.update(definitions["taskDefinitionArns"])
    for roles in account.iam.get_paginator("list_roles").paginate():
        held.update(role["Arn"] for role in roles["Roles"])
    for groups in account.ec2.get_paginator("describe_security_groups").paginate():
        held.update(group["GroupId"] for group in groups["SecurityGroups"])
    return held
