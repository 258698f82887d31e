"""Reports: what a trained model does, on one page that needs nothing else, and as numbers.

`findings.py` computes, `sheets.py` and `figures.py` draw, `page.py` sets the page, `report.py` writes the files.
"""

from latune.report.card import write_card
from latune.report.report import Report, write_report

__all__ = ["Report", "write_card", "write_report"]
