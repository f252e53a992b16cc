"""The digest: after publication, its sentences and its list go to the people who act."""

import datetime as dt

import dagster as dg

from assets.publication import PARTS
from pipeline.digest.channels import DigestNotSent
from pipeline.digest.sending import send_of_night
from pipeline.naming import Naming
from pipeline.settings import Settings


def digest_assets(
    settings: Settings, naming: Naming, partitions_def: dg.PartitionsDefinition[str]
) -> list[dg.AssetsDefinition]:
    """The step, where the digest has somewhere to go."""

    @dg.multi_asset(
        name=naming.name("digest"),
        specs=[
            dg.AssetSpec(
                naming.key("published.digest"),
                deps=[naming.key(f"published.{part}") for part in PARTS],
                description="What changed and who to act on, sent by e-mail or to a webhook",
                group_name=naming.group_of("published"),
                owners=["team:crm"],
                partitions_def=partitions_def,
            )
        ],
        partitions_def=partitions_def,
        backfill_policy=dg.BackfillPolicy.single_run(),
        required_resource_keys={naming.resource},
    )
    def digest(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
        """Of the newest snapshot only. Fails where it was not taken; the snapshot is published all the same."""
        warehouse = naming.warehouse(context)
        asked = [dt.date.fromisoformat(key) for key in context.partition_keys]
        if warehouse.days_to_come(asked) or max(asked) < max(warehouse.snapshots()):
            context.log.info("Newer days are there or follow; the digest is of the newest.")
            return dg.MaterializeResult()
        try:
            said = send_of_night(warehouse.local.read, warehouse.settings, max(asked))
        except DigestNotSent as error:
            raise DigestNotSent(
                f"The snapshot is published, but its digest was not sent. {error} `perennial digest` sends it again."
            ) from None
        for sentence in said:
            context.log.info(sentence)
        return dg.MaterializeResult()

    return [digest] if settings.digest.is_set else []
