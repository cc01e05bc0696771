"""How a group launches instances: of its policy's types, on Spot for its share, with the AMI that a parameter names."""

from __future__ import annotations

import copy
import math
from typing import Any, Final

from moto.autoscaling.exceptions import AutoscalingClientError
from moto.autoscaling.models import FakeAutoScalingGroup
from moto.ssm.models import ssm_backends

_PARAMETER: Final = "resolve:ssm:"


class LocalGroup(FakeAutoScalingGroup):  # type: ignore[misc]  # moto is not typed
    """One group of moto's, which itself knows no Spot, one type only, and no parameter in place of an AMI."""

    instance_states: list[Any]

    def __init__(self, **arguments: Any) -> None:
        super().__init__(**arguments)
        assert self.image_id is not None  # AWS resolves it when the group is made

    @property
    def image_id(self) -> str:
        """The AMI, of the parameter where the template names one."""
        named = str(super().image_id or "")
        if not named.startswith(_PARAMETER):
            return named
        parameter = ssm_backends[self.account_id][self.region].get_parameter(named.removeprefix(_PARAMETER))
        if parameter is None:
            raise AutoscalingClientError(
                "ValidationError",
                f"You must use a valid fully-formed launch template. The parameter {named} does not exist.",
            )
        return str(parameter.value)

    @property
    def instance_type(self) -> str:
        """The type that is launched: the first of the policy's."""
        return next(iter(self.type_names(self)), "") or super().instance_type

    @staticmethod
    def type_names(group: FakeAutoScalingGroup) -> tuple[str, ...]:
        """Return the types that a group may launch."""
        template = (group.mixed_instances_policy or {}).get("LaunchTemplate", {})
        named = tuple(override["InstanceType"] for override in template.get("Overrides") or ())
        if named or group.ec2_launch_template is None:
            return named
        return (group.ec2_launch_template.get_version(group.launch_template_version).instance_type,)

    def update(self, **changes: Any) -> None:
        """Change what is named, and keep the rest."""
        named = ("launch_config_name", "launch_template", "mixed_instances_policy")
        if not any(changes.get(name) for name in named):
            changes["mixed_instances_policy"] = kept = copy.deepcopy(self.mixed_instances_policy)
            if kept:  # moto has put both in, and takes only one
                del kept["LaunchTemplate"]["LaunchTemplateSpecification"]["LaunchTemplateName"]
        super().update(**changes)

    def set_desired_capacity(self, new_capacity: int | None) -> None:
        """Have so many instances, none of a mixed group's lost to rounding."""
        if not self.mixed_instances_policy:
            super().set_desired_capacity(new_capacity)
            return
        self.desired_capacity = self.min_size if new_capacity is None else new_capacity
        lacking = (self.desired_capacity or 0) - len(self.active_instances())
        if lacking > 0:
            self.replace_autoscaling_group_instances(lacking, self.get_propagated_tags())
            self._use_spot(self.instance_states[-lacking:])
        elif lacking < 0:
            going = [state for state in self.instance_states if not state.protected_from_scale_in][:-lacking]
            self.instance_states = [state for state in self.instance_states if state not in going]
            if going:
                self.ec2_backend.terminate_instances([state.instance.id for state in going])

    def _use_spot(self, new: list[Any]) -> None:
        """Make Spot instances of those new ones that are not on demand; AWS rounds in favour of on demand."""
        distribution = (self.mixed_instances_policy or {}).get("InstancesDistribution", {})
        base = int(distribution.get("OnDemandBaseCapacity", 0))
        share = int(distribution.get("OnDemandPercentageAboveBaseCapacity", 100))
        wanted = base + math.ceil(max(len(self.instance_states) - base, 0) * share / 100)
        on_demand = sum(state.instance.lifecycle != "spot" for state in self.instance_states) - len(new)
        for state in new[max(wanted - on_demand, 0) :]:
            state.instance.lifecycle = "spot"
