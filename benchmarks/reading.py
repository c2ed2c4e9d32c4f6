"""How fast documents are read: PDF pages a second with one and two workers beside bare PyMuPDF, peak memory, and small mixed files.

Run: python -m benchmarks.reading [--pages 400] [--files 10000]. Nothing here judges what was read; the tests do.
"""

import argparse
import gc
import multiprocessing
import random
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pymupdf

from coderai_pipeline.readers import pdf, read_files
from coderai_pipeline.readers.base import ReadOptions
from coderai_pipeline.readers.worker import COLLECT_AFTER

WORDS = [
    "the",
    "of",
    "and",
    "to",
    "in",
    "that",
    "for",
    "was",
    "with",
    "which",
    "government",
    "contract",
    "region",
    "committee",
    "report",
    "annual",
    "between",
    "during",
    "under",
    "several",
    "measures",
    "against",
    "percentage",
    "development",
    "responsibility",
    "company",
    "workers",
    "protest",
    "city",
    "court",
    "decision",
]
OPTIONS = ReadOptions(ocr=False, seconds=3600)
ROUNDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pages", type=int, default=400)
    parser.add_argument("--files", type=int, default=10_000)
    chosen = parser.parse_args()
    for name, make in (("plain text", plain), ("two columns", columns), ("with quotation marks", quoted)):
        compare(name, make(chosen.pages))
    small_files(chosen.files)


def compare(name: str, data: bytes) -> None:
    """Both readers in turn, as in a worker, the best of several rounds each: other work on the machine weighs on both alike."""
    gc.set_threshold(COLLECT_AFTER)
    seconds = {reader: float("inf") for reader in (bare, ours)}
    for _ in range(ROUNDS):
        for reader in seconds:
            seconds[reader] = min(seconds[reader], timed(lambda reader=reader: reader(data)))
    pages = ours(data)
    print(f"{name}, {pages} pages, {len(data) / 1e6:.1f} MB")
    print(f"  get_text('words')   {pages / seconds[bare]:8.0f} pages/s")
    print(f"  one worker          {pages / seconds[ours]:8.0f} pages/s   {seconds[bare] / seconds[ours]:.2f} of it")
    one, two = workers(1, data), workers(2, data)
    print(f"  two workers         {two:8.0f} pages/s   {two / one:.2f} x one ({one:.0f})")
    print(f"  peak memory         {peak_memory(data):8.0f} MB")


def bare(data: bytes) -> int:
    with pymupdf.open(stream=data) as document:
        for page in document:
            page.get_text("words")
        return document.page_count


def ours(data: bytes) -> int:
    return len(pdf.read(data, OPTIONS).pages)


def workers(count: int, data: bytes) -> float:
    """Pages a second of several processes that are already running, each with eight copies of the document."""
    with multiprocessing.get_context("spawn").Pool(count) as pool:
        pool.map(ours, [data] * count, chunksize=1)
        jobs = [data] * (8 * count)
        start = time.perf_counter()
        pages = sum(pool.imap_unordered(ours, jobs))
        return pages / (time.perf_counter() - start)


def peak_memory(data: bytes) -> float:
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_resident_after, (data,))


def _resident_after(data: bytes) -> float:
    ours(data)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def small_files(count: int) -> None:
    """Files of mixed types through the worker processes, as a project reads them."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [small_file(Path(folder), number) for number in range(count)]
        start = time.perf_counter()
        ready = sum(document.status.is_readable for document in read_files(paths))
        seconds = time.perf_counter() - start
    print(f"{count} small files of mixed types: {count / seconds:.0f} files/s, {ready} readable")


def small_file(folder: Path, number: int) -> Path:
    text = prose(number, 120)
    kind = ("txt", "html", "md", "pdf")[number % 4]
    path = folder / f"{number}.{kind}"
    if kind == "pdf":
        document = pymupdf.open()
        document.new_page().insert_textbox(pymupdf.Rect(72, 72, 520, 770), text)
        path.write_bytes(document.tobytes())
    else:
        path.write_text(f"<html><body><p>{text}</p></body></html>" if kind == "html" else text)
    return path


def plain(pages: int) -> bytes:
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        _edges(page, number)
        for block in range(5):
            top = 72 + block * 138
            page.insert_textbox(pymupdf.Rect(72, top, 520, top + 135), prose(number * 5 + block, 90), fontsize=10.5)
    return document.tobytes(deflate=True)


def columns(pages: int) -> bytes:
    document = pymupdf.open()
    for number in range(pages):
        page = document.new_page()
        _edges(page, number)
        for column, side in enumerate((72, 310)):
            page.insert_textbox(pymupdf.Rect(side, 72, side + 215, 780), prose(number * 2 + column, 280), fontsize=9.5)
    return document.tobytes(deflate=True)


def quoted(pages: int) -> bytes:
    """Two columns with letters beyond ASCII, as nearly all documents have."""
    document = pymupdf.open()
    font = pymupdf.Font("tiro")
    for number in range(pages):
        page = document.new_page()
        _edges(page, number)
        writer = pymupdf.TextWriter(page.rect)
        for column, side in enumerate((72, 310)):
            text = prose(number * 2 + column, 250).replace("the ", "\u201cthe\u201d ").replace(" in ", " \u2013 in ")
            writer.fill_textbox(pymupdf.Rect(side, 72, side + 215, 780), text, font=font, fontsize=9.5)
        writer.write_text(page)
    return document.tobytes(deflate=True)


def prose(seed: int, words: int) -> str:
    return " ".join(random.Random(seed).choices(WORDS, k=words)).capitalize() + "."


def _edges(page: pymupdf.Page, number: int) -> None:
    page.insert_text((72, 40), "Annual Report 2024")
    page.insert_text((290, 815), f"Page {number + 1}")


def timed(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
