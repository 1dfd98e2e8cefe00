"""The table auditor on tables with known faults, and on rows printed in papers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dgbench.cli.audit import audit
from dgbench.core.errors import UsageError, WorkFailedError
from dgbench.metrics.table_audit import audit_table, psnr_bound


def findings(tmp_path: Path, text: str) -> list[tuple[str, tuple[int, ...]]]:
    path = tmp_path / "table.csv"
    path.write_text(text)
    return [(f.kind, f.lines) for f in audit_table(path)]


def test_psnr_above_what_its_l1_allows(tmp_path):
    """Two rows as LivePortrait's paper prints them (arXiv 2407.03168); see docs/metrics.md."""
    text = "source,method,dataset,L1,PSNR\nLP,X-Portrait,VFHQ,0.0627,30.58\nLP,AniPortrait,TH-1KH,0.0470,31.47\n"
    assert findings(tmp_path, text) == [("psnr-bound", (2,)), ("psnr-bound", (3,))]
    assert psnr_bound(0.0627) == pytest.approx(24.05, abs=0.01)


@given(st.floats(0.01, 0.5), st.floats(0.0, 0.9))
@settings(max_examples=50, deadline=None)
def test_possible_rows_are_left_alone(tmp_path_factory, l1, below):
    psnr = psnr_bound(l1) + below
    text = f"method,l1,psnr\na,{l1:.4f},{psnr:.2f}\n"
    assert findings(tmp_path_factory.mktemp("t"), text) == []


def test_rounding_of_print_is_allowed_for(tmp_path):
    # 0.05 may be 0.045: 26.94 dB and 1 dB of slack.
    assert findings(tmp_path, "method,l1,psnr\na,0.05,27.9\n") == []
    assert findings(tmp_path, "method,l1,psnr\na,0.0500,27.9\n") == [("psnr-bound", (2,))]


@pytest.mark.parametrize(
    ("name", "value"),
    [("ssim", "1.02"), ("ssim", "-1.1"), ("csim", "64.1"), ("fid", "-3"), ("pose", "181"), ("l1", "12.5")],
)
def test_values_outside_their_range(tmp_path, name, value):
    assert findings(tmp_path, f"method,{name}\nm,{value}\n") == [("range", (2,))]


def test_printed_ranks_that_contradict_the_numbers(tmp_path):
    text = "method,ssim,ssim_rank,fid,fid_rank\na,0.9,2,10,1\nb,0.8,1,20,2\nc,0.7,3,20,3\n"
    assert findings(tmp_path, text) == [("rank", (2, 3))]


def test_orders_that_flip_and_values_that_differ_between_sources(tmp_path):
    text = (
        "source,method,dataset,task,l1\n"
        "own,X-NeMo,TH-1KH,self,0.055\nown,LivePortrait,TH-1KH,self,0.074\n"
        "PersonaLive,X-NeMo,TH-1KH,self,0.077\nPersonaLive,LivePortrait,TH-1KH,self,0.043\n"
        "PersonaLive,LivePortrait,VFHQ,self,0.990\n"
    )
    assert findings(tmp_path, text) == [
        ("order-flips", (2, 3, 4, 5)),
        ("values-differ", (2, 4)),
        ("values-differ", (3, 5)),
    ]


def test_duplicates_and_what_is_no_number(tmp_path):
    assert findings(tmp_path, "method,fid\na,1\na,2\n") == [("duplicate", (2, 3))]
    assert findings(tmp_path, "method,fid\na,1o\nb,-\nc,\n") == [("not-a-number", (2,))]


@pytest.mark.parametrize("text", ["", "a,b\n1,2\n", "method,notes\nx,y\n", "method,fid,FID\nx,1,2\n"])
def test_a_file_that_is_no_table_is_refused(tmp_path, text):
    with pytest.raises(UsageError, match=r"table\.csv"):
        findings(tmp_path, text)
    with pytest.raises(UsageError, match="cannot be read"):
        audit_table(tmp_path / "absent.csv")


def test_the_verb(tmp_path, capsys):
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("method,ssim\na,0.9\n")
    bad.write_text("method,ssim\na,9\n")
    audit(table=good)
    assert "nothing found" in capsys.readouterr().out
    with pytest.raises(WorkFailedError, match="1 finding"):
        audit(table=bad, as_json=True)
    assert json.loads(capsys.readouterr().out)["findings"][0]["kind"] == "range"
    with pytest.raises(UsageError, match="one of the two"):
        audit()
