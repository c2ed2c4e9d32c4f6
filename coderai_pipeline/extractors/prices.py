"""What a call costs: the project's price table applied to the tokens that a reply reports. Budgets are in `budget`."""

from collections.abc import Mapping

from coderai_pipeline.domain.project import Price

_PER = 1_000_000


def cost_of(
    prices: Mapping[str, Price],
    model: str,
    input_tokens: int,
    output_tokens: int,
    cached_tokens: int,
    *,
    batch: bool = False,
) -> float | None:
    """Cost in the currency of the table; None where it has no price for the model. Batch calls cost half."""
    price = price_of(prices, model)
    if price is None:
        return None
    cached_price = price.input if price.cached_input is None else price.cached_input
    cost = (
        (input_tokens - cached_tokens) * price.input + cached_tokens * cached_price + output_tokens * price.output
    ) / _PER
    return cost / 2 if batch else cost


def price_of(prices: Mapping[str, Price], model: str) -> Price | None:
    """The price of a model, or of the longest name in the table that it extends (`gpt-x` for `gpt-x-2026-01-05`)."""
    if model in prices:
        return prices[model]
    stems = [name for name in prices if model.startswith(f"{name}-2")]
    return prices[max(stems, key=len)] if stems else None
