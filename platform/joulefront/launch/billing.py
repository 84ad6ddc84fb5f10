"""What the study's ledger tells and no message does: lost attempts, and the search's own energy.

The meters write the ledger while the study runs; here it is read and charged, and nothing else.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from joulefront.energy import Attribution, Policy, Row, attribute
from joulefront.energy.attribution import AttemptCharge
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow

Billed = tuple[tuple[ChargeRow, ...], tuple[str, ...]]
"""The charges of an attempt, and what makes them untrustworthy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyBill:
    """Read a study's bill from its ledger, as it stands at each call.

    Attributes:
        store: The study.
    """

    store: StudyStore

    def attempt(self, trial_id: str, attempt: int) -> Billed:
        """Return what an attempt was charged and what degrades it; nothing, if it is not known."""
        return self.attempts([(trial_id, attempt)])[trial_id, attempt]

    def attempts(self, keys: Collection[tuple[str, int]]) -> dict[tuple[str, int], Billed]:
        """Return the same for several attempts, for which the ledger is read once."""
        names = {f'"{trial_id}/{attempt}/' for trial_id, attempt in keys}
        ids = pa.array({trial_id for trial_id, _ in keys}, pa.string())

        def chosen(ledger: pa.Table) -> pa.ChunkedArray:
            samples = pc.equal(ledger["kind"], "sample")
            seen = pc.match_substring_regex(ledger["details"], "|".join(map(re.escape, names)))
            of_trial = pc.fill_null(pc.is_in(ledger["trial_id"], ids), False)
            kept = pc.or_(of_trial, pc.equal(ledger["kind"], "host"))
            return pc.or_(kept, pc.and_(samples, seen))

        known = self._attribution(chosen).attempts if keys else {}
        return {key: _billed(known.get(key)) for key in keys}

    def search_joules(self) -> float:
        """Return what the study's drivers have spent themselves, on proposals and on writing."""
        kinds = pa.array(["host", "sample"])
        hosts = self._attribution(lambda ledger: pc.is_in(ledger["kind"], kinds)).hosts.values()
        return math.fsum(joules for bill in hosts for joules in bill.joules["search"].values())

    def _attribution(self, chosen: Callable[[pa.Table], pa.ChunkedArray]) -> Attribution:
        """Charge what the chosen rows of the ledger tell: the others need not be understood."""
        ledger = self.store.read("ledger")
        rows = [Row.from_columns(row) for row in ledger.filter(chosen(ledger)).to_pylist()]
        return attribute(rows, None, Policy())


def _billed(known: AttemptCharge | None) -> Billed:
    if known is None:
        return (), ()
    rows = tuple(
        ChargeRow(
            host=host,
            device=charge.device,
            component=charge.component,
            joules=charge.joules,
            provenance=charge.provenance,
            shared=charge.shared,
            known=charge.known,
        )
        for host, charge in known.charges
    )
    return rows, known.degradations
