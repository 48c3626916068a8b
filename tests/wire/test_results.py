"""What is painted: every parameter arrives, and the rest of the picture is exactly as it was."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.unit.picture_files import file_of
from tests.wire.client import Client
from tests.wire.host import PictureHost
from tests.wire.pictures import CENTER, fitted, flat, mask, pixels_of, png, scene
from tests.wire.plugin import color_of

from overpaint.values import STYLES

KEPT = mask() == 0


def painted(client: Client, input: Mapping[str, object] | None = None, **parameters: Any) -> Any:
    """The pixels of the first picture."""
    return pixels_of(client.pictures(client.done("instant", input, **parameters))[0])


def center(pixels: Any) -> tuple[int, ...]:
    return tuple(int(part) for part in pixels[CENTER])


def test_at_the_own_size_every_pixel_outside_the_mask_is_kept(client: Client) -> None:
    result = painted(client, size="original", seed=1)
    assert result.shape == scene().shape
    assert np.array_equal(result[KEPT], scene()[KEPT])
    assert center(result) == color_of("a red hat", seed=1)
    assert not np.array_equal(result, scene())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "BMP", "TIFF", "WEBP"])
def test_every_format_of_the_base_is_read_and_kept_exactly(
    client: Client, host: PictureHost, kind: str
) -> None:
    data = file_of(scene(), kind, **({"lossless": True} if kind == "WEBP" else {}))
    drawn = file_of(mask(), kind if kind != "WEBP" else "PNG")
    urls = {
        "base_image_url": host.put(data, kind=f"image/{kind.lower()}"),
        "mask_image_url": host.put(drawn, kind="application/octet-stream"),
    }
    result = painted(client, urls)
    with Image.open(io.BytesIO(data)) as image:
        base = np.asarray(image.convert("RGB"))
    assert np.array_equal(result[KEPT], base[KEPT])


def test_alpha_is_kept(client: Client, host: PictureHost) -> None:
    base = np.dstack([scene(), scene(seed=3)[..., 0]])
    result = painted(client, {"base_image_url": host.put(png(base))})
    assert np.array_equal(result[KEPT], base[KEPT])


def test_without_a_size_the_result_has_the_reference_s_default(client: Client) -> None:
    result = painted(client, size=None, seed=1)
    base, area = fitted(scene(), mask(), width=1024, height=1024)
    assert result.shape == (1024, 1024, 3)
    assert np.array_equal(result[area == 0], base[area == 0])
    assert tuple(result[512, 512]) == color_of("a red hat", seed=1)


@pytest.mark.parametrize("size", ["1024*1024", "720*1280", "1280*720", "300*500", "257*257"])
def test_a_picture_is_scaled_once_and_exact_against_that(client: Client, size: str) -> None:
    width, height = (int(side) for side in size.split("*"))
    result = painted(client, size=size)
    base, area = fitted(scene(), mask(), width=width, height=height)
    assert result.shape == (height, width, 3)
    assert np.array_equal(result[area == 0], base[area == 0])


def test_a_base_of_the_asked_size_is_not_scaled(client: Client, host: PictureHost) -> None:
    base, area = scene(720, 1280), mask(720, 1280)
    urls = {"base_image_url": host.put(png(base)), "mask_image_url": host.put(png(area))}
    result = painted(client, urls, size="1280*720")
    assert np.array_equal(result[area == 0], base[area == 0])


def test_wanx21_imageedit_keeps_the_own_size_by_default(client: Client) -> None:
    body = client.body("wanx2.1-imageedit", {"function": "description_edit_with_mask"}, size=None)
    body["input"]["prompt"] = "remove it"  # which is quick
    response = client.post(body)
    assert response.status_code == 200, response.text
    answer = client.wait(response.json()["output"]["task_id"])
    result = pixels_of(client.pictures(answer)[0])
    assert np.array_equal(result[KEPT], scene()[KEPT])


def test_the_same_seed_gives_the_same_bytes(client: Client) -> None:
    once = client.done(seed=2**63 - 1, n=2)
    again = client.done(seed=2**63 - 1, n=2)
    assert [one["seed"] for one in once["output"]["results"]] == [str(2**63 - 1), "0"]
    assert client.pictures(once) == client.pictures(again)


def test_picture_i_of_n_is_picture_one_of_seed_plus_i(client: Client) -> None:
    first, second = client.pictures(client.done(seed=10, n=2))
    assert client.pictures(client.done(seed=11))[0] == second
    assert first != second


def test_without_a_seed_one_is_drawn_and_told(client: Client) -> None:
    answers = [client.done() for _ in range(2)]
    seeds = [answer["output"]["results"][0]["seed"] for answer in answers]
    assert seeds[0] != seeds[1]
    for answer, seed in zip(answers, seeds, strict=True):
        result = pixels_of(client.pictures(answer)[0])
        assert center(result) == color_of("a red hat", seed=int(seed))


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_n_pictures_are_n_different_files(client: Client, n: int) -> None:
    files = client.pictures(client.done(n=n))
    assert len(set(files)) == n


def test_every_style_arrives_with_its_brackets_or_without(client: Client) -> None:
    said = {style if index % 2 else f"<{style}>": style for index, style in enumerate(STYLES)}
    said |= {"<auto>": "auto", "auto": "auto"}
    tasks = {style: client.create(style=name, seed=4) for name, style in said.items()}
    for style, task_id in tasks.items():
        result = pixels_of(client.pictures(client.wait(task_id))[0])
        assert center(result) == color_of("a red hat", seed=4, style=style)


def test_a_negative_prompt_arrives_from_input_and_from_parameters(client: Client) -> None:
    wanted = color_of("a red hat", seed=4, negative_prompt="blur, 文字")
    assert center(painted(client, {"negative_prompt": "blur, 文字"}, seed=4)) == wanted
    assert center(painted(client, negative_prompt="blur, 文字", seed=4)) == wanted


@pytest.mark.parametrize(
    "prompt", ["一只狗戴着红色眼镜", "a dog 🐶 in “quotes”\n& <tags>", "x" * 800]
)
def test_a_prompt_arrives_whole(client: Client, prompt: str) -> None:
    assert center(painted(client, {"prompt": prompt}, seed=4)) == color_of(prompt, seed=4)


def test_a_prompt_beyond_the_limit_is_cut_not_refused(client: Client) -> None:
    answer = client.done(input={"prompt": "画" * 900}, seed=4)
    result = pixels_of(client.pictures(answer)[0])
    assert center(result) == color_of("画" * 800, seed=4)


def test_strength_guidance_steps_and_palette_arrive(client: Client) -> None:
    given: dict[str, Any] = {"strength": 0.5, "guidance": 3, "steps": 9}
    result = painted(client, **given, palette=["#ff0000", "00ff00"], seed=4)
    assert center(result) == color_of(
        "a red hat", seed=4, strength=0.5, guidance=3, steps=9, palette=[(255, 0, 0), (0, 255, 0)]
    )
    result = painted(client, palette="#ff0000,#00ff00", seed=4)
    assert center(result) == color_of("a red hat", seed=4, palette=[(255, 0, 0), (0, 255, 0)])


def test_a_reference_and_a_sketch_arrive(client: Client, host: PictureHost) -> None:
    lines = np.full(mask().shape, 255, np.uint8)
    lines[120:160, 140:160] = 0
    input = {"ref_img": host.url("base.png"), "sketch_image_url": host.put(png(lines))}
    result = painted(client, input, seed=4)
    assert center(result) == color_of("a red hat", seed=4, reference=True, sketch=True)


def test_mask_color_marks_exactly_those_colours(client: Client, host: PictureHost) -> None:
    drawn = np.zeros((*mask().shape, 3), np.uint8)
    drawn[100:180, 20:60] = 255  # white, which is then background
    drawn[100:180, 120:200] = (128, 64, 0)
    drawn[100:180, 210:300] = (128, 64, 1)  # nearly
    urls = {"mask_image_url": host.put(png(drawn))}
    result = painted(client, urls, mask_color=[[128, 64, 0]], seed=4)
    changed = (result != scene()).any(axis=2)
    assert changed[102:178, 122:198].all()
    assert not changed[:, :120].any()
    assert not changed[:, 200:].any()
    both = painted(client, urls, mask_color=[[128, 64, 0], [128, 64, 1]], seed=4)
    assert (both != scene()).any(axis=2)[102:178, 212:298].all()


def test_an_empty_mask_color_means_white(client: Client) -> None:
    result = painted(client, mask_color=[], seed=4)
    assert center(result) == color_of("a red hat", seed=4)


def test_a_mask_is_made_black_and_white(client: Client, host: PictureHost) -> None:
    gray = np.where(mask() > 0, 200, 60).astype(np.uint8)
    result = painted(client, {"mask_image_url": host.put(png(gray))}, seed=4)
    assert np.array_equal(result[KEPT], scene()[KEPT])
    assert center(result) == color_of("a red hat", seed=4)


def test_grow_invert_and_feather_arrive(client: Client) -> None:
    wide = painted(client, grow=20, seed=4)
    assert tuple(wide[140, 70]) == color_of("a red hat", seed=4)  # 10 px outside the mask
    outside = painted(client, invert_mask=True, seed=4)
    assert np.array_equal(outside[~KEPT], scene()[~KEPT])
    assert tuple(outside[10, 10]) == color_of("a red hat", seed=4)
    hard = painted(client, feather=0, seed=4)
    assert (hard[~KEPT] == color_of("a red hat", seed=4)).all()


def test_a_soft_mask_repaints_by_its_levels(client: Client, host: PictureHost) -> None:
    levels = np.where(mask() > 0, 255, 0).astype(np.uint8)
    levels[:20] = 51
    url = {"mask_image_url": host.put(png(levels))}
    result = painted(client, url, soft_mask=True, seed=4)
    assert np.array_equal(result[levels == 0], scene()[levels == 0])
    red_hat = np.array(color_of("a red hat", seed=4), float)
    assert (result[levels == 255] == red_hat).all()
    mixed = scene()[:20] + (red_hat - scene()[:20]) / 5
    assert np.abs(result[:20] - mixed).max() <= 1
    cut = painted(client, url, seed=4)
    assert np.array_equal(cut[:20], scene()[:20])


def test_a_watermark_stays_inside_the_mask(client: Client) -> None:
    plain, marked = painted(client, seed=4), painted(client, watermark=True, seed=4)
    assert np.array_equal(marked[KEPT], scene()[KEPT])
    assert not np.array_equal(marked, plain)


@pytest.mark.parametrize(("said", "format"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_output_format_is_the_caller_s_choice(client: Client, said: str, format: str) -> None:
    (data,) = client.pictures(client.done(output_format=said))
    with Image.open(io.BytesIO(data)) as image:
        assert image.format == format


def test_notes_say_what_the_caller_should_know(client: Client, host: PictureHost) -> None:
    frames = [Image.fromarray(scene(seed=seed)) for seed in range(2)]
    several = file_of(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    answer = client.done(input={"base_image_url": host.put(several)})
    assert "the first page of several was taken" in answer["output"]["notes"]


@pytest.mark.parametrize("size", [(257, 257), (4095, 257), (257, 4095)])
def test_inputs_at_the_edge_of_the_limits_are_taken(
    client: Client, host: PictureHost, size: tuple[int, int]
) -> None:
    area = mask(*size)
    urls = {"base_image_url": host.put(flat(*size)), "mask_image_url": host.put(png(area))}
    result = painted(client, urls)
    assert result.shape[:2] == size


def test_an_encoded_address_is_taken(client: Client, host: PictureHost) -> None:
    """Chinese characters themselves are refused, as the description says."""
    url = host.put(png(scene()), name="%E5%9B%BE%20%E7%89%87.png")
    result = painted(client, {"base_image_url": f"{url}?x=1&y=%E5%9B%BE#part"})
    assert np.array_equal(result[KEPT], scene()[KEPT])


def test_a_redirect_is_followed(client: Client, host: PictureHost) -> None:
    for status in (301, 302, 303, 307, 308):
        url = host.redirect("/base.png", status=status)
        assert np.array_equal(painted(client, {"base_image_url": url})[KEPT], scene()[KEPT])


def test_a_file_just_under_the_limit_is_taken(client: Client, host: PictureHost) -> None:
    padding = 10 * 1024 * 1024 - len(png(scene())) - 100
    url = host.put(png(scene()) + bytes(padding))  # what is behind the end is not read
    result = painted(client, {"base_image_url": url})
    assert np.array_equal(result[KEPT], scene()[KEPT])


def test_the_default_engine_paints_what_the_prompt_says(client: Client) -> None:
    answer = client.done("wanx-x-painting", {"prompt": "一个红苹果"}, seed=3)
    result = pixels_of(client.pictures(answer)[0])
    assert np.array_equal(result[KEPT], scene()[KEPT])
    red, green, _ = result[~KEPT].astype(int).mean(axis=0) - scene()[~KEPT].astype(int).mean(axis=0)
    assert red > green  # it became redder
