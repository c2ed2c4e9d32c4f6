"""The main text of a web page: found by where running text stands, whatever its paragraphs are made of."""

import pytest

from coderai_pipeline.readers import html
from coderai_pipeline.readers.base import ReadOptions

_FIRST = "The council met on Monday evening and decided, after a long debate, to build the new bridge."
_SECOND = "Opponents fear that traffic through the old town will double, and announced a complaint."
_MENU = "".join(f"<a href='/{number}'>Entry {number} of the menu</a><br>" for number in range(12))


def main_text(page: str) -> str:
    return html.read(page.encode(), ReadOptions(main_text=True)).text


def test_main_text_leaves_menus_out_and_keeps_byline_and_date() -> None:
    sentence = "The council met on Monday and decided, after a long debate, to build the bridge. "
    page = f"""<body><nav><ul><li><a href=/>Home</a><li><a href=/n>News</a></ul></nav><div class=wrap><h1>The bridge</h1>
      <div class="byline">By Ann Writer</div><time>5 March</time><div class=story><p>{sentence * 3}</p><p>{sentence * 2}</p></div>
      <div class="sidebar"><p>{"Read this as well, dear reader. " * 3}</p></div></div><footer>Imprint</footer>"""
    text = main_text(page)
    assert text == f"The bridge\n\nBy Ann Writer\n5 March\n\n{(sentence * 3).strip()}\n\n{(sentence * 2).strip()}"


def test_the_main_text_is_neither_a_list_of_comments_nor_a_teaser() -> None:
    text = "The bridge over the river was closed for the whole winter, as the council said. " * 8
    comments = "".join(f'<li id="comment-{number}"><p>{text}</p></li>' for number in range(9))
    page = f'<div class="post"><div class="story"><p>{text}</p></div></div><ol id="commentlist">{comments}</ol>'
    assert main_text(page) == text.strip()
    teaser = f"<article><h3>Elsewhere</h3><p>{text[:240]}</p></article>"
    story = "".join(f"<p>{number} {text}</p>" for number in range(6))
    assert "Elsewhere" not in main_text(f'<div class="story">{story}</div>{teaser}')
    assert "5 The bridge" in main_text(f'<div class="story">{story}</div>{teaser}')


@pytest.mark.parametrize(
    "page",
    [
        f"<div class=l>{_MENU}</div><div class=t><h1>Bridge</h1>{_FIRST}<br><br>{_SECOND}<br>{_FIRST}</div><div>Imprint</div>",
        f"<table><tr><td>{_MENU}<td><font><b>Bridge</b><br>{_FIRST}<br>{_SECOND}<br>{_FIRST}</font><td>Imprint</table>",
        f"<div class=l>{_MENU}</div><div class=t><h1>Bridge</h1>{f'<div>{_FIRST}</div><div>{_SECOND}</div>' * 2}</div>",
        f"<form><div class='page has-sidebar'><ul>{_MENU}</ul><div id=t><h1>Bridge</h1><p>{_FIRST}<p>{_SECOND}<p>{_FIRST}</div></form>",
        f"<div id=l>{_MENU}</div><div id=t>{f'<dl><dt>Bridge</dt><dd>{_FIRST}</dd><dd>{_SECOND}</dd></dl>' * 3}</div>",
        f"<main><article><h1>Bridge</h1><div><p>{_FIRST}</p><div class=related>Imprint</div><p>{_SECOND}</p></div><p>{_FIRST}"
        f"</article><div id=l>{_MENU}</div></main>",
    ],
    ids=["line breaks", "cells of a layout", "divs as paragraphs", "all in a form", "lists", "boxes in the article"],
)  # fmt: skip
def test_paragraphs_may_be_made_of_anything(page: str) -> None:
    text = main_text(page)
    assert "Bridge" in text
    assert _FIRST in text
    assert _SECOND in text
    assert "menu" not in text
    assert "Imprint" not in text


@pytest.mark.parametrize(
    "post",
    [
        "<tr><td>{who}<td>{text}",
        "<div class='post odd'><b>{who}</b><div class=content>{text}<br>{text}</div></div>",
        "<article class=reply><b>{who}</b><div>{text}<br>{text}</div></article>",
        "<div id={who}><b>{who}</b><div class=post itemprop=articleBody><p>{text}</p><p>{text}</p></div></div>",
    ],
    ids=["rows", "divs", "articles", "bodies of articles"],
)
def test_all_posts_of_a_thread_are_its_text(post: str) -> None:
    posts = "".join(
        post.format(who=who, text=text) for who, text in (("anna", _FIRST), ("bert", _SECOND), ("cem", _FIRST))
    )
    text = main_text(f"<div id=top>{_MENU}</div><h1>Bridge</h1><table id=thread>{posts}</table>")
    assert all(name in text for name in ("Bridge", "anna", "bert", "cem", _SECOND))
    assert "menu" not in text


def test_what_stands_between_headline_and_text_belongs_to_it() -> None:
    page = f"""<div class=x>{_MENU}</div><div class=y><h1>Bridge</h1><div class=m>5 March, Ann Writer</div><div class=v>{_FIRST}</div>
      <div class=z><p>{_SECOND}</p><p>{_SECOND}</p><p>{_FIRST}</p></div></div>"""
    assert main_text(page) == "\n\n".join(["Bridge", f"5 March, Ann Writer\n{_FIRST}", _SECOND, _SECOND, _FIRST])


def test_what_is_marked_may_be_short() -> None:
    page = f"<div id=l>{_MENU}</div><article><h1>Bridge</h1><p>{_FIRST}</p></article><div id=comments><p>{_SECOND * 9}</p></div>"
    assert main_text(page) == f"Bridge\n\n{_FIRST}"


def test_tables_and_headings_beside_the_text_belong_to_it() -> None:
    text = f"<div class=w><p>{_FIRST}<p>{_SECOND}<p>{_FIRST}</div>"
    page = f"<div id=l>{_MENU}</div><div><div class=t>Chair</div>{text}<table><tr><th>Weight<td>4 kg</table></div>"
    assert main_text(page) == "\n\n".join(["Chair", _FIRST, _SECOND, _FIRST, "Weight | 4 kg"])


def test_a_page_without_a_text_is_kept_whole() -> None:
    assert main_text("<div>Closed today.</div><div>Back on Monday.</div>") == "Closed today.\nBack on Monday."


@pytest.mark.timeout(30)
@pytest.mark.parametrize("tag", ["div", "article", "div class=menu"])
def test_deeply_nested_pages_cost_little(tag: str) -> None:
    assert main_text(f"<{tag}>" * 3000 + f"{_FIRST} " * 4).count(_FIRST) == 4
