from dask_ecs.controllers.users import Users

REGION = "eu-west-1"


def others(users: Users, uid: str, thing: str = "iam-role/a") -> set[str]:
    found = set(users.others(uid, region=REGION, thing=thing))
    assert users.has_others(uid, region=REGION, thing=thing) == bool(found)
    return found


def test_the_other_users_of_a_thing_are_known() -> None:
    users = Users()
    users.say("one", region=REGION, things=frozenset({"iam-role/a", "iam-role/b"}))
    users.say("two", region=REGION, things=frozenset({"iam-role/a"}))
    assert others(users, "one") == {"two"}
    assert others(users, "one", "iam-role/b") == set()
    assert others(users, "three") == {"one", "two"}


def test_who_uses_another_thing_by_now_or_has_left_is_no_user() -> None:
    users = Users()
    users.say("one", region=REGION, things=frozenset({"iam-role/a"}))
    users.say("two", region=REGION, things=frozenset({"iam-role/a"}))
    users.say("one", region=REGION, things=frozenset({"iam-role/b"}))
    assert others(users, "two") == set()
    users.leave("two")
    users.leave("two")
    assert others(users, "one") == set()


def test_the_same_name_in_another_region_is_another_thing() -> None:
    users = Users()
    users.say("one", region="us-east-1", things=frozenset({"ecs-cluster/a"}))
    assert others(users, "two", "ecs-cluster/a") == set()
