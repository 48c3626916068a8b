"""The mix of the diffusers bench is as it says, and what it measures is what it tells."""

from __future__ import annotations

import threading
from xml.etree import ElementTree

import numpy as np
import pytest
from bench._arms import Memory, Run, run
from bench._findings import tables
from bench._matrix import levels, worst
from bench._plot import bars
from bench._requests import AREAS, COUNTS, NEGATIVE_PROMPT, SIZES, described, draw_requests
from bench.diffusers import told, with_option
from tests.heavy import require

RUN = Run(seconds=4.0, latencies=[1.0, 2.0, 9.0], pictures=8, peak_bytes=10**9, cores=1.9)


def test_the_shares_of_the_mix_are_those_that_it_states() -> None:
    mix = draw_requests(20)
    told = described(mix)
    assert told["n"] == {1: 10, 2: 5, 4: 5}
    assert told["pictures"] == 40
    assert told["negative_prompts"] == 10
    assert {one.negative_prompt for one in mix} == {"", NEGATIVE_PROMPT}
    assert told["asked_again"] == 8
    assert sorted({*COUNTS}) == sorted(told["n"])


def test_masks_and_pictures_are_of_the_stated_sizes() -> None:
    mix = draw_requests(10)
    low, high = min(low for low, _ in AREAS), max(high for _, high in AREAS)
    for one in mix:
        assert one.picture.shape[:2] == one.mask.shape
        assert one.picture.shape[:2] in SIZES
        assert low * 0.95 < one.mask.mean() < high * 1.05


def test_who_asks_again_has_another_seed() -> None:
    mix = draw_requests(10)
    again = [
        (one, two) for i, one in enumerate(mix) for two in mix[:i] if one.picture is two.picture
    ]
    assert again
    for one, two in again:
        assert one.prompt == two.prompt
        assert abs(one.seed - two.seed) >= max(COUNTS)


def test_a_mix_is_the_same_each_time() -> None:
    for one, two in zip(draw_requests(6), draw_requests(6), strict=True):
        assert np.array_equal(one.picture, two.picture)
        assert (one.prompt, one.n, one.seed) == (two.prompt, two.n, two.seed)


def test_every_request_is_painted_once_by_several_callers() -> None:
    require("torch")
    mix, threads = draw_requests(6), set()
    painted: list[int] = []
    together = threading.Barrier(3)

    def paint(request: object) -> None:
        threads.add(threading.get_ident())
        together.wait(10)  # all three are at it
        painted.append(id(request))

    ran = run(paint, mix, 3, Memory("cpu"))
    assert sorted(painted) == sorted(map(id, mix))
    assert len(threads) == 3
    assert len(ran.latencies) == 6
    assert ran.pictures == sum(one.n for one in mix)
    assert ran.rate == pytest.approx(ran.pictures / ran.seconds)


def test_a_caller_that_fails_ends_the_run() -> None:
    require("torch")

    def paint(request: object) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run(paint, draw_requests(3), 2, Memory("cpu"))


def test_latencies_are_told_in_the_middle_and_near_the_end() -> None:
    assert (RUN.p50, RUN.p95, RUN.rate) == (2.0, 9.0, 2.0)


def test_an_option_that_is_changed_takes_the_others_place() -> None:
    assert with_option("&batch=8&exact=1", "&batch=1") == "&exact=1&batch=1"
    assert with_option("&batch=8", "") == "&batch=8"
    assert with_option("", "&fp8=1") == "&fp8=1"


def test_differences_are_counted_in_levels() -> None:
    one = np.array([[0, 255], [10, 10]], np.uint8)
    two = np.array([[3, 255], [10, 9]], np.uint8)
    assert levels(one, two) == {"most": 3.0, "mean": 1.0, "share": 0.5}
    assert worst([levels(one, two), levels(one, one)]) == {"most": 3.0, "mean": 0.5, "share": 0.25}


def test_the_tables_and_the_plot_have_every_row() -> None:
    change = {
        "rate": 2.0,
        "times_all": 0.8,
        "peak_bytes": 10**9,
        "warming_s": 3.0,
        "levels": {"most": 4.0, "mean": 0.2, "share": 0.1},
    }
    found = {
        "model": "sd15",
        "side": 64,
        "batch": 4,
        "runs": {name: told(RUN) for name in ("plain", "plain, crop", "ours")},
        "times_plain": 2.0,
        "times_crop": 2.1,
        "warming_s": 1.0,
        "weights_bytes": 10**9,
        "network": {
            "rows": 8,
            "flop_a_row": 1e9,
            "flop_per_s": 5e10,
            "plain_rows": 2,
            "plain_flop_per_s": 2e10,
        },
        "peak_flop_per_s": 1e11,
        "pixels": {"most": 1.0, "mean": 0.01, "share": 0.01},
        "pixels_from_float32": {"ours": {"most": 2.0, "mean": 0.1, "share": 0.1}},
        "changes": [
            {**change, "what": "one picture at a time", "changes_pixels": False},
            {**change, "what": "fp8=1", "changes_pixels": True},
        ],
        "left_out": ["tiling=1"],
    }
    text = tables(found, "cpu")
    assert "| ours | 2 | 2.00 s | 9.00 s | 1.00 GB | 1.9 | 0.95 |" in text
    assert "ours: 2.00 times plain (goal 1.5), 2.10 times plain with crop" in text
    assert "| ours, full batch | 8 | 1.0 | 0.05 | 50 % |" in text
    assert "| plain, one picture | 2 | 1.0 | 0.02 | 20 % |" in text
    assert "| fp8=1 (changes pixels) | 2 | 0.80 | 1.00 GB | 3 s | at most 4 levels" in text
    assert "Beside float32 with the same noise, ours: at most 2 levels" in text
    assert "No time was left for: tiling=1." in text
    drawn = ElementTree.fromstring(bars([found]))
    labels = [one.text for one in drawn.iter("{http://www.w3.org/2000/svg}text")]
    assert {"plain", "plain, crop", "ours", "one picture at a time", "fp8=1"} <= {*labels}
