"""What a server was found to take: protocol, reply format, parameters. Found out once per server and model, then remembered.

What a refusal means is read in `retrying`; the bodies are shaped in `chat` and `responses`.
"""

import contextlib
import hashlib
import json
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, cast

from coderai_pipeline.domain.project import ExtractorSettings
from coderai_pipeline.extractors.schema_text import Schema, digest_of
from coderai_pipeline.extractors.wire import REPLY_FORMATS, STRICT_FORMATS, Asking, ReplyFormat

Protocol = Literal["chat", "responses"]

_SCHEMAS_KNOWN = 256
_OTHER_NAME = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}


@dataclass(slots=True)
class _Model:
    """What is known of one model. proven: formats that have brought a reply. schemas: digests of those it does not take."""

    refused: set[str] = field(default_factory=set[str])
    schemas: set[str] = field(default_factory=set[str])
    proven: set[str] = field(default_factory=set[str])
    dropped: set[str] = field(default_factory=set[str])
    tokens_name: str = ""
    protocol: str = ""


def formats_of(settings: ExtractorSettings, shared_state: Path, address: str) -> "Formats":
    """What all projects of a deployment have found out of the server at an address."""
    digest = hashlib.sha256(address.encode()).hexdigest()[:24]
    return Formats(settings, shared_state / f"server-{digest}.json")


class Formats:
    """How each model of one server is asked; `file` remembers it for the next process."""

    def __init__(self, settings: ExtractorSettings, file: Path) -> None:
        self._settings = settings
        self._file = file
        self._lock = threading.Lock()
        self._models: dict[str, _Model] = {}
        self._load()

    def asking(self, model: str, schema: Schema) -> Asking:
        with self._lock:
            known = self._model(model)
            tokens_name = known.tokens_name or self._first_tokens_name()
            return Asking(self._reply_format(known, schema), frozenset(known.dropped), tokens_name)

    def protocol(self, model: str) -> Protocol:
        """Chat unless the project asks for the other one, or the server was found to have only that."""
        if self._settings.api == "responses":
            return "responses"
        with self._lock:
            return "responses" if self._model(model).protocol == "responses" else "chat"

    def refuse_format(self, model: str, reply_format: ReplyFormat) -> bool:
        """The server does not take this format. False: there is no other one to try."""
        if self._settings.reply_format != "auto" or reply_format == "text":
            return False
        with self._lock:
            self._model(model).refused.add(reply_format)
            self._save()
            return True

    def refuse_schema(self, model: str, schema: Schema, reply_format: ReplyFormat) -> bool:
        """This schema is not taken, though others may be: it is described in words from now on. False: as it already was."""
        if self._settings.reply_format != "auto" or reply_format not in STRICT_FORMATS:
            return False
        with self._lock:
            schemas = self._model(model).schemas
            if len(schemas) >= _SCHEMAS_KNOWN:
                schemas.clear()
            schemas.add(digest_of(schema))
            self._save()
            return True

    def refuse_parameter(self, model: str, name: str, asking: Asking) -> bool:
        """The model does not take this parameter as it was sent. False: there is no other way to ask."""
        with self._lock:
            known = self._model(model)
            other = _OTHER_NAME.get(name)
            if other is not None and not known.tokens_name:
                known.tokens_name = other
            elif other is None or known.tokens_name == name:
                # Both names refused, or a parameter that has no other name: it is left out.
                if name in asking.dropped:
                    return False
                known.dropped.add(name)
            self._save()
            return True

    def use_responses(self, model: str) -> bool:
        """The server has no chat protocol. False: the project fixes the protocol."""
        if self._settings.api != "auto":
            return False
        with self._lock:
            self._model(model).protocol = "responses"
            self._save()
            return True

    def is_proven(self, model: str, reply_format: ReplyFormat) -> bool:
        with self._lock:
            return reply_format in self._model(model).proven

    def prove(self, model: str, reply_format: ReplyFormat) -> None:
        """A reply in this format held JSON: prose from now on is the model's lapse, not the server's way."""
        with self._lock:
            known = self._model(model)
            if reply_format not in known.proven:
                known.proven.add(reply_format)
                self._save()

    def _reply_format(self, known: _Model, schema: Schema) -> ReplyFormat:
        """A schema that one strict format refuses is refused by the other; JSON mode takes no schema."""
        if self._settings.reply_format != "auto":
            return self._settings.reply_format
        refused = (
            known.refused.union(STRICT_FORMATS)
            if known.schemas and digest_of(schema) in known.schemas
            else known.refused
        )
        return next(name for name in REPLY_FORMATS if name == "text" or name not in refused)

    def _first_tokens_name(self) -> str:
        """Local servers know the older name; the provider's own newer models take only the newer one."""
        elsewhere = self._settings.base_url is not None and self._settings.api != "azure"
        return "max_tokens" if elsewhere else "max_completion_tokens"

    def _model(self, model: str) -> _Model:
        return self._models.setdefault(model, _Model())

    def _load(self) -> None:
        try:
            held = cast(object, json.loads(self._file.read_text("utf-8")))
        except (OSError, ValueError):
            return
        if isinstance(held, dict):
            for model, known in cast(dict[str, object], held).items():
                if isinstance(known, dict):
                    self._models[model] = _known_from(cast(dict[str, object], known))

    def _save(self) -> None:
        held = {
            model: {
                "refused": sorted(known.refused),
                "schemas": sorted(known.schemas),
                "proven": sorted(known.proven),
                "dropped": sorted(known.dropped),
                "tokens_name": known.tokens_name,
                "protocol": known.protocol,
            }
            for model, known in self._models.items()
        }
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}.tmp")
        # The next process may find it out anew; a reply that is at hand must not be lost over it.
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(json.dumps(held, indent=1), "utf-8")
            temporary.replace(self._file)


def _known_from(held: dict[str, object]) -> _Model:
    def names(key: str) -> set[str]:
        given = held.get(key)
        return {str(name) for name in cast(list[object], given)} if isinstance(given, list) else set()

    tokens_name, protocol = held.get("tokens_name"), held.get("protocol")
    return _Model(
        names("refused"),
        names("schemas"),
        names("proven"),
        names("dropped"),
        tokens_name if isinstance(tokens_name, str) else "",
        protocol if isinstance(protocol, str) else "",
    )
