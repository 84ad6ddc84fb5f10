"""What the study's ledger tells and no message does: lost attempts, and the search's own energy.

The meters write the ledger while the study runs; here it is read and charged, and nothing else.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from joulefront.energy import Attribution, Policy, Row, attribute
from joulefront.store import StudyStore
from joulefront.trial.messages import ChargeRow


@dataclass(frozen=True, kw_only=True, slots=True)
class StudyBill:
    """Read a study's bill from its ledger, as it stands at each call.

    Attributes:
        store: The study.
    """

    store: StudyStore

    def attempt(self, trial_id: str, attempt: int) -> tuple[tuple[ChargeRow, ...], tuple[str, ...]]:
        """Return what an attempt was charged and what degrades it; nothing, if it is not known."""
        known = self._attribution().attempts.get((trial_id, attempt))
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

    def search_joules(self) -> float:
        """Return what the study's drivers have spent themselves, on proposals and on writing."""
        hosts = self._attribution().hosts.values()
        return math.fsum(joules for bill in hosts for joules in bill.joules["search"].values())

    def _attribution(self) -> Attribution:
        rows = [Row.from_columns(row) for row in self.store.read("ledger").to_pylist()]
        return attribute(rows, None, Policy())
