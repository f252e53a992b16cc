"""The section of the settings that says where Spark runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pipeline.validation import written


class Spark(BaseModel):
    """Where Spark runs and keeps its tables, for `engine = "spark"` (docs/scaling.md)."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    master: str = Field("local[*]", min_length=1, description="Spark in this machine (local[*]), or spark://host:port")
    remote: Annotated[str | None, written(r"sc://\S+", "sc://host:15002")] = Field(
        None, description="A Spark Connect server, sc://host:port, instead of a master"
    )
    warehouse: Path | None = Field(
        None, description="Folder of Spark's tables, seen by all its workers and here; else data/warehouse/spark"
    )
    order_lines: tuple[str, ...] = Field(
        (), description="Parquet, CSV or JSON-lines files in canonical columns that Spark reads itself, on any path"
    )
    config: dict[str, str] = Field(default_factory=dict, description="Spark's own options: spark.executor.memory …")

    @field_validator("warehouse", mode="before")
    @classmethod
    def a_folder_of_this_machine(cls, given: Any) -> Any:
        if not given:
            return None
        path = re.sub(r"^file:(//)?(?=/[^/])", "", str(given))
        if re.match(r"[A-Za-z][\w+.-]*:", path):
            raise ValueError(
                "Spark's tables need a folder that its workers and this machine share; mount that place, and name the "
                "folder where it is mounted, such as /mnt/lake/perennial"
            )
        return path
