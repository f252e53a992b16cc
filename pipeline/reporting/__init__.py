"""The static HTML report: `queries` ask, `words` phrase, `charts` draw, `site` makes the pages from the templates."""
