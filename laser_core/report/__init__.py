"""One self-contained HTML page about a rollout file: every number, figure, setting and warning, and no network.

Start with :func:`write_report`. Nothing here computes a statistic: :mod:`laser_core.analysis` does, and
:mod:`laser_core.figures` draws.
"""

from laser_core.report.page import ReportOptions, report_html, write_report

__all__ = ["ReportOptions", "report_html", "write_report"]
