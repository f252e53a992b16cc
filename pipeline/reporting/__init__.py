"""The static HTML report: `queries` ask, `words` phrase, `charts` draw, `pages` lay out, `site` writes.

A new page is one module in `pages/` with `context(report)`, one template of the same name in reports/templates, and one
line in `pages.PAGES`.
"""
