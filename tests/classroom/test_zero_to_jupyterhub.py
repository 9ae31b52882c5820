"""The values for Kubernetes name what the chart knows, and close what the course does not need.

The keys below are those of the chart's own schema, as far as the values use them, with their
types: https://github.com/jupyterhub/zero-to-jupyterhub-k8s/blob/main/jupyterhub/values.schema.yaml
"""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import workshop

CLASSROOM = Path(__file__).parents[2] / "classroom"
VALUES: dict[str, Any] = yaml.safe_load((CLASSROOM / "zero-to-jupyterhub.yaml").read_text("utf-8"))
ANYTHING: dict[str, Any] = {"": object}
SCHEMA: dict[str, Any] = {
    "hub": {"concurrentSpawnLimit": int, "activeServerLimit": int, "config": ANYTHING},
    "proxy": {"https": {"enabled": bool, "hosts": list, "letsencrypt": {"contactEmail": str}}},
    "singleuser": {
        "image": {"name": str, "tag": str},
        "defaultUrl": str,
        "startTimeout": int,
        "memory": {"limit": (int, float, str), "guarantee": (int, float, str)},
        "cpu": {"limit": (int, float), "guarantee": (int, float)},
        "allowPrivilegeEscalation": bool,
        "storage": {"type": str, "capacity": str, "homeMountPath": str},
        "lifecycleHooks": {"postStart": ANYTHING, "preStop": ANYTHING},
        "cloudMetadata": {"blockWithIptables": bool, "ip": str},
        "networkPolicy": {
            "enabled": bool,
            "egressAllowRules": {
                "cloudMetadataServer": bool,
                "dnsPortsCloudMetadataServer": bool,
                "dnsPortsKubeSystemNamespace": bool,
                "dnsPortsPrivateIPs": bool,
                "nonPrivateIPs": bool,
                "privateIPs": bool,
            },
        },
    },
    "scheduling": {
        "userScheduler": {"enabled": bool},
        "podPriority": {"enabled": bool},
        "userPlaceholder": {"enabled": bool, "replicas": int},
    },
    "prePuller": {"hook": {"enabled": bool}, "continuous": {"enabled": bool}},
    "cull": {"enabled": bool, "timeout": int, "every": int},
}


def unknown(values: Any, schema: Any, path: str = "") -> list[str]:
    """The places where values have a key that the schema lacks, or another type."""
    if schema is ANYTHING:
        return []
    if isinstance(schema, dict):
        if not isinstance(values, dict):
            return [path]
        return [
            problem
            for key, value in values.items()
            for problem in (
                unknown(value, schema[key], f"{path}.{key}") if key in schema else [f"{path}.{key}"]
            )
        ]
    return [] if isinstance(values, schema) else [path]


def test_the_chart_knows_every_key() -> None:
    assert unknown(VALUES, SCHEMA) == []
    assert unknown({"singleuser": {"memory": {"limits": "1G"}, "startTimeout": "300"}}, SCHEMA) == [
        ".singleuser.memory.limits",
        ".singleuser.startTimeout",
    ]


def test_a_learner_reaches_names_and_the_hub_and_nothing_else() -> None:
    policy = VALUES["singleuser"]["networkPolicy"]
    assert policy["enabled"]
    allowed = {name for name, allows in policy["egressAllowRules"].items() if allows}
    assert allowed == {"dnsPortsKubeSystemNamespace", "dnsPortsPrivateIPs"}
    assert set(policy["egressAllowRules"]) == set(
        SCHEMA["singleuser"]["networkPolicy"]["egressAllowRules"]
    ), "what is left out is the chart's to decide"
    assert VALUES["singleuser"]["cloudMetadata"]["blockWithIptables"]


def test_what_is_kept_is_what_the_course_calls_the_learners_lessons() -> None:
    kept = VALUES["singleuser"]["storage"]["homeMountPath"]
    assert Path(kept).name == workshop.COPIES.name
    command = VALUES["singleuser"]["lifecycleHooks"]["postStart"]["exec"]["command"][-1]
    assert f"cd {Path(kept).parent} && " in command
    (called,) = re.findall(r"workshop\.(\w+)\(\)", command)
    assert callable(getattr(workshop, called))


@pytest.mark.parametrize("word", ["user_password", "admin_password"])
def test_no_password_that_somebody_could_leave_as_it_is(word: str) -> None:
    given = VALUES["hub"]["config"]["SharedPasswordAuthenticator"][word]
    assert given.isupper(), "a word to change, which the header names as one"
