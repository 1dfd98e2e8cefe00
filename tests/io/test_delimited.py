"""Tables in the dialects that people save: read right, or refused with the line."""

from __future__ import annotations

from pathlib import Path

import pytest

from dgbench.core.errors import UsageError
from dgbench.io.delimited import number, parse_table, read_text, whole_number
from dgbench.metrics.table_audit import audit_table

PLAIN = (("method", "ssim", "fid"), ((2, ("fomm", "0.7", "85.0")), (3, ("ours", "0.8", "120"))))


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(("lead", "lines"), [("", 0), ("\n", 1), ("sep={}\n", 1), ('\n"sep={}"\n\n', 3)])
def test_dialects(tmp_path: Path, mark: str, end: str, lead: str, lines: int) -> None:
    text = lead.format(mark) + f" method {mark}ssim{mark}fid\nfomm{mark} 0.7{mark}85.0\nours{mark}0.8{mark}120{mark}\n"
    (tmp_path / "t.csv").write_bytes(b"\xef\xbb\xbf" + text.replace("\n", end).encode())
    table = parse_table(read_text(tmp_path / "t.csv", what="a table"), where="t")
    assert (table.header, tuple((line - lines, cells) for line, cells in table.rows)) == PLAIN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,b\n1,2\nx,1,2\n", "t: line 3: 3 cells under 2 columns; a decimal comma"),
        ("a;b,c\n1;2\n", "commas and semicolons"),
        ("a,b,A\n1,2,3\n", "column 'A' occurs twice"),
        ("\n \n", "empty"),
        ('a,b\n"1,2\n', "line 2"),
        ("a,b\n1\n", "t: line 2: 1 cells under 2 columns"),
    ],
)
def test_doubts_are_refused(text: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_table(text, where="t", short_rows=False)


def test_cells_in_quotes_hold_delimiters_and_lines() -> None:
    table = parse_table('a,b\n"x, y",1\n"two\nlines",2\nz,3\n', where="t")
    assert table.rows == ((2, ("x, y", "1")), (3, ("two\nlines", "2")), (5, ("z", "3")))


@pytest.mark.parametrize("data", ["a,b\n".encode("utf-16"), b"a,b\n\xff\n", b"a,b\n1,\0\n"])
def test_other_encodings_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "t.csv").write_bytes(data)
    with pytest.raises(UsageError, match=r"not UTF-8|NUL"):
        read_text(tmp_path / "t.csv", what="a table")


def test_numbers_are_plain() -> None:
    assert [number(cell) for cell in ("0.5", "-1", "+2.", ".5", "1e-3")] == [0.5, -1, 2, 0.5, 0.001]
    for cell, said in {
        "0,723": "decimal comma",
        "1,234": "thousands",
        "1,234.5": "thousands",
        "72.3%": "percentage",
        "NaN": "leave the cell empty",
        "inf": "leave the cell empty",
        "−0.1": "minus",
        "0.7±0.1": "spread",
        "0.7 +/- 0.1": "spread",
        "1_000": "underscore",
        "1 234": "separator",
        "**0.7**": "marked up",
        "Sep-10": "no plain number",
        "0x10": "no plain number",
        "٣": "no plain number",
        "": "no plain number",
    }.items():
        with pytest.raises(ValueError, match=said):
            number(cell)
    assert [whole_number(cell) for cell in ("0", "007", "5.0")] == [0, 7, 5]


@pytest.mark.parametrize(
    ("text", "findings"),
    [
        ("method,SSIM↑,FID ↓\nfomm,0.7,85\n", []),
        ("method;ssim\nfomm;0.7\n", []),
        ("method;ssim\nfomm;0,7\n", ["not-a-number"]),
        ("method,ssim\nfomm,nan\n", ["not-a-number"]),
        ("method,csim\nfomm,1_0\n", ["not-a-number"]),
        ("\nmethod,csim\nfomm,7\n", ["range"]),
    ],
)
def test_published_tables(tmp_path: Path, text: str, findings: list[str]) -> None:
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert [finding.kind for finding in audit_table(tmp_path / "t.csv")] == findings


def test_a_finding_names_the_line_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("\nsep=;\n\nmethod;csim\na;0.5\nfomm;7\n", encoding="utf-8")
    assert [finding.lines for finding in audit_table(tmp_path / "t.csv")] == [(6,)]
