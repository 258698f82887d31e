"""Reports: what a trained model does, on one page that needs nothing else, in Markdown, and as numbers.

`findings.py` computes; `sheets.py`, `figures.py` and `score_figures.py` draw; `meanings.py`, `captions.py` and
`settings.py` are the words; `tables.py`, `page.py` and `markdown.py` set the pages, and `report.py` writes the files.
"""

from latune.report.card import write_card
from latune.report.paper import Paper
from latune.report.report import Report, write_report

__all__ = ["Paper", "Report", "write_card", "write_report"]
