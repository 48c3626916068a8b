"""The whole way, as most people will go it."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image
from playwright.sync_api import expect
from tests.browser.desk import Desk, File, Look, read
from tests.browser.words import EN, ZH
from tests.wire import pictures

Array = npt.NDArray[np.uint8]
SCENE = pictures.scene(320, 480)
PHOTO = File("scene.png", pictures.png(SCENE))


def pixels_of(data: bytes) -> Array:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


def check_exact(result: bytes, base: Array, mask: Array) -> None:
    """What is not marked is the original's, bit by bit; what is marked is not."""
    made = pixels_of(result)[..., :3]
    assert made.shape == base.shape
    assert 0 < np.count_nonzero(mask) < mask.size
    assert np.array_equal(made[mask == 0], base[mask == 0])
    assert not np.array_equal(made[mask > 0], base[mask > 0])


@pytest.mark.parametrize("look", [Look(EN), Look(ZH, "phone", "dark")], ids=str)
def test_a_picture_is_marked_repainted_compared_chained_and_saved(
    look: Look, visit: Callable[[Look], Desk]
) -> None:
    desk = visit(look)
    words = desk.words
    desk.sign_in()
    desk.shot("welcome")
    desk.pick(PHOTO)
    desk.shot("picture")
    desk.stroke((0.3, 0.4), (0.5, 0.6), (0.7, 0.4))
    desk.shot("marked")
    mask = desk.export_mask()
    desk.ask(words.prompt)
    desk.shot("wish")
    sent = desk.repaint()
    assert sent["input"]["prompt"] == words.prompt
    desk.await_results(1)
    desk.shot("result")
    check_exact(read(desk.download()), SCENE, mask)
