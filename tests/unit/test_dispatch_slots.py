"""How many workers a cluster is to have: what is read of the settings, and what queues call for."""

from __future__ import annotations

import pytest

from overpaint.dispatch.slots import (
    ENGINE_SLOTS,
    Demand,
    Slots,
    fits,
    labels_of,
    read_slots,
    room_for,
    share,
    wanted_figures,
    wanted_of,
)
from overpaint.errors import InvalidOption
from overpaint.tasks.pools import ORDINARY, Queue

SDXL = "diffusers:/models/sdxl"
MODELS = {"erase": "erase", "photo": SDXL, "photo-too": SDXL, "ordinary": "diffusers:x"}


def test_without_a_word_engines_are_loaded_when_asked_for_and_others_are_there() -> None:
    slots = read_slots("", MODELS)
    assert list(slots) == [ORDINARY, SDXL, "diffusers:x"]
    assert (slots[ORDINARY].min, slots[SDXL].min) == (1, 0)
    assert slots[SDXL] == ENGINE_SLOTS
    assert labels_of(MODELS)["diffusers:x"] == "model ordinary"


def test_pools_are_called_as_one_of_their_models() -> None:
    said = "ordinary: cpus=2 & max=64, photo-too:gpus=0.5&min=1&accelerator=H100&memory_gb=12,"
    slots = read_slots(said, MODELS)
    assert slots[ORDINARY] == Slots(cpus=2, max=64)
    assert slots[SDXL] == Slots(
        gpus=0.5, min=1, accelerator="H100", memory_gb=12, tasks=8, idle_s=600
    )


def test_a_pool_that_no_model_is_painted_in_has_no_slots() -> None:
    assert list(read_slots("ordinary:min=3", {"photo": SDXL})) == [SDXL]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("photos:min=1", "the pools are photo, photo-too, ordinary"),
        ("photo", "must be POOL:OPTION=VALUE"),
        ("photo:min=1,photo:max=2", "must name each pool once"),
        ("photo:least=1", "an option must be one of cpus, gpus, memory_gb, accelerator, min"),
        ("photo:min", "photo: an option must be one of"),
        ("photo:min=1&min=2", "each once"),
        ("photo:min=x", "photo: min must be a whole number between 0 and 10000"),
        ("photo:min=1.5", "photo: min must be a whole number between 0 and 10000"),
        ("photo:max=0", "photo: max must be a whole number between 1 and 10000"),
        ("photo:gpus=nan", "photo: gpus must be a number between 0 and 64"),
        ("photo:accelerator=", "photo: accelerator must have 1 to 64 characters"),
        ("photo:min=3&max=2", "photo: max must be at least min, 3"),
    ],
)
def test_what_is_wrong_with_slots_is_said(text: str, says: str) -> None:
    models = {model: MODELS[model] for model in ("erase", "photo", "photo-too")}
    with pytest.raises(InvalidOption) as caught:
        read_slots(text, models)
    assert caught.value.field == "slots"
    assert says in str(caught.value)


def test_a_slot_of_an_engine_takes_a_gpu_where_there_is_one() -> None:
    assert ENGINE_SLOTS.cost({"CPU": 8}, engine=True)["GPU"] == 0
    assert ENGINE_SLOTS.cost({"CPU": 8, "GPU": 2}, engine=True)["GPU"] == 1
    assert Slots().cost({"CPU": 8, "GPU": 2}, engine=False)["GPU"] == 0
    assert Slots(gpus=0.5, memory_gb=2).cost({}, engine=True) == {
        "CPU": 1,
        "GPU": 0.5,
        "memory": 2 * 2**30,
    }


def test_more_are_wanted_at_once_and_fewer_when_it_was_enough_for_a_while() -> None:
    demand = Demand(slots=Slots(min=1, tasks=2, idle_s=60))
    assert demand.look(Queue(), 9, 0) == 1
    assert demand.look(Queue(pending=5, running=2), 9, 1) == 4
    assert demand.look(Queue(pending=1), 9, 2) == 4
    assert demand.look(Queue(pending=4), 9, 30) == 4
    assert demand.look(Queue(), 9, 61) == 4
    assert demand.look(Queue(), 9, 61.5) == 2  # as at 30
    assert demand.look(Queue(), 9, 90.5) == 1


def test_no_more_are_wanted_than_there_may_be() -> None:
    assert Demand(slots=Slots(tasks=1)).look(Queue(pending=50), 3, 0) == 3
    assert Demand(slots=Slots(tasks=1, max=7)).look(Queue(pending=50), 3, 0) == 7
    assert Demand(slots=Slots(min=5, max=5)).look(Queue(), 3, 0) == 5
    assert Demand(slots=Slots(min=0)).look(Queue(), 3, 0) == 0


def test_who_leads_next_begins_with_what_there_is() -> None:
    demand = Demand(slots=Slots(min=0, idle_s=60))
    demand.adopt(3, 100)
    assert demand.look(Queue(), 9, 101) == 3
    assert demand.look(Queue(), 9, 161) == 0


def test_what_is_kept_for_later_is_released() -> None:
    demand = Demand(slots=Slots(min=0, tasks=1, idle_s=60))
    assert demand.release() == 0
    demand.look(Queue(pending=5), 9, 0)
    demand.look(Queue(pending=2), 9, 1)
    assert demand.release() == 2


def test_room_is_what_the_scarcest_leaves() -> None:
    assert room_for({"CPU": 2, "GPU": 1, "memory": 0}, {"CPU": 9, "GPU": 3}) == 3
    assert room_for({"CPU": 0, "GPU": 0.5}, {"GPU": 2}) == 4
    assert room_for({"CPU": 4}, {"CPU": 2}) == 1  # which may come yet


def test_who_takes_most_gives_way_to_others() -> None:
    costs = {
        "a": {"CPU": 1.0, "GPU": 0.0, "memory": 0.0},
        "b": {"CPU": 2.0, "GPU": 1.0, "memory": 0.0},
    }
    there = {"CPU": 8.0, "GPU": 4.0}
    assert fits({"a": 4, "b": 2}, costs, there)
    assert not fits({"a": 5, "b": 2}, costs, there)
    least = {"a": 1, "b": 1}
    assert share({"a": 8, "b": 4}, least, costs, there) == {"a": 4, "b": 2}
    assert share({"a": 8, "b": 1}, least, costs, there) == {"a": 6, "b": 1}
    # nobody falls below what it keeps, whether there is room or not
    assert share({"a": 8, "b": 4}, {"a": 8, "b": 4}, costs, there) == {"a": 8, "b": 4}


def test_figures_tell_what_is_wanted() -> None:
    assert wanted_of({**wanted_figures({"ordinary": 2, "photo": 0}), "claims": 4}) == {
        "ordinary": 2,
        "photo": 0,
    }
    assert wanted_of({"claims": 4}) == {}
