"""What people use when a study has run: its tables, its front, and drawings of them.

Importing this package loads neither Ray nor torch.
"""

from __future__ import annotations

from joulefront.results.attainment import plot_attainment
from joulefront.results.bill_table import bill_table
from joulefront.results.codecarbon import codecarbon_rows
from joulefront.results.page import write_front_page
from joulefront.results.picks import best_under, knee
from joulefront.results.plots import plot_curve, plot_front, plot_hypervolume
from joulefront.results.study import Study
from joulefront.results.summary import Summary, summarise
from joulefront.results.terminal import draw_front, front_table

__all__ = [
    "Study",
    "Summary",
    "best_under",
    "bill_table",
    "codecarbon_rows",
    "draw_front",
    "front_table",
    "knee",
    "plot_attainment",
    "plot_curve",
    "plot_front",
    "plot_hypervolume",
    "summarise",
    "write_front_page",
]
