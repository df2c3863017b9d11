"""CloudWatch's alarms on this machine: metrics as lines in the embedded format or as AWS's own, and when an alarm goes off and is over.

It does what AWS documents of statistics, periods, `M out of N`, metric math of single points, and missing data. It was not compared with
CloudWatch itself.
https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarm-evaluation.html
"""

import bisect
import re
from collections import defaultdict
from collections.abc import Callable
from typing import Any

COMPARE = {
    "GreaterThanOrEqualToThreshold": lambda value, threshold: value >= threshold,
    "LessThanThreshold": lambda value, threshold: value < threshold,
}
STATISTICS: dict[str, Callable[[list[float]], float]] = {"Sum": sum, "Minimum": min, "Maximum": max}
OK, ALARM, INSUFFICIENT = "OK", "ALARM", "INSUFFICIENT_DATA"
# How often an alarm is looked at, in seconds. CloudWatch does so every minute.
STEP_S = 300


class Metrics:
    """Points of metrics, by namespace, name and the values of dimensions."""

    def __init__(self) -> None:
        self._points: dict[Any, list[tuple[float, float]]] = defaultdict(list)

    def put(self, namespace, name, dimensions, at, value) -> None:
        bisect.insort(self._points[namespace, name, frozenset(dimensions.items())], (at, value))

    def emf(self, line, at) -> None:
        """Takes in a line of the embedded metric format, as of a time."""
        for directive in line["_aws"]["CloudWatchMetrics"]:
            for names in directive["Dimensions"]:
                for metric in directive["Metrics"]:
                    self.put(
                        directive["Namespace"],
                        metric["Name"],
                        {name: line[name] for name in names},
                        at,
                        line[metric["Name"]],
                    )

    def statistic(self, namespace, name, dimensions, statistic, begins, ends) -> Any:
        """The statistic of the points in [begins, ends), or `None` without any."""
        points = self._points.get((namespace, name, frozenset(dimensions.items())), [])
        values = [
            value for _, value in points[bisect.bisect_left(points, (begins,)) : bisect.bisect_left(points, (ends,))]
        ]
        return STATISTICS[statistic](values) if values else None


class Alarm:
    """An alarm by its properties in a template; `names` gives what its references stand for."""

    def __init__(self, properties, names) -> None:
        self._alarm = properties
        self._names = names
        self._periods = properties["EvaluationPeriods"]
        self._least = properties.get("DatapointsToAlarm", self._periods)

    def _text(self, value) -> Any:
        if isinstance(value, str):
            return value
        ((way, what),) = value.items()
        if way == "Ref":
            return self._names[what]
        if way == "Fn::GetAtt":
            return self._names[".".join(what)]
        return re.sub(r"\$\{([^}]+)\}", lambda found: self._names[found[1]], what)

    def _value(self, metrics, told, begins, ends) -> Any:
        dimensions = {self._text(one["Name"]): self._text(one["Value"]) for one in told.get("Dimensions", [])}
        statistic = told.get("Statistic") or told["Stat"]
        return metrics.statistic(told["Namespace"], self._text(told["MetricName"]), dimensions, statistic, begins, ends)

    def _point(self, metrics, begins, ends) -> Any:
        if "Metrics" not in self._alarm:
            return self._value(metrics, self._alarm, begins, ends)
        values = {
            one["Id"]: self._value(
                metrics, one["MetricStat"]["Metric"] | {"Stat": one["MetricStat"]["Stat"]}, begins, ends
            )
            for one in self._alarm["Metrics"]
            if "MetricStat" in one
        }
        if None in values.values():
            return None
        (expression,) = [one["Expression"] for one in self._alarm["Metrics"] if "Expression" in one]
        return evaluate(expression, values)

    def _period(self) -> Any:
        stats = [one["MetricStat"] for one in self._alarm.get("Metrics", []) if "MetricStat" in one]
        return stats[0]["Period"] if stats else self._alarm["Period"]

    def state(self, metrics, at) -> Any:
        """The state at a time, whatever it was before."""
        period = self._period()
        points = [self._point(metrics, at - (n + 1) * period, at - n * period) for n in range(self._periods)]
        missing = self._alarm["TreatMissingData"]
        compare = COMPARE[self._alarm["ComparisonOperator"]]
        there = [compare(point, self._alarm["Threshold"]) for point in points if point is not None]
        if missing == "missing":
            if not there:
                return INSUFFICIENT
            return ALARM if sum(there) >= min(self._least, len(there)) else OK
        assert missing == "notBreaching", missing
        return ALARM if sum(there) >= self._least else OK

    def changes(self, metrics, begins, ends) -> Any:
        """(time, state) of every change in this time. A new alarm is INSUFFICIENT_DATA."""
        before, found = INSUFFICIENT, []
        for at in range(int(begins), int(ends) + 1, STEP_S):
            now = self.state(metrics, at)
            if now != before:
                found.append((at, now))
            before = now
        return found


def evaluate(expression, values) -> float:
    """Metric math of single points: arithmetic, comparisons, AND, OR, IF."""
    python = re.sub(r"\bOR\b", "or", re.sub(r"\bAND\b", "and", expression))
    return float(eval(python, {"__builtins__": {}}, values | {"IF": lambda test, yes, no: yes if test else no}))
