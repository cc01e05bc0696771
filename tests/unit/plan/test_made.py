"""What is made is named by namespace and content, and goes with the last who wants it."""

from dask_ecs.plan import actions
from dask_ecs.plan import made as made_things

from .world import World, asked, running


def test_clusters_of_a_namespace_that_ask_for_the_same_ask_for_the_same_things() -> None:
    one, other, third = World(), World(), World({"worker": {"replicas": 9, "cpu": 2, "memory": "4Gi"}})
    other.body["metadata"] |= {"name": "other", "uid": "u-2"}
    elsewhere = World()
    elsewhere.body["metadata"] |= {"namespace": "elsewhere"}
    assert made_things.wanted(one.target) == made_things.wanted(other.target)
    assert len(set(made_things.wanted(one.target)) - set(made_things.wanted(third.target))) == 1
    assert not set(made_things.wanted(one.target)) & set(made_things.wanted(elsewhere.target))


def test_an_isolated_cluster_shares_nothing() -> None:
    one, other = World({"isolation": "cluster"}), World({"isolation": "cluster"})
    other.body["metadata"] |= {"uid": "u-2"}
    assert not set(made_things.wanted(one.target)) & set(made_things.wanted(other.target))


def test_what_is_to_be_made_is_written_before_it_is_made() -> None:
    world = World()
    plan = world.plan()
    assert plan.status.made == tuple(sorted(map(str, made_things.wanted(world.target))))
    world.settle()
    made = {action.thing for action in world.done if action.thing}
    assert made == {*plan.status.made, "log-group/dask-ecs"}, "a log group that stays is not listed"


def test_a_long_name_gives_names_that_aws_takes() -> None:
    world = World()
    world.body["metadata"] |= {"name": "n" * 253, "namespace": "s" * 63}
    for isolation in ("namespace", "cluster"):
        world.edit(isolation=isolation)
        for thing in made_things.wanted(world.target):
            assert len(thing.name) <= (64 if thing.kind == "iam-role" else 255), thing


def test_definitions_of_older_specs_go_once_no_task_runs_them_and_are_listed_no_more() -> None:
    world = running(replicas=1)
    older = {thing for thing in made_things.wanted(world.target) if thing.kind == "task-definition"}
    world.edit(image="dask:2")
    world.settle()
    assert not asked(world, actions.DeregisterTaskDefinition), "both are in use"
    assert {str(thing) for thing in older} <= set(world.body["status"]["made"])
    for task in [*world.live["scheduler"], *world.live["worker"]]:
        world.stop(task.arn)
    world.settle()
    world.settle()
    assert {action.thing for action in asked(world, actions.DeregisterTaskDefinition)} == {
        str(thing) for thing in older
    }
    assert set(world.body["status"]["made"]) == {str(thing) for thing in made_things.wanted(world.target)}


def test_definitions_of_older_specs_that_others_use_are_left_to_them() -> None:
    world = running(replicas=0)
    older = {str(thing) for thing in made_things.wanted(world.target) if thing.kind == "task-definition"}
    world.in_use = frozenset(older)
    world.edit(image="dask:2")
    (scheduler,) = world.live["scheduler"]
    world.stop(scheduler.arn)
    world.settle()
    assert not asked(world, actions.DeregisterTaskDefinition)
    assert not older & set(world.body["status"]["made"])


def test_a_log_group_goes_with_its_last_user_where_that_is_asked_for() -> None:
    for policy, in_use, goes in (("Retain", False, False), ("Delete", False, True), ("Delete", True, False)):
        world = running(replicas=0, logs={"group": "/team/dask", "deletionPolicy": policy})
        listed = "log-group//team/dask" in world.body["status"]["made"]
        assert listed == (policy == "Delete")
        world.in_use = frozenset({"log-group//team/dask"} if in_use else ())
        world.delete()
        world.settle()
        deletions = asked(world, actions.DeleteLogGroup)
        assert [action.name for action in deletions] == (["/team/dask"] if goes else [])
        assert all(action.tags["ecs.dask.org/namespace"] == "team" for action in deletions), "made for this namespace"
        assert world.gone


def test_a_log_group_that_was_to_go_stays_once_the_user_says_so() -> None:
    world = running(replicas=0, logs={"group": "/team/dask", "deletionPolicy": "Delete"})
    world.edit(logs={"group": "/team/dask", "deletionPolicy": "Retain"})
    world.settle()
    world.delete()
    world.settle()
    assert not asked(world, actions.DeleteLogGroup)


def test_who_would_leave_a_log_group_keeps_others_from_deleting_it() -> None:
    assert made_things.used(["iam-role/a"], log_group="/team/dask") == {"iam-role/a", "log-group//team/dask"}
    assert made_things.used(["iam-role/a"], log_group=None) == {"iam-role/a"}
