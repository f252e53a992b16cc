"""Perennial: from a shop's transaction exports to knowledge about its customers, every night."""

import warnings

__version__ = "0.1.0"

# pandera looks for pyspark, and that, where it is installed, says something of pandas, which we hand nothing to.
warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
