"""One self-contained HTML page about a rollout file, to open offline: all numbers, figures, settings and warnings.

Start with :func:`write_report`. Nothing here computes a statistic: :mod:`laser_core.analysis` does, and
:mod:`laser_core.figures` draws.
"""

from laser_core.report.options import ReportOptions
from laser_core.report.page import report_html, write_report

__all__ = ["ReportOptions", "report_html", "write_report"]
