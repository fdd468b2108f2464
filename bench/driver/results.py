"""Results: figures by system, work, contestant and name, a list of one value for each round."""

import json
import statistics


class Results:
    def __init__(self, data=None):
        self.data = data if data is not None else {}

    def add(self, system, work, contestant, figures, turn):
        """`turn` is the number of the round; rounds that have failed stay None."""
        at = self.data.setdefault(system, {}).setdefault(work, {}).setdefault(contestant, {})
        for name, value in figures.items():
            values = at.setdefault(name, [])
            values += [None] * (turn - len(values))
            values.append(value)

    def has(self, system, work):
        return bool(self.data.get(system, {}).get(work))

    def contestants(self, system, work):
        return list(self.data.get(system, {}).get(work, {}))

    def _rounds(self, system, work, contestant, figure):
        return self.data.get(system, {}).get(work, {}).get(contestant, {}).get(figure, [])

    def values(self, system, work, contestant, figure):
        return [value for value in self._rounds(system, work, contestant, figure)
                if value is not None]

    def median(self, system, work, contestant, figure):
        """None where nothing was measured."""
        values = self.values(system, work, contestant, figure)
        return statistics.median(values) if values else None

    def ratio(self, system, work, above, below):
        """The median of the rounds' ratios: what changes from round to round cancels out. Each of
        the two is (contestant, figure)."""
        pairs = [a / b for a, b in zip(self._rounds(system, work, *above),
                                       self._rounds(system, work, *below))
                 if a is not None and b]
        return statistics.median(pairs) if pairs else None


def fit(points):
    """The straight line through (x, y) with the least squares: (y at 0, slope)."""
    count = len(points)
    mean_x = sum(x for x, _ in points) / count
    mean_y = sum(y for _, y in points) / count
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread if spread else 0.0
    return mean_y - slope * mean_x, slope


def idle_points(results, system, work, contestant):
    """[(idle, median CPU, median p99)], by the number of idle connections."""
    names = results.data.get(system, {}).get(work, {}).get(contestant, {})
    counts = sorted(int(name.split("@")[1]) for name in names if name.startswith("cpu_us@"))
    return [(count, results.median(system, work, contestant, f"cpu_us@{count}"),
             results.median(system, work, contestant, f"p50_us@{count}"),
             results.median(system, work, contestant, f"p99_us@{count}")) for count in counts]


# From the cheapest to hand a connection to, to the dearest.
POLICIES = ("inline", "round-robin", "least-connections", "kernel", "shared", "thread", "prefork",
            "fork")


# The work that compares them.
DISPATCH = {"linux": "dispatch", "wine": "dispatch-wine"}


def policies_measured(results, system):
    """The workloads and the policies of `pollux compare --dispatch`: ([name], [name])."""
    pairs = [name.split("@")[1].split("/")
             for figures in results.data.get(system, {}).get(DISPATCH[system], {}).values()
             for name in figures if name.startswith("loops@")]
    found = dict.fromkeys(policy for _, policy in pairs)
    known = [policy for policy in POLICIES if policy in found]
    return (list(dict.fromkeys(workload for workload, _ in pairs)),
            known + [policy for policy in found if policy not in known])


def policy_figures(results, system, contestant, figure, workload):
    """The figure of each policy, in the order of policies_measured(), or None."""
    return [results.median(system, DISPATCH[system], contestant, f"{figure}@{workload}/{policy}")
            for policy in policies_measured(results, system)[1]]


def save(path, report):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(report, file, indent=1, ensure_ascii=False)
        file.write("\n")


def read(path):
    with open(path, encoding="utf-8") as file:
        return json.load(file)
