"""The openai client and the key it needs. What is sent through it is in `sending`."""

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from coderai_pipeline.domain.errors import InvalidInput, MissingKey, Problem
from coderai_pipeline.domain.project import ExtractorSettings

if TYPE_CHECKING:
    import openai


def require_key(settings: ExtractorSettings) -> str:
    """The provider's key, from the environment variable that the project names. Raises MissingKey; nothing stands in for it."""
    name = settings.api_key_env
    key = os.environ.get(name, "").strip()
    if not key:
        raise MissingKey(
            f"{name} is not set, so {settings.base_url or 'the model provider'} cannot be asked; set {name} to its key, "
            f"or for a local server that needs none to any word"
        )
    return key


def make_client(settings: ExtractorSettings, key: str) -> "openai.OpenAI":
    """A client that retries nothing by itself. Raises InvalidInput where the environment names a proxy that it cannot use."""
    with proxies_understood():
        return _client(settings, key)


@contextmanager
def proxies_understood() -> Generator[None]:
    """Around the making of a client, which imports what speaks to SOCKS proxies, and that is not installed."""
    try:
        yield
    except ImportError as error:
        raise unusable_proxy(f"names a proxy of another kind ({error})") from None


def unusable_proxy(why: str) -> InvalidInput:
    allowed = "an http:// or https:// proxy in ALL_PROXY, HTTP_PROXY and HTTPS_PROXY, or none"
    return InvalidInput([Problem("environment", None, "ALL_PROXY", why, allowed=allowed)])


def _client(settings: ExtractorSettings, key: str) -> "openai.OpenAI":
    import openai

    organization = os.environ.get(settings.organization_env) if settings.organization_env else None
    if settings.api == "azure":
        return openai.AzureOpenAI(
            api_key=key,
            azure_endpoint=settings.base_url or os.environ.get("AZURE_OPENAI_ENDPOINT", ""),
            api_version=settings.api_version or "2024-10-21",
            organization=organization,
            max_retries=0,
        )
    return openai.OpenAI(api_key=key, base_url=settings.base_url, organization=organization, max_retries=0)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where calls go and what authorises them, as an openai client was set up for it. It shows no key."""

    address: str
    headers: Mapping[str, str] = field(repr=False)
    query: Mapping[str, str]
    is_azure: bool

    def url(self, path: str, model: str) -> str:
        """Azure names the model in the path of a chat call, and its deployments may have names that need quoting."""
        deployment = f"/deployments/{quote(model, safe='')}" if self.is_azure and path == "/chat/completions" else ""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{self.address.rstrip('/')}{deployment}{path}{query}"


def endpoint_of(client: "openai.OpenAI", key: str) -> Endpoint:
    """Where a client would send to. The client itself is closed: what it would add to each call is left out."""
    import openai

    client.close()
    is_azure = isinstance(client, openai.AzureOpenAI)
    stated = {**client.default_headers, **({"api-key": key} if is_azure else client.auth_headers)}
    headers = {name: value for name, value in stated.items() if isinstance(value, str)}
    query = {name: str(value) for name, value in client.default_query.items()}
    return Endpoint(str(client.base_url), headers, query, is_azure)


def without_key(text: str, key: str) -> str:
    """Server text with the key taken out of it, and with whatever else looks like one."""
    if len(key) > 3:
        text = text.replace(key, "[key]")
    return re.sub(r"(?i)(bearer\s+|\bsk-)[\w.*-]{4,}", r"\1[key]", text)
