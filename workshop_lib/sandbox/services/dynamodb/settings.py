"""What a table is set to beside what moto keeps: its class, its caps, when its units changed.

As the probes of October 2026 saw it (DDB-TABLE-028, 052, 133, 153, 178, 177, 184, 185, 283, 326,
442): https://github.com/aws-controllers-k8s/dynamodb-controller, docs/api-quirks

https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.TableClasses.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode-max-throughput.html
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any

from workshop_lib.sandbox import clock
from workshop_lib.sandbox.moto_backend.tables import Table
from workshop_lib.sandbox.protocol.errors import AwsError

CLASSES = ("STANDARD", "STANDARD_INFREQUENT_ACCESS")
_MOST_CHANGES, _DAYS = 2, 30
_DECREASES, _BETWEEN = 4, timedelta(seconds=3600)
_TTL_RESTS = timedelta(minutes=30)
Caps = dict[str, int]
Units = Mapping[str, int]


@dataclass
class UnitChanges:
    """When the provisioned units of a table, or of an index, went up and down."""

    increased: datetime | None = None
    decreased: list[datetime] = field(default_factory=list)

    def require_decrease(self) -> None:
        """Refuse to decrease more often than AWS lets one. Raises AwsError LimitExceeded…

        "You can decrease the ReadCapacityUnits or WriteCapacityUnits settings … up to four times
        any time per day", then once an hour.
        """
        now, count = clock.now(), self._today()
        if count < _DECREASES:
            return
        last = self.decreased[-1]
        midnight = datetime.combine(now.date() + timedelta(days=1), time(), now.tzinfo)
        again = min(last + _BETWEEN, midnight)
        if now < again:
            raise AwsError(
                "LimitExceededException",
                "Subscriber limit exceeded: Provisioned throughput decreases are limited within a "
                f"given UTC day. After the first {_DECREASES} decreases, each subsequent decrease "
                "in the same UTC day can be performed at most once every "
                f"{int(_BETWEEN.total_seconds())} seconds. Number of decreases today: {count}. "
                f"Last decrease at {_told(last)}. Next decrease can be made at {_told(again)}",
            )

    def note(self, asked: Units, present: Units) -> None:
        """Take note of units that take the place of others."""
        if any(asked[name] < present[name] for name in asked):
            self.decreased.append(clock.now())
        if any(asked[name] > present[name] for name in asked):
            self.increased = clock.now()

    def describe(self, description: dict[str, Any]) -> None:
        """Write them into the units of a table's or index's description."""
        units = description.get("ProvisionedThroughput")
        if units is None:
            return
        units["NumberOfDecreasesToday"] = self._today()
        if self.increased is not None:
            units["LastIncreaseDateTime"] = round(self.increased.timestamp(), 3)
        if self.decreased:
            units["LastDecreaseDateTime"] = round(self.decreased[-1].timestamp(), 3)

    def _today(self) -> int:
        today = clock.now().date()
        return sum(each.date() == today for each in self.decreased)


def _told(moment: datetime) -> str:
    hour = moment.hour % 12 or 12
    return (
        f"{moment:%A, %B} {moment.day}, {moment.year} at {hour}:{moment:%M:%S %p} "
        "Coordinated Universal Time"
    )


@dataclass
class Settings:
    """The settings of one table.

    ``table_class`` is None where nobody ever named one; ``caps`` are those of OnDemandThroughput,
    ``index_caps`` those of its indexes; ``on_demand_since`` is when it last began to be paid per
    request, in seconds; ``units`` is what became of provisioned units, by index, None for its own;
    ``ttl_changed`` is when its time to live was last switched.
    """

    table_class: str | None = None
    class_changes: list[datetime] = field(default_factory=list)
    caps: Caps = field(default_factory=dict)
    index_caps: dict[str, Caps] = field(default_factory=dict)
    on_demand_since: float | None = None
    units: dict[str | None, UnitChanges] = field(default_factory=dict)
    ttl_changed: datetime | None = None

    def begin(self, parameters: Mapping[str, Any], created: float) -> None:
        """Take what a CreateTable sets."""
        self.table_class = parameters.get("TableClass")
        self.cap(parameters.get("OnDemandThroughput", {}))
        for index in parameters.get("GlobalSecondaryIndexes") or ():
            self.cap(index.get("OnDemandThroughput", {}), index["IndexName"])
        if parameters.get("BillingMode") == "PAY_PER_REQUEST":
            self.on_demand_since = created

    def update(self, parameters: Mapping[str, Any], table: Table) -> None:
        """Take what an UpdateTable sets of this table.

        Raises AwsError LimitExceededException for one decrease of its units too many.
        """
        mode = table.billing_mode
        asked = parameters.get("BillingMode", mode)
        if asked != mode:
            self.caps, self.index_caps = {}, {}
            if asked == "PAY_PER_REQUEST":
                self.on_demand_since = round(clock.now().timestamp(), 3)
        elif mode == "PROVISIONED":
            self._change_units(parameters, table)
        self.cap(parameters.get("OnDemandThroughput", {}))
        for update in parameters.get("GlobalSecondaryIndexUpdates") or ():
            for kind, index in update.items():
                if kind == "Delete":
                    self.index_caps.pop(index["IndexName"], None)
                else:
                    self.cap(index.get("OnDemandThroughput", {}), index["IndexName"])

    def _change_units(self, parameters: Mapping[str, Any], table: Table) -> None:
        asked: dict[str | None, tuple[Units, Units]] = {}
        if "ProvisionedThroughput" in parameters:
            asked[None] = parameters["ProvisionedThroughput"], table.units
        for update in parameters.get("GlobalSecondaryIndexUpdates") or ():
            for kind, index in update.items():
                name = index["IndexName"]
                if kind == "Delete":
                    self.units.pop(name, None)
                elif kind == "Update" and "ProvisionedThroughput" in index:
                    asked[name] = index["ProvisionedThroughput"], table.units_of_index(name)
        for name, (units, present) in asked.items():
            if any(units[each] < present[each] for each in units):
                self.units.setdefault(name, UnitChanges()).require_decrease()
        for name, (units, present) in asked.items():
            self.units.setdefault(name, UnitChanges()).note(units, present)

    def switch_time_to_live(self) -> None:
        """Take note of the switch. Raises AwsError ValidationException where it was just made."""
        now = clock.now()
        if self.ttl_changed is not None and now - self.ttl_changed < _TTL_RESTS:
            raise AwsError(
                "ValidationException",
                "Time to live has been modified multiple times within a fixed interval",
            )
        self.ttl_changed = now

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
        self.units.get(None, _NO_CHANGES).describe(description)
        for index in description.get("GlobalSecondaryIndexes") or ():
            name = index["IndexName"]
            self.units.get(name, _NO_CHANGES).describe(index)
            if self.index_caps.get(name):
                index["OnDemandThroughput"] = dict(self.index_caps[name])
        since = self.on_demand_since
        if since is not None:
            billing = description.setdefault("BillingModeSummary", {"BillingMode": "PROVISIONED"})
            billing["LastUpdateToPayPerRequestDateTime"] = since


_NO_CHANGES = UnitChanges()


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
