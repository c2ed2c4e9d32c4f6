"""What is looked at first, and that the chances of the audit sample are what they are said to be."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coderai_pipeline.domain.cells import CellStatus
from coderai_pipeline.domain.review_order import ReviewableCell, audit_sample, review_order


def cells(number: int, variable: str = "total", status: CellStatus = CellStatus.EXTRACTED) -> list[ReviewableCell]:
    return [ReviewableCell(f"{at}.txt", "", variable, status, 0.9) for at in range(number)]


def test_flagged_and_uncertain_cells_follow_the_sample_and_the_least_certain_comes_first() -> None:
    doubtful = [
        ReviewableCell("a", "", "kind", CellStatus.FLAGGED, 0.8),
        ReviewableCell("b", "", "kind", CellStatus.FLAGGED, 0.2),
        ReviewableCell("c", "", "kind", CellStatus.EXTRACTED, 0.5),
        ReviewableCell("d", "", "kind", CellStatus.EXTRACTED, 0.6, threshold=0.4),
        ReviewableCell("e", "", "kind", CellStatus.FAILED, None),
    ]
    picks = review_order([*cells(5), *doubtful], sample=0)
    assert [(pick.cell.document, pick.why) for pick in picks] == [
        ("b", "flagged"), ("a", "flagged"), ("e", "failed"), ("c", "low confidence"),
    ]  # fmt: skip
    assert review_order([*cells(5), *doubtful], sample=3)[0].why.startswith("audit sample")


def test_a_blind_review_is_the_sample_alone() -> None:
    picks = review_order([*cells(30), *cells(30, "kind", CellStatus.FLAGGED)], sample=10, blind=True)
    assert [pick.why for pick in picks] == ["audit sample"] * 10


def test_judged_cells_stay_in_the_sample_but_are_not_shown_again() -> None:
    before = review_order(cells(40), sample=10)
    judged = [
        ReviewableCell(c.document, "", c.variable, CellStatus.VALIDATED, 0.9) if c in [p.cell for p in before[:4]] else c
        for c in cells(40)
    ]  # fmt: skip
    assert review_order(judged, sample=10) == before[4:]


@settings(max_examples=40)
@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.integers(1, 60), st.integers(0, 5))
def test_chances_add_up_and_every_variable_has_its_share(sizes: list[int], size: int, seed: int) -> None:
    population = [cell for at, number in enumerate(sizes) for cell in cells(number, f"v{at}")]
    drawn = audit_sample(population, size, seed)
    assert len(drawn) == min(size, len(population))
    assert all(0 < chance <= 1 for chance in drawn.values())
    by_variable = Counter(population[at].variable for at in drawn)
    if size >= len(sizes):
        assert set(by_variable) == {cell.variable for cell in population}
        # The chances of a stratum add up to the number drawn of it.
        for at, chance in drawn.items():
            variable = population[at].variable
            assert chance == pytest.approx(by_variable[variable] / sum(c.variable == variable for c in population))
    assert audit_sample(population, size, seed) == drawn


@pytest.mark.parametrize("size", [3, 12])
def test_over_many_seeds_a_cell_is_drawn_as_often_as_its_chance_says(size: int) -> None:
    population = [*cells(20), *cells(5, "kind"), *cells(10, "day"), *cells(2, "who")]
    counts: Counter[int] = Counter()
    chances: dict[int, float] = {}
    seeds = 1500
    for seed in range(seeds):
        drawn = audit_sample(population, size, seed)
        counts.update(drawn.keys())
        chances |= drawn
    for at, chance in chances.items():
        assert counts[at] / seeds == pytest.approx(chance, abs=5 * (chance * (1 - chance) / seeds) ** 0.5 + 1e-9)


def test_adding_documents_leaves_nearly_all_of_the_sample() -> None:
    def sampled(number: int) -> set[str]:
        population = cells(number)
        return {population[at].document for at in audit_sample(population, 30, 0)}

    assert len(sampled(200) & sampled(210)) >= 25


def test_skipped_and_failed_cells_are_not_in_the_sample() -> None:
    population = [*cells(5, status=CellStatus.SKIPPED), *cells(5, "kind", CellStatus.FAILED)]
    assert audit_sample(population, 10, 0) == {}
