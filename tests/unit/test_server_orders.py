"""Bodies of DashScope's image synthesis."""

from __future__ import annotations

from typing import Any

import pytest

from overpaint.errors import InvalidInput, InvalidURL
from overpaint.options import MAX_PROMPT, MAX_SEED
from overpaint.server.errors import Declined, answer_for
from overpaint.server.orders import EDIT_MODEL, Order, read_model, read_order

WANX = "wanx-x-painting"
INPUT = {"prompt": "a hat", "base_image_url": "http://h/b.png", "mask_image_url": "http://h/m.png"}


def read(model: str = WANX, parameters: Any = None, **change: Any) -> Order:
    given = {name: value for name, value in {**INPUT, **change}.items() if value is not None}
    return read_order(model, {"model": model, "input": given, "parameters": parameters})


def problem(model: str = WANX, parameters: Any = None, **change: Any) -> tuple[int, str, str]:
    with pytest.raises((InvalidInput, Declined)) as caught:
        read(model, parameters, **change)
    answer = answer_for(caught.value)
    return answer.status, answer.code, answer.message


def test_the_least_order_takes_the_references_defaults() -> None:
    order = read()
    assert order.prompt == "a hat"
    assert order.urls == {"base": "http://h/b.png", "mask": "http://h/m.png"}
    assert order.options == {"size": "1024*1024"}
    assert order.notes == ()


@pytest.mark.parametrize("parameters", [None, {}])
def test_parameters_may_be_missing(parameters: Any) -> None:
    assert read(parameters=parameters).options == {"size": "1024*1024"}


def test_every_parameter_is_taken() -> None:
    order = read(
        parameters={
            "size": "720*1280",
            "n": 4,
            "seed": MAX_SEED,
            "style": "<oil painting>",
            "mask_color": [[255, 0, 0], [0, 1, 2]],
            "strength": 0.5,
            "guidance": 2,
            "steps": 30,
            "palette": "red",
            "grow": -3,
            "feather": 1.5,
            "invert_mask": True,
            "soft_mask": True,
            "watermark": False,
            "output_format": "webp",
            "negative_prompt": "no cats",
        },
        reference_image_url="http://h/r.png",
        sketch_image_url="http://h/s.png",
    )
    assert order.options == {
        "size": "720*1280",
        "n": 4,
        "seed": MAX_SEED,
        "style": "oil painting",
        "mask_color": [(255, 0, 0), (0, 1, 2)],
        "strength": 0.5,
        "guidance": 2,
        "steps": 30,
        "palette": "red",
        "grow": -3,
        "feather": 1.5,
        "invert_mask": True,
        "soft_mask": True,
        "watermark": False,
        "format": "webp",
        "negative_prompt": "no cats",
    }
    assert order.urls["reference"] == "http://h/r.png"
    assert order.urls["sketch"] == "http://h/s.png"


def test_what_the_sdks_may_add_is_passed_over() -> None:
    extra = {"cfg": 20, "scale": "x", "prompt_extend": 1, "ref_strength": [], "ref_mode": {}}
    order = read(parameters=extra, function="anything", images=["x"], whatever={"deep": [1]})
    assert order.options == {"size": "1024*1024"}


def test_null_is_as_good_as_absent() -> None:
    names = [
        "size",
        "n",
        "seed",
        "style",
        "mask_color",
        "strength",
        "steps",
        "palette",
        "watermark",
    ]
    assert read(parameters=dict.fromkeys(names)).options == {"size": "1024*1024"}


@pytest.mark.parametrize("style", ["anime", "<anime>"])
def test_a_style_may_have_brackets(style: str) -> None:
    assert read(parameters={"style": style}).options["style"] == "anime"


def test_the_negative_prompt_may_be_in_either_place() -> None:
    assert read(negative_prompt="cats").options["negative_prompt"] == "cats"
    assert read(parameters={"negative_prompt": "cats"}).options["negative_prompt"] == "cats"


@pytest.mark.parametrize("size", ["257*4095", "1024*1024", "720*1280", "0500*0500"])
def test_any_size_within_the_limits_of_inputs_is_taken(size: str) -> None:
    assert read(parameters={"size": size}).options["size"] == size


@pytest.mark.parametrize(
    "size", ["256*1024", "1024*4096", "1024x1024", "1024", "", "*", "1024*1024*3", " 512*512", 1024]
)
def test_any_other_size_is_refused(size: object) -> None:
    status, code, message = problem(parameters={"size": size})
    assert (status, code) == (400, "InvalidParameter")
    assert message.startswith('size: must be "WIDTH*HEIGHT", each 257 to 4095 px, or "original"')


def test_the_sdks_reference_is_taken_where_there_is_no_other() -> None:
    order = read(ref_img="http://h/r.png")
    assert (order.urls["reference"], order.optional) == ("http://h/r.png", frozenset({"reference"}))
    order = read(ref_img="http://h/r.png", reference_image_url="http://h/own.png")
    assert (order.urls["reference"], order.optional) == ("http://h/own.png", frozenset())
    nothings: tuple[Any, ...] = ("", 7, [], {})
    for nothing in nothings:
        assert "reference" not in read(ref_img=nothing).urls


def test_the_original_size_can_be_asked_for() -> None:
    assert "size" not in read(parameters={"size": "original"}).options


def test_a_long_prompt_is_cut_and_the_caller_told() -> None:
    order = read(prompt="帽" * (MAX_PROMPT + 1))
    assert order.prompt == "帽" * MAX_PROMPT
    assert order.notes == (f"the prompt was cut to {MAX_PROMPT} characters",)
    assert read(prompt="帽" * 76).prompt == "帽" * 76


def test_the_edit_model_is_told_by_its_function_and_keeps_the_size() -> None:
    order = read(EDIT_MODEL, function="description_edit_with_mask")
    assert "size" not in order.options
    for function in (None, "colorization", 7):
        status, code, message = problem(EDIT_MODEL, function=function)
        assert (status, code) == (400, "InvalidParameter")
        assert message.startswith("function: must be description_edit_with_mask")


@pytest.mark.parametrize(
    ("parameters", "words"),
    [
        ({"n": 0}, "Range of n should be [1, 4]"),
        ({"n": 5}, "Range of n should be [1, 4]"),
        ({"n": "1"}, "Range of n should be [1, 4]"),
        ({"n": True}, "Range of n should be [1, 4]"),
        ({"n": 1.0}, "Range of n should be [1, 4]"),
        ({"seed": -1}, "seed"),
        ({"seed": 2**63}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"size": "big"}, "size"),
        ({"size": 1024}, "size"),
        ({"size": [1024, 1024]}, "size"),
        ({"size": "10*10"}, "size"),
        ({"size": "1024*99999"}, "size"),
        ({"style": "<photography>"}, "style"),
        ({"style": 3}, "style"),
        ({"mask_color": "red"}, "mask_color"),
        ({"mask_color": [1, 2, 3]}, "mask_color"),
        ({"mask_color": [[1, 2]]}, "mask_color"),
        ({"mask_color": [[1, 2, 256]]}, "mask_color"),
        ({"mask_color": ["ff0000"]}, "mask_color"),
        ({"mask_color": [[0, 0, 0]] * 257}, "mask_color"),
        ({"strength": 2}, "strength"),
        ({"strength": "0"}, "strength"),
        ({"guidance": 0}, "guidance"),
        ({"guidance": 1e999}, "guidance"),
        ({"steps": 0}, "steps"),
        ({"steps": 151}, "steps"),
        ({"steps": 20.5}, "steps"),
        ({"steps": "20"}, "steps"),
        ({"grow": 1.5}, "grow"),
        ({"feather": -1}, "feather"),
        ({"invert_mask": 1}, "invert_mask"),
        ({"soft_mask": 0.5}, "soft_mask"),
        ({"watermark": "yes"}, "watermark"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": ["png"]}, "output_format"),
        ({"negative_prompt": 5}, "negative_prompt"),
        ([], "parameters"),
        ("x", "parameters"),
    ],
)
def test_a_parameter_that_is_not_allowed_is_named(parameters: Any, words: str) -> None:
    status, code, message = problem(parameters=parameters)
    assert (status, code) == (400, "InvalidParameter")
    assert words in message


@pytest.mark.parametrize("prompt", [None, "", "   ", 5, ["a"], {}])
def test_a_prompt_is_needed(prompt: Any) -> None:
    status, code, message = problem(prompt=prompt)
    assert (status, code) == (400, "InvalidParameter")
    assert message.startswith("prompt: ")


@pytest.mark.parametrize("field", ["base_image_url", "mask_image_url"])
@pytest.mark.parametrize("url", [None, "", 5, ["http://h/a.png"]])
def test_both_pictures_are_needed(field: str, url: Any) -> None:
    with pytest.raises(InvalidURL) as caught:
        read(**{field: url})
    assert str(caught.value).startswith(f"{field}: ")


def test_a_value_that_is_quoted_is_short() -> None:
    assert len(problem(prompt=["x" * 10_000])[2]) < 200


@pytest.mark.parametrize("given", [None, {}, "", []])
def test_an_order_without_input_is_refused(given: Any) -> None:
    with pytest.raises(Declined) as caught:
        read_order(WANX, {"model": WANX, "input": given})
    assert caught.value.problem.status == 400
    assert caught.value.problem.code == "BadRequest.EmptyInput"


@pytest.mark.parametrize("given", ["text", [1], 5])
def test_input_must_be_an_object(given: Any) -> None:
    with pytest.raises(Declined) as caught:
        read_order(WANX, {"model": WANX, "input": given})
    assert caught.value.problem.message == "input: must be an object"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "BadRequest.EmptyModel"),
        ({"model": None}, "BadRequest.EmptyModel"),
        ({"model": ""}, "BadRequest.EmptyModel"),
        ({"model": 5}, "InvalidParameter"),
    ],
)
def test_a_model_is_needed(body: dict[str, Any], code: str) -> None:
    with pytest.raises(Declined) as caught:
        read_model(body)
    assert (caught.value.problem.status, caught.value.problem.code) == (400, code)
