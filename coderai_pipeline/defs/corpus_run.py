"""One run over a project's documents as Dagster sees it: what `engine.run` tells becomes events, progress and an outcome.

Started by the `read_and_extract` step (partitions asked for by hand) or by a job's op (whatever is missing).
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import dagster as dg
from pydantic import Field

from coderai_pipeline.defs import metadata, names
from coderai_pipeline.defs.clients import client_factory
from coderai_pipeline.defs.confidential import guarded, summary_without_words, without_words
from coderai_pipeline.defs.events import DocumentEvents, enable_batches
from coderai_pipeline.defs.held_reports import AT_ONCE, settled_already
from coderai_pipeline.defs.listeners import tell_listeners
from coderai_pipeline.defs.partitions import register_documents
from coderai_pipeline.defs.product_assets import write_changed_prompts
from coderai_pipeline.defs.progress import Progress, progress_page
from coderai_pipeline.defs.telling import told
from coderai_pipeline.domain.chunks import split
from coderai_pipeline.engine import forecasting
from coderai_pipeline.engine.gate import require_open
from coderai_pipeline.engine.held import held_settlements
from coderai_pipeline.engine.ledger import open_ledger
from coderai_pipeline.engine.report import Begun, DocumentReport, Event, Planned, Stored, Summary, counted
from coderai_pipeline.engine.run import Scope, work
from coderai_pipeline.engine.session import open_extractions
from coderai_pipeline.storage.blocks import BlockStore
from coderai_pipeline.storage.control import Control
from coderai_pipeline.storage.inbox import document_key
from coderai_pipeline.storage.projects import LoadedProject

ASSETS = ("documents", "chunks", "extractions")
DEPENDENCIES = {"documents": (), "chunks": ("documents",), "extractions": ("chunks", "prompts")}
WARNINGS = 50
"""Documents in trouble that the log names; each has an event of its own, and the last event lists more."""
LONGEST_WHY = 300
CATCH_UP = 2_000
"""Documents stored by a killed run, or without Dagster, that one run tells of at most, at about 2 ms each."""


class ExtractConfig(dg.Config):
    """What the launchpad asks for. Everything is optional: by default, whatever is missing is done."""

    documents: list[str] = Field(default=[], description="Keys, or paths below the inbox; empty = all.")
    sample_size: int = Field(
        default=0, ge=0, description="Extract only so many documents, chosen by the seed; 0 = all."
    )
    seed: int = Field(default=0, description="Chooses the sample: the same seed, the same documents.")
    top_up: bool = Field(default=False, description="Documents extracted earlier count towards the sample.")
    retry_failed: bool = Field(default=False, description="Ask again for documents whose extraction failed.")

    @property
    def is_about_everything(self) -> bool:
        return not (self.documents or self.sample_size)


class CorpusRun:
    """One execution, by the asset step or by a job's op."""

    def __init__(
        self,
        context: dg.AssetExecutionContext | dg.OpExecutionContext,
        loaded: LoadedProject,
        assets: Collection[str] = ASSETS,
        partitions: tuple[str, ...] = (),
    ) -> None:
        self._context, self._loaded, self._partitions = context, loaded, partitions
        self._events = DocumentEvents(context)
        self._assets = [asset for asset in ASSETS if asset in assets]
        self._shows_text = loaded.project.privacy.show_text
        self._progress = Progress(context, loaded.project.extractor.currency)
        self._summary = self._progress.summary
        self._reported: set[str] = set()

    def extract(self, config: ExtractConfig) -> None:
        with told(self._context, self._loaded.folder), guarded(self._loaded.project.privacy):
            self._extract(config)

    def _extract(self, config: ExtractConfig) -> None:
        enable_batches()
        loaded, run_id = self._loaded, self._context.run_id
        self._context.instance.add_run_tags(run_id, {names.PROJECT_TAG: loaded.id})
        control = Control(loaded.folder.state)
        if config.is_about_everything and not self._partitions:
            require_open(loaded)
        write_changed_prompts(self._context, loaded)
        with control.extracting(run_id), open_extractions(loaded, client_factory(loaded, self._context)) as extractions:
            self._forecast(self._scope(config))
            with self._progress.moving(extractions):
                for event in work(loaded, self._scope(config), extractions, run_id):
                    self._tell(event)
                    tell_listeners(loaded.id, event, self._summary)
        if not self._summary.stopped:
            self._confirm_settled()
        self._report_unknown((*self._partitions, *config.documents))
        self._conclude()

    def _scope(self, config: ExtractConfig) -> Scope:
        return Scope(
            documents=self._partitions or tuple(config.documents) or None,
            sample=config.sample_size or None,
            seed=config.seed,
            top_up=config.top_up,
            retry_failed=config.retry_failed or bool(self._partitions),
            extract="extractions" in self._assets,
        )

    def _forecast(self, scope: Scope) -> None:
        """What the run will take, on the record before anything is paid for."""
        if self._loaded.project.extractor.name == "openai" and scope.extract:
            key = names.asset_key(self._loaded.id, "extractions")
            shown = forecasting.stated(forecasting.forecast_for_run(self._loaded, scope))
            page = dg.MetadataValue.url(progress_page(self._context.run_id))
            self._events.observe([dg.AssetObservation(key, "forecast of the run", {**shown, "progress": page})])

    def _tell(self, event: Event) -> None:
        match event:
            case Planned():
                self._summary.planned = event
                register_documents(self._context.instance, self._loaded.id, event.keys)
                self._log_plan(event)
            case Begun():
                self._begun(event)
                self._progress.log(is_news=False)
            case Stored(reports):
                self._stored(reports if self._shows_text else [without_words(report) for report in reports])
            case Summary():
                self._summary = event if self._shows_text else summary_without_words(event, self._summary)
                self._progress.summary = self._summary

    def _log_plan(self, planned: Planned) -> None:
        log = self._context.log
        log.info(f"{len(planned.keys)} documents: {planned.to_read} to read, {planned.to_extract} to extract")
        for source in planned.unsettled[:20]:
            log.info(f"{source}: is still being written; it is taken once it stops changing")
        limit = self._loaded.project.limits.documents
        for source in planned.surplus[:20]:
            log.warning(f"{source}: over the limit of {limit} documents; raise limits.documents in project.yaml")
        for source in planned.missing[:20]:
            log.warning(f"{source}: is no longer in the inbox; its cells stay until it is forgotten")

    def _begun(self, begun: Begun) -> None:
        """Single partitions asked for were planned by Dagster when the run was made. What is only read is not planned for
        extraction: it would stand there as failed if the run fails for another's sake."""
        if self._partitions:
            return
        keys = {asset: names.asset_key(self._loaded.id, asset) for asset in self._assets}
        extractions = keys.pop("extractions", None)
        self._events.plan(list(keys.values()), begun.documents)
        if extractions is not None:
            self._events.plan([extractions], [key for key in begun.documents if key not in begun.only_read])

    def _stored(self, reports: Sequence[DocumentReport]) -> None:
        for report in reports:
            self._summary.add(report)
            self._reported.add(report.document.key)
        self._events.observe([one for report in reports for one in self._observations(report)])
        self._materialise(reports)
        troubled = [report for report in reports if report.trouble]
        self._plan_again(troubled)
        for report in troubled[: max(0, WARNINGS - len(self._summary.troubles) + len(troubled))]:
            self._context.log.warning(f"{report.document.source}: {report.trouble}")
        self._progress.log()

    def _plan_again(self, troubled: Sequence[DocumentReport]) -> None:
        """A document in trouble has just been materialised as far as it goes, so that its page shows the reason; planned
        again and then left, it stands there as failed when the run ends."""
        for asset in ("documents", "extractions"):
            keys = [report.document.key for report in troubled if asset in self._assets and asset == _asset_of(report)]
            self._events.plan([names.asset_key(self._loaded.id, asset)], keys, "is not settled")

    def _told_of(self, report: DocumentReport) -> list[str]:
        """The assets for which there is something to tell of a document."""
        if report.document.status.is_readable or report.duplicate_of is not None:
            settlement = report.settlement
            extracted = report.duplicate_of is not None or (settlement is not None and not settlement.awaited)
            return [asset for asset in self._assets if asset != "extractions" or extracted]
        return [asset for asset in self._assets if asset == "documents"]

    def _materialise(self, reports: Sequence[DocumentReport]) -> None:
        """Asset by asset, since the events of one name the latest event of those it was made from."""
        for asset in self._assets:
            told = [report for report in reports if asset in self._told_of(report)]
            provenance = self._events.provenance(names.asset_key(self._loaded.id, dep) for dep in DEPENDENCIES[asset])
            self._events.materialise([self._materialization(asset, report, provenance) for report in told])

    def _materialization(
        self, asset: str, report: DocumentReport, provenance: Mapping[str, str]
    ) -> dg.AssetMaterialization:
        shown, version, said = self._shown(asset, report)
        tags = {
            "dagster/data_version": version[:32] or "empty",
            "dagster/code_version": names.CODE_VERSION,
            **provenance,
        }
        key = names.asset_key(self._loaded.id, asset)
        description = f"{report.document.source}: {said}"
        return dg.AssetMaterialization(key, description, metadata=shown, partition=report.document.key, tags=tags)

    def _shown(self, asset: str, report: DocumentReport) -> tuple[metadata.Metadata, str, str]:
        """What a person sees of a document's partition, its data version, and what the log says of it."""
        document, settlement, project = report.document, report.settlement, self._loaded.project
        if asset == "documents":
            path = self._loaded.folder.inbox / report.file
            said = f"{document.status}, {document.words:,} words"
            return metadata.document_metadata(report, path, project.privacy), report.text_sha256, said
        if asset == "chunks":
            chunks = report.chunks or len(split(document))
            said = f"{chunks} {'part' if chunks == 1 else 'parts'}"
            return metadata.chunks_metadata(chunks, report), report.text_sha256, said
        if settlement is None:
            said = f"duplicate of {report.duplicate_of}"
            return {"duplicate_of": report.duplicate_of}, report.text_sha256, said
        version = settlement.fingerprint if settlement.outcome == "settled" else settlement.outcome
        counts = ", ".join(f"{number} {status}" for status, number in sorted(settlement.counts.items()))
        shown = metadata.extraction_metadata(settlement, project.privacy, project.extractor.currency)
        return shown, version, f"{settlement.outcome}; cells: {counts or 'none'}"

    def _observations(self, report: DocumentReport) -> Iterator[dg.AssetObservation]:
        """Why a document is not settled, on its own page."""
        if not report.trouble:
            return
        shown: dict[str, Any] = {"why": report.trouble, "status": str(report.document.status)}
        if report.settlement is not None:
            project = self._loaded.project
            shown |= metadata.extraction_metadata(report.settlement, project.privacy, project.extractor.currency)
        assets = ["extractions"] if report.document.status.is_readable else self._assets
        for asset in assets:
            yield self._observation(asset, report.document.key, f"{report.document.source}: {report.trouble}", shown)

    def _observation(self, asset: str, partition: str, why: str, shown: metadata.Metadata) -> dg.AssetObservation:
        key = names.asset_key(self._loaded.id, asset)
        return dg.AssetObservation(key, partition=partition, metadata=shown, description=why)

    def _confirm_settled(self) -> None:
        """Documents that needed nothing and have no event to show for it: partitions asked for by hand, which would count as
        failed where others fail, and those whose run was killed between storing them and saying so."""
        offered = set(self._summary.planned.keys) - self._reported
        keys = (set(self._partitions) or self._without_event(offered)) & offered
        reports = settled_already(self._loaded, keys) if keys else iter(())
        number = 0
        while group := list(islice(reports, AT_ONCE)):
            number += len(group)
            if not self._partitions:
                self._plan_settled(group)
            self._materialise(group)
        if number:
            self._context.log.info(f"{counted(number, 'document')} settled already; nothing was asked again")

    def _plan_settled(self, reports: Sequence[DocumentReport]) -> None:
        """Their last plan would be the killed run's, of which their pages would say for ever that it failed them."""
        for asset in self._assets:
            keys = [report.document.key for report in reports if asset in self._told_of(report)]
            self._events.plan([names.asset_key(self._loaded.id, asset)], keys, "is settled already")

    def _without_event(self, keys: Collection[str]) -> set[str]:
        if "extractions" not in self._assets:
            return set()
        asset = names.asset_key(self._loaded.id, "extractions")
        told = self._context.instance.get_materialized_partitions(asset)
        held = held_settlements(BlockStore(self._loaded.folder.state))
        lost = [key for key in keys if key not in told and key in held and held[key].outcome == "settled"]
        return set(lost[:CATCH_UP])

    def _report_unknown(self, asked: Sequence[str]) -> None:
        """Documents asked for that the inbox does not offer."""
        planned = self._summary.planned
        offered = {name for key in planned.keys for name in (key, key.partition("#")[0])} | set(planned.unsettled)
        for name in asked:
            if offered & {name, document_key(name)}:
                continue
            why = "is not in the inbox; put it there, or ask for another"
            self._summary.troubles[name] = why
            if name in self._partitions:
                shown = {"why": why}
                self._events.observe([self._observation(one, name, f"{name}: {why}", shown) for one in self._assets])

    def _conclude(self) -> None:
        """Ends the run: as failed where documents are not settled, after everything else was done."""
        summary, project = self._summary, self._loaded.project
        line = self._progress.conclude()
        with open_ledger(self._loaded) as ledger:
            account = metadata.ledger_metadata(ledger, project.privacy)
        shown = {**account, **metadata.summary_metadata(summary, project.extractor.currency)}
        key = names.asset_key(self._loaded.id, "extractions")
        self._events.observe([dg.AssetObservation(key, line, metadata=shown)])
        self._context.log.info(f"{line}\nledger of the project: {account['ledger']}")
        if summary.troubles or summary.stopped:
            raise dg.Failure(f"{line}\n{_failure_text(summary)}", metadata=shown, allow_retries=False)


def _asset_of(trouble: DocumentReport) -> str:
    """Where a document went wrong."""
    return "extractions" if trouble.document.status.is_readable else "documents"


def _failure_text(summary: Summary) -> str:
    parts = [f"Stopped before the end: {summary.stopped}."] if summary.stopped else []
    if summary.troubles:
        listed = "\n".join(f"- {source}: {why[:LONGEST_WHY]}" for source, why in list(summary.troubles.items())[:50])
        parts.append(f"{counted(len(summary.troubles), 'document')} could not be settled:\n{listed}")
    return "\n".join(parts)
