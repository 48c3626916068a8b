"""The weights that ship: each condition moves what is painted the way it says."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from overpaint.composer.conditions import (
    LUMA,
    PALETTE_BINS,
    Floats,
    palette_of_colors,
    present,
    time_features,
)
from overpaint.diffusion.noise import gaussian
from overpaint.engines.builtin import WEIGHTS, Painter

SIDE = 64
LEVEL = 0
RED, BLUE = (210, 40, 40), (40, 70, 210)


@pytest.fixture(scope="module")
def painter() -> Painter:
    return Painter.open(WEIGHTS)


def _disc(radius: float, x: float = 0.5, y: float = 0.5) -> Floats:
    rows, columns = np.mgrid[0:SIDE, 0:SIDE] / SIDE
    inside = (columns - x) ** 2 + (rows - y) ** 2 < radius**2
    return np.asarray(inside[None], np.float32)


def _plain(color: tuple[int, int, int]) -> Floats:
    filled = np.broadcast_to(np.reshape(color, (3, 1, 1)), (3, SIDE, SIDE))
    return np.asarray(filled / 127.5 - 1, np.float32)


def _paint(painter: Painter, **given: Any) -> Floats:
    """What is predicted at full noise from the conditions given: 3 x SIDE x SIDE, -1 to 1."""
    scene = given.pop("scene", _plain((128, 128, 128)))
    mask = given.pop("mask", _disc(0.4))
    drops = {"text", "palette", "exemplar", "sketch", "intensity", "silhouette"} - set(given)
    nothing = np.zeros((1, SIDE, SIDE), np.float32)
    exemplar = given.get("exemplar")
    planes = [
        gaussian([3], LEVEL, (3, SIDE, SIDE))[0] * mask + scene * (1 - mask),
        scene * (1 - mask),
        mask,
        np.zeros_like(scene) if exemplar is None else exemplar * mask + scene * (1 - mask),
        given.get("silhouette", nothing) * mask,
        given.get("sketch", nothing) * mask,
        given.get("intensity", nothing) * mask,
    ]
    inputs = {
        "planes": np.concatenate(planes)[None].astype(np.float32),
        "words": painter.vocabulary.bag(given.get("text", ()))[None],
        "palette": np.asarray(given.get("palette", np.zeros(PALETTE_BINS)), np.float32)[None],
        "present": present(*drops),
        "time": time_features([1.0], LEVEL),
    }
    return np.asarray(painter.network(inputs)[0], np.float32)


def _mean(picture: Floats, where: Floats) -> Floats:
    return np.asarray((picture * where).sum((1, 2)) / where.sum(), np.float32)


def test_the_exemplar_is_what_is_painted(painter: Painter) -> None:
    inside = _disc(0.3)
    for color in (RED, BLUE):
        exemplar = _plain(color) * _disc(0.33) + _plain((128, 128, 128)) * (1 - _disc(0.33))
        got = _mean(_paint(painter, exemplar=exemplar, silhouette=_disc(0.33)), inside)
        assert np.abs(got - _mean(exemplar, inside)).max() < 0.25


def test_words_are_heard(painter: Painter) -> None:
    """They move the picture; not yet always where they say, without an exemplar (model card)."""
    said = ["concept:balloon", "color:red"]
    spoken = _paint(painter, text=said, silhouette=_disc(0.3))
    silent = _paint(painter, silhouette=_disc(0.3))
    other = _paint(painter, text=["concept:snowman", "color:white"], silhouette=_disc(0.3))
    for different in (silent, other):
        assert np.abs((spoken - different) * _disc(0.25)).sum() / _disc(0.25).sum() > 0.02


def test_a_palette_colours_what_has_no_exemplar(painter: Painter) -> None:
    inside = _disc(0.25)
    red, blue = (
        _mean(
            _paint(painter, palette=palette_of_colors([color]), silhouette=_disc(0.3)),
            inside,
        )
        for color in (RED, BLUE)
    )
    assert red[0] - red[2] > blue[0] - blue[2] + 0.3


def test_lines_of_a_sketch_become_edges(painter: Painter) -> None:
    ring = _disc(0.26) - _disc(0.23)
    with_lines = _paint(painter, sketch=ring)
    without = _paint(painter, sketch=np.zeros_like(ring))

    def edges(picture: Floats) -> float:
        gray = np.tensordot(np.asarray(LUMA, np.float32), picture, 1)
        steep = np.abs(cv2.Laplacian(cv2.GaussianBlur(gray, (0, 0), 1.0), cv2.CV_32F))
        return float((steep * ring[0]).sum() / ring.sum())

    assert edges(with_lines) > 1.5 * edges(without)


def test_intensity_sets_light_and_dark(painter: Painter) -> None:
    left = np.zeros((1, SIDE, SIDE), np.float32)
    left[..., : SIDE // 2] = 1
    light = 0.6 * left - 0.6 * (1 - left)
    got = np.tensordot(np.asarray(LUMA, np.float32), _paint(painter, intensity=light), 1)
    inside = _disc(0.35)[0]
    contrast = (got * inside * left[0]).sum() / (inside * left[0]).sum()
    contrast -= (got * inside * (1 - left[0])).sum() / (inside * (1 - left[0])).sum()
    assert contrast > 0.6


def test_a_silhouette_parts_the_thing_from_its_background(painter: Painter) -> None:
    said = {"text": ["concept:heart", "color:red"]}
    here = _disc(0.15, 0.35)
    there = _disc(0.15, 0.65)
    left = _paint(painter, silhouette=here, **said)
    right = _paint(painter, silhouette=there, **said)
    for place in (here, there):
        assert _mean(np.abs(left - right), place).max() > 0.04


def test_the_context_gives_its_tone(painter: Painter) -> None:
    """Where nothing is put in, the surroundings go on."""
    for color in ((40, 60, 160), (210, 200, 170)):
        scene = _plain(color)
        got = _mean(_paint(painter, scene=scene, mask=_disc(0.2)), _disc(0.18))
        assert np.abs(got - scene[:, 0, 0]).max() < 0.3
