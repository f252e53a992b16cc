"""The static HTML report: `facts` are read once, `words` phrase, `figures` draw, `site` writes.

A page is a folder of files, `reports/pages/<page>/` (`page`, `chart_files`; docs/reports.md).
"""
