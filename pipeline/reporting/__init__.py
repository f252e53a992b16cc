"""The static HTML report: `facts` are read once, `words` phrase, `figures` draw, `site` writes.

A new page is a folder of files, `reports/pages/<page>/` (`page`, `chart_files`; docs/reports.md). Pages that were there
before are modules in `pages/` with `context(report)` and a template of the same name.
"""
