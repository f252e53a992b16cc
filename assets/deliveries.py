"""Deliveries: after publication, what is in the outbox goes to the destinations of the home."""

import datetime as dt

import dagster as dg

from assets.publication import PARTS
from pipeline.activation.delivering import deliver_from
from pipeline.activation.destinations.destination import DeliveryFailed
from pipeline.naming import Naming
from pipeline.settings import Settings


def delivery_assets(
    settings: Settings, naming: Naming, partitions_def: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The step, where any destination is set."""

    @dg.multi_asset(
        name=naming.name("deliveries"),
        specs=[
            dg.AssetSpec(
                naming.key("published.deliveries"),
                deps=[naming.key(f"published.{part}") for part in PARTS],
                description=f"Lists that were sent to {', '.join(settings.destinations)}; who got whom: data/people/",
                group_name=naming.group_of("published"),
                owners=["team:crm"],
                kinds={"duckdb"},
                partitions_def=partitions_def,
            )
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={naming.resource},
    )
    def deliveries(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Fails where a destination did, when all others have got what is theirs; the next night sends the rest."""
        warehouse = naming.warehouse(context)
        if warehouse.days_to_come([dt.date.fromisoformat(key) for key in context.partition_keys]):
            context.log.info("More days of the range follow; the last of them is delivered.")
            return dg.MaterializeResult(metadata={"lists": 0})
        said = deliver_from(warehouse.settings)
        for one in said:
            (context.log.warning if one.held or one.failed else context.log.info)(str(one))
        if failed := [str(one) for one in said if one.failed]:
            raise DeliveryFailed(f"The snapshot is published, but not all is delivered. {failed[0]}")
        return dg.MaterializeResult(metadata={"lists": len(said), "held": sum(bool(one.held) for one in said)})

    return [deliveries] if settings.destinations else []
