"""Token counts."""

from concurrent.futures import ThreadPoolExecutor

from coderai_pipeline.domain.tokens import count_tokens


def test_counts_are_those_of_o200k() -> None:
    assert [count_tokens(text) for text in ("", "hello world", "tiktoken is great!", "日本語")] == [0, 2, 6, 2]


def test_threads_count_the_same() -> None:
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(count_tokens, ["A word or two. " * 100] * 64)) == {count_tokens("A word or two. " * 100)}


def test_a_lone_surrogate_is_counted_and_not_an_error() -> None:
    assert count_tokens("a\ud800b") == count_tokens("a?b")
