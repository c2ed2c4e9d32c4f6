"""What the launchpad asks for an export: which formats, and what differs from `exports:` in project.yaml."""
# pyright: reportUnknownMemberType=false

import dagster as dg
from pydantic import Field

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.project import ExportOptions
from coderai_pipeline.publishing.exports import changed_options


class ExportConfig(dg.Config):
    """Everything is optional: what is not stated is as project.yaml says."""

    formats: list[str] = Field(default=[], description="csv_wide, excel, spss, stata, bundle, ...; empty = all.")
    variables: list[str] = Field(default=[], description="Only these variables; empty = as project.yaml says.")
    filter: str | None = Field(default=None, description="Only rows for which this SQL condition holds.")
    statuses: list[CellStatus] = Field(default=[], description="Only values of these statuses.")
    confidence: bool | None = Field(default=None, description="The confidence beside each variable.")
    evidence: bool | None = Field(default=None, description="The quote and its page beside each variable.")
    prompt_version: bool | None = Field(default=None, description="The prompt version beside each variable.")
    wide_values: bool | None = Field(default=None, description="Several values in columns, not joined in one.")
    replies: bool | None = Field(default=None, description="Bundle: with the replies and the texts sent.")

    def changed(self, options: ExportOptions) -> ExportOptions:
        several = None if self.wide_values is None else "numbered" if self.wide_values else "joined"
        changes = {
            "variables": tuple(self.variables) or None,
            "filter": self.filter,
            "statuses": tuple(self.statuses) or None,
            "confidence": self.confidence,
            "evidence": self.evidence,
            "prompt_version": self.prompt_version,
            "several_values": several,
            "replies": self.replies,
        }
        return changed_options(options, changes)
