"""What a table is set to beside what moto keeps: its class, the caps of what it uses on demand.

As the probes of October 2026 saw it (ack-api-quirks, DDB-TABLE-028, 052, 133, 153, 178, 177, 283).

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.TableClasses.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.protocol.errors import AwsError

CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
_MOST_CHANGES, _DAYS = 2, 30
Caps = dict[str, int]


@dataclass
class Settings:
    """The settings of one table.

    ``table_class`` is None where nobody ever named one; ``caps`` are those of OnDemandThroughput,
    ``index_caps`` those of its indexes; ``on_demand_since`` is when it last began to be paid per
    request, in seconds.
    """

    table_class: str | None = None
    class_changes: list[datetime] = field(default_factory=list)
    caps: Caps = field(default_factory=dict)
    index_caps: dict[str, Caps] = field(default_factory=dict)
    on_demand_since: float | None = None

    def begin(self, parameters: Mapping[str, Any], created: float) -> None:
        """Take what a CreateTable sets."""
        self.table_class = parameters.get("TableClass")
        self.cap(parameters.get("OnDemandThroughput", {}))
        for index in parameters.get("GlobalSecondaryIndexes") or ():
            self.cap(index.get("OnDemandThroughput", {}), index["IndexName"])
        if parameters.get("BillingMode") == "PAY_PER_REQUEST":
            self.on_demand_since = created

    def update(self, parameters: Mapping[str, Any], mode: str) -> None:
        """Take what an UpdateTable sets of a table in this billing mode."""
        asked = parameters.get("BillingMode", mode)
        if asked != mode:
            self.caps, self.index_caps = {}, {}
            if asked == "PAY_PER_REQUEST":
                self.on_demand_since = round(clock.now().timestamp(), 3)
        self.cap(parameters.get("OnDemandThroughput", {}))
        for update in parameters.get("GlobalSecondaryIndexUpdates") or ():
            for kind, index in update.items():
                if kind == "Delete":
                    self.index_caps.pop(index["IndexName"], None)
                else:
                    self.cap(index.get("OnDemandThroughput", {}), index["IndexName"])

    def change_class(self, asked: str) -> None:
        """Give the table another class, or the one it has. Raises AwsError LimitExceeded…"""
        now = clock.now()
        recent = [each for each in self.class_changes if now - each < timedelta(days=_DAYS)]
        if len(recent) >= _MOST_CHANGES:
            raise AwsError(
                "LimitExceededException",
                "Subscriber limit exceeded: Updates to TableClass are limited to "
                f"{_MOST_CHANGES} times in {_DAYS} day(s).",
            )
        if asked != (self.table_class or CLASSES[0]):
            self.table_class = asked
            self.class_changes.append(now)

    def cap(self, asked: Mapping[str, int], index: str | None = None) -> None:
        """Set caps, each for itself; -1 takes one away."""
        present = self.caps if index is None else self.index_caps.setdefault(index, {})
        for name, value in asked.items():
            if value == -1:
                present.pop(name, None)
            else:
                present[name] = value

    def describe(self, description: dict[str, Any]) -> None:
        """Write them into a table's description."""
        if self.table_class is not None:
            summary: dict[str, Any] = {"TableClass": self.table_class}
            if self.class_changes:
                summary["LastUpdateDateTime"] = round(self.class_changes[-1].timestamp(), 3)
            description["TableClassSummary"] = summary
        if self.caps:
            description["OnDemandThroughput"] = dict(self.caps)
        for index in description.get("GlobalSecondaryIndexes") or ():
            if self.index_caps.get(index["IndexName"]):
                index["OnDemandThroughput"] = dict(self.index_caps[index["IndexName"]])
        since = self.on_demand_since
        if since is not None:
            billing = description.setdefault("BillingModeSummary", {"BillingMode": "PROVISIONED"})
            billing["LastUpdateToPayPerRequestDateTime"] = since


class TableSettings:
    """The settings of an account's tables, by Region and name."""

    def __init__(self) -> None:
        self._of: dict[tuple[str, str], Settings] = {}

    def of(self, region: str, table: str) -> Settings:
        """The settings of a table."""
        return self._of.setdefault((region, table), Settings())

    def forget(self, region: str, table: str) -> None:
        """Forget those of a table that is gone."""
        self._of.pop((region, table), None)


def require_class(asked: str | None) -> None:
    """Refuse a class that is none. Raises AwsError ValidationException."""
    if asked is not None and asked not in CLASSES:
        raise AwsError(
            "ValidationException",
            "Invalid table-class parameter provided. Please try again with a valid table-class "
            f"value: [{', '.join(CLASSES)}].",
        )
