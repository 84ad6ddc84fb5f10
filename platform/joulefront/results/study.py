"""A finished or running study, as tables.

`Study` only reads. It is a snapshot: tables are read when first asked for and kept, so that all
answers of one object agree; open the study again to see what has come since.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Literal

import pandas as pd
import pyarrow as pa

from joulefront.energy import Attribution, Policy, Row, attribute, emissions_grams
from joulefront.errors import StudyError
from joulefront.results import accounting, pooled
from joulefront.results.bill import bill_by_host, bill_over_hosts, bill_provenance
from joulefront.results.configurations import configurations_of, measured
from joulefront.results.history import contributions_of, history_of, reference_point
from joulefront.results.units import units_of
from joulefront.spec import StudySpec
from joulefront.spec.nearest import remedy
from joulefront.store import StudyStore, fold_trials

_INTERNAL = ("params_json", "resumed_attempt", "resumed_epoch")  # what a resume reads


class Study:
    """The results of one study directory.

    Every frame carries `.attrs["units"]` (unit by column, "1" for none) and
    `.attrs["directions"]` ("maximise" or "minimise" by objective).

    Attributes:
        path: Absolute path of the study directory, or its URI.
        header: What `study.json` says: environment, power model, data, and so on.
        spec: The study; `name` and `objectives` are its own.
    """

    def __init__(self, store: StudyStore) -> None:
        self._store = store
        self.path = store.uri
        self.header = dict(store.header)
        self.spec = StudySpec.from_dict(store.header["spec"])
        self.name = self.spec.name
        self.objectives = self.spec.objectives

    @classmethod
    def open(cls, path: str | Path) -> Study:
        """Open a study directory.

        Raises:
            StudyError: There is none at `path`; the message names those nearby.
        """
        return cls(StudyStore.open(path))

    def __repr__(self) -> str:
        return f"Study({self.path!r})"

    def table(self, name: str) -> pa.Table:
        """One of "trials", "reports", "energy", "ledger", "events" as Arrow, as exported.

        Raises:
            ValueError: There is no table of that name.
        """
        if name == "trials":
            return self._trials_with_front
        if name == "energy":
            return pa.Table.from_pandas(self._energy, preserve_index=False)
        return self._store.read(name)

    def trials(self) -> pd.DataFrame:
        """One row a trial, its last attempt, with `on_front` for those that measure a member."""
        return self._frame(self._trials_with_front.to_pandas())

    def configurations(self) -> pd.DataFrame:
        """One row a configuration: means, errors and intervals over its complete replicates.

        The columns are those of `configurations.configurations_of`; a member's `contribution` is
        the hypervolume, from `reference_point`, that no other member adds.
        """
        return self._frame(self._configurations.copy())

    def front(self) -> pd.DataFrame:
        """The fully measured configurations that no other dominates, best first objective first.

        Dominance is decided on the means; where `replicates.allocate` is front, only among those
        that are more likely members than not (`joulefront.front.reported_members`). Infeasible
        configurations never compete; where energy is an objective, only those of one provenance
        signature and one node class do (`configurations.competing`). `quality` says which rest on
        degraded trials, `quality_reasons` why.
        """
        members = self._configurations[self._configurations["on_front"]]
        first = self.objectives[0]
        members = members.sort_values(first.metric, ascending=first.sign > 0, kind="stable")
        return self._frame(members.reset_index(drop=True))

    def reports(self) -> pd.DataFrame:
        """One row an epoch of a trial's attempt."""
        return self._frame(self._store.read("reports").to_pandas())

    def energy(self) -> pd.DataFrame:
        """One row an attempt, host, device and component, in joules, with its provenance."""
        return self._frame(self._energy.copy())

    def events(self) -> pd.DataFrame:
        """What happened, in order; `details` is JSON text."""
        return self._frame(self._events.copy())

    def baselines(self) -> pd.DataFrame:
        """The trainable's baselines, pooled over the folds that the study has run.

        Empty where it offers none. A row that says nothing of folds is shown as it is.
        """
        events = self._events_of("baselines")
        rows = json.loads(events["details"].iloc[-1])["rows"] if len(events) else []
        run = set(self._trials["fold"])
        for row in rows:
            if "folds" in row:
                row |= pooled.pool_folds([fold for fold in row["folds"] if fold["fold"] in run])
        return self._frame(pd.DataFrame(rows))

    def energy_spent(self) -> float:
        """Joules of all attempts of all trials so far: cpu, gpu, set-up and inference probes."""
        return float(accounting.spent_by_trial(self._energy).sum())

    def bill(self, by: Literal["study", "host"] = "study") -> pd.DataFrame:
        """What the study spent, by what it was spent on (the rows of `joulefront.results.bill`).

        The rows add up to "total", which is what the hosts spent while the study ran. Without a
        ledger, as older studies are, only the trials' rows are known and the others are NaN.

        Args:
            by: "host" gives each host its own bill, with `host` as the first level of the index.

        Returns:
            `cpu_joules`, `gpu_joules`, `ram_joules`, `total_joules`, and `emissions_grams` of the
            total where the study has a grid intensity; `.attrs["provenance"]` says how each
            component was measured. "running" is a row only while a trial runs.
        """
        charges = accounting.attempt_charges(self._energy, self._attribution)
        hosts = self._attribution.hosts
        carried = accounting.carried_shares(self._energy, self._trials)
        bills = bill_by_host(charges, self.trials(), carried, hosts)
        bill = pd.concat(bills, names=["host"]) if by == "host" else bill_over_hosts(bills)
        if not (self._trials["state"] == "running").any():
            bill = bill[bill.index.get_level_values("account") != "running"]
        if (intensity := self.header.get("grid_intensity_grams_per_kwh")) is not None:
            grams = bill["total_joules"].map(lambda joules: emissions_grams(joules, intensity))
            bill = bill.assign(emissions_grams=grams)
        bill.attrs["provenance"] = bill_provenance(charges, hosts)
        return self._frame(bill)

    def hosts(self) -> pd.DataFrame:
        """One row a host with a ledger: what its meter says of it, and the `seconds` it watched."""
        facts = {row.host: row.details for row in self._ledger if row.kind == "host"}
        bills = self._attribution.hosts
        rows = [{"host": host, "seconds": bills[host].seconds, **facts[host]} for host in bills]
        columns = ["host", "seconds", "node_class", "scope", "cores", "memory_bytes", "gpus"]
        return self._frame(pd.DataFrame(rows, columns=columns))

    def provenance(self) -> str:
        """How the front's energy was measured, such as "cpu=modelled"; all members share it.

        Before there is a member, that of all trials; " | " stands between different ones, and ""
        says that no energy was recorded.
        """
        front = self.front()
        known = front["provenance"] if len(front) else accounting.signatures(self._energy)
        return " | ".join(sorted(set(known) - {""}))

    def reference_point(self) -> dict[str, float]:
        """Where hypervolume is measured from, by objective in its own direction.

        What the study stored while it ran, else the worst measured values and 10 % of the range
        beyond (`history.reference_point`).
        """
        stored = self._events_of("reference_point")
        if len(stored):
            told = json.loads(stored["details"].iloc[-1])
            return {
                objective.metric: float(told[objective.metric]) for objective in self.objectives
            }
        return reference_point(self._measured, self.objectives)

    def hypervolume(self, reference: Mapping[str, float] | None = None) -> pd.DataFrame:
        """Hypervolume after each trial: `trials`, cumulative `energy_joules`, `hypervolume`.

        Energy counts every attempt, failed and retried ones too.

        Args:
            reference: The point it is measured from, by objective in its own direction; without
                it, `reference_point`. It stands in `.attrs["reference_point"]`.
        """
        reference = self.reference_point() if reference is None else reference
        spent = accounting.spent_by_trial(self._energy)
        history = history_of(self._trials, self._configurations, spent, self.objectives, reference)
        self._frame(history).attrs["reference_point"] = dict(reference)
        return history

    def out_of_fold(self, config_id: str) -> dict[str, float]:
        """Test metrics of a configuration, pooled over its outer folds (`pooled.out_of_fold`).

        Raises:
            StudyError: The study has no such configuration.
        """
        known = list(self._configurations["config_id"])
        if config_id not in known:
            raise StudyError(
                f"{self.path} must have the configuration",
                given=config_id,
                remedy=remedy(config_id, known),
            )
        trials = self._trials
        chosen = trials[(trials["config_id"] == config_id) & (trials["state"] == "complete")]
        return pooled.out_of_fold(chosen, self._events_of("predictions"))

    def damage(self) -> list[str]:
        """What reading the tables asked for so far had to leave out, one sentence each."""
        return self._store.damage()

    @cached_property
    def _trials_table(self) -> pa.Table:
        folded = fold_trials(self._store.read("trials"))
        return folded.drop_columns([name for name in _INTERNAL if name in folded.column_names])

    @cached_property
    def _trials(self) -> pd.DataFrame:
        frame: pd.DataFrame = self._trials_table.to_pandas()
        return frame

    @cached_property
    def _trials_with_front(self) -> pa.Table:
        members = self._configurations.loc[self._configurations["on_front"], "config_id"]
        trials, table = self._trials, self._trials_table
        of_member = trials["config_id"].isin(members).to_numpy(dtype=bool)
        column = pa.array(of_member & measured(trials, self.spec), type=pa.bool_())
        return table.set_column(table.column_names.index("on_front"), "on_front", column)

    @cached_property
    def _energy(self) -> pd.DataFrame:
        return accounting.latest_charges(self._store.read("energy").to_pandas())

    @cached_property
    def _ledger(self) -> list[Row]:
        return [Row.from_columns(row) for row in self._store.read("ledger").to_pylist()]

    @cached_property
    def _attribution(self) -> Attribution:
        return attribute(self._ledger, None, Policy())

    @cached_property
    def _measured(self) -> pd.DataFrame:
        return configurations_of(self._trials, accounting.signatures(self._energy), self.spec)

    @cached_property
    def _configurations(self) -> pd.DataFrame:
        reference = self.reference_point()
        frame = self._measured.copy()
        added = contributions_of(frame, self.objectives, reference)
        frame.insert(list(frame.columns).index("membership") + 1, "contribution", added)
        return frame

    @cached_property
    def _events(self) -> pd.DataFrame:
        frame: pd.DataFrame = self._store.read("events").to_pandas()
        return frame if "details" in frame else frame.assign(details=None)

    def _events_of(self, kind: str) -> pd.DataFrame:
        return self._events[self._events["kind"] == kind]

    def _frame(self, frame: pd.DataFrame) -> pd.DataFrame:
        units = units_of(objective.metric for objective in self.objectives).values()
        volume = "·".join(unit for unit in units if unit != "1") or "1"
        volumes = [name for name in ("contribution", "hypervolume") if name in frame.columns]
        frame.attrs["units"] = units_of(frame.columns) | dict.fromkeys(volumes, volume)
        frame.attrs["directions"] = {
            objective.metric: objective.direction for objective in self.objectives
        }
        return frame
