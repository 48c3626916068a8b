from __future__ import annotations

import base64
import io
import json
import os
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from tests.unit.family_fixture import SECRET, family
from tests.unit.service_fixture import (
    BASE,
    MARKED,
    MASK,
    Clock,
    order,
    paint,
    png,
    service_in,
)

from overpaint.concepts.vocabulary import vocabulary
from overpaint.errors import (
    AlreadyUploaded,
    BlobDamaged,
    ContentRefused,
    EmptyMask,
    FileTooLarge,
    InvalidInput,
    InvalidKey,
    InvalidOption,
    InvalidURL,
    NotPending,
    QuotaExhausted,
    StorageFull,
    UnknownModel,
    UnknownTask,
    UploadRefused,
)
from overpaint.service import Service
from overpaint.settings import Settings
from overpaint.storage.local import LocalBlobs
from overpaint.tasks.task import PLANS, Key, Query, State


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Service, Clock]]:
    with service_in(tmp_path_factory.mktemp("service")) as opened:
        yield opened


@pytest.fixture
def service(opened: tuple[Service, Clock]) -> Service:
    return opened[0]


@pytest.fixture
def clock(opened: tuple[Service, Clock]) -> Clock:
    return opened[1]


@pytest.fixture
def key(service: Service) -> Iterator[Key]:
    key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
    yield key
    while (task := service.tasks.claim("cleaner", lease_ms=1000)) is not None:
        service.tasks.finish(task, [])


def test_a_secret_opens_its_key_and_no_other_text_does(service: Service) -> None:
    key, secret = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
    assert service.authenticate(secret).id == key.id
    for wrong in ("", secret[:-1], secret + "x", secret.upper(), "密钥"):
        with pytest.raises(InvalidKey):
            service.authenticate(wrong)
    service.keys.revoke(key.id)
    with pytest.raises(InvalidKey):
        service.authenticate(secret)


def test_what_is_submitted_waits_with_all_that_painting_needs(service: Service, key: Key) -> None:
    options = {"n": 2, "size": "512*512", "style": "anime", "palette": "red,#00ff00"}
    task = service.submit(key, order(options=options, reference=BASE, notes=("cut",)))
    kept = service.get(key, task.id)
    assert kept is not None
    assert (kept.state, kept.n, kept.engine, kept.notes) == (State.PENDING, 2, "erase", ("cut",))
    assert kept.options == {
        "prompt": "remove it",
        "negative_prompt": "",
        "seed": 7,
        "size": "512x512",
        "style": "anime",
        "mask_color": [],
        "invert_mask": False,
        "grow": 0,
        "feather": None,
        "soft_mask": False,
        "strength": 0.0,
        "guidance": 1.0,
        "steps": None,
        "palette": [list(vocabulary().colors["red"]), [0, 255, 0]],
        "watermark": False,
        "format": "png",
    }
    assert {name: service.blobs.get(ref) for name, ref in kept.inputs.items()} == {
        "base": BASE,
        "mask": MASK,
        "reference": BASE,
    }


def test_without_a_seed_one_is_drawn_and_stored(service: Service, key: Key) -> None:
    seeds = {service.submit(key, order(options={"seed": None})).options["seed"] for _ in range(3)}
    assert len(seeds) == 3


def test_a_mask_by_alpha_is_stored_as_a_white_one(service: Service, key: Key) -> None:
    gray = Image.fromarray(MARKED)
    clear = png(Image.merge("RGBA", [gray, gray, gray, Image.fromarray(255 - MARKED)]))
    task = service.submit(key, order(mask=clear, mask_by_alpha=True))
    stored = service.blobs.get(task.inputs["mask"])
    assert stored != clear
    assert Image.open(io.BytesIO(stored)).tobytes() == MARKED.tobytes()


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"model": "nothing"}, UnknownModel, "model: must be a model of this server"),
        (
            {"model": "diffusers:org/x?download=1"},  # the settings alone name engines
            UnknownModel,
            "model: must be a model of this server",
        ),
        ({"prompt": 5}, InvalidInput, "prompt: must be text"),
        ({"base": b""}, InvalidInput, "base: "),
        ({"mask": png(MARKED * 0)}, EmptyMask, "mask: must mark something"),
        ({"options": {"n": 5}}, InvalidOption, "n: must be a whole number between 1 and 4"),
        ({"options": {"n": True}}, InvalidOption, "n: must be a whole number"),
        ({"options": {"seed": -1}}, InvalidOption, "seed: "),
        ({"options": {"size": "9x9"}}, InvalidOption, "size: "),
        ({"options": {"style": "cubism"}}, InvalidOption, "style: must be one of"),
        ({"options": {"negative_prompt": 1}}, InvalidInput, "negative_prompt: must be text"),
        ({"options": {"mask_color": "red"}}, InvalidOption, "mask_color: "),
        ({"options": {"invert_mask": 1}}, InvalidOption, "invert_mask: must be true or false"),
        ({"options": {"soft_mask": "1"}}, InvalidOption, "soft_mask: must be true or false"),
        ({"options": {"watermark": "no"}}, InvalidOption, "watermark: must be true or false"),
        ({"options": {"grow": 999}}, InvalidOption, "grow: "),
        ({"options": {"feather": -1}}, InvalidOption, "feather: "),
        ({"options": {"strength": 2}}, InvalidOption, "strength: "),
        ({"options": {"guidance": 0}}, InvalidOption, "guidance: "),
        ({"options": {"steps": 151}}, InvalidOption, "steps: must be a whole number between"),
        ({"options": {"palette": "flurb"}}, InvalidOption, "palette: "),
        ({"options": {"palette": "/etc/passwd"}}, InvalidOption, "palette: must be colours"),
        ({"options": {"palette": b"RIFF"}}, InvalidOption, "palette: must be colours"),
        ({"options": {"format": "bmp"}}, InvalidOption, "format: must be png, jpeg or webp"),
        ({"options": {"scale": 3}}, InvalidOption, "scale: must be one of feather, "),
    ],
)
def test_what_is_wrong_is_refused_before_anything_is_kept(
    service: Service, key: Key, change: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error) as raised:
        service.submit(key, order(**change))
    assert str(raised.value).startswith(words)
    assert service.list(key, Query()).total == 0


def test_a_submission_that_the_key_does_not_allow_leaves_no_blobs(
    service: Service, clock: Clock
) -> None:
    free, _ = service.keys.create(uuid.uuid4().hex, PLANS["free"])
    before = set((service.settings.blobs_dir / "tasks").glob("*"))
    clock.forward(hours=24 * 181)
    with pytest.raises(QuotaExhausted):
        service.submit(free, order())
    assert set((service.settings.blobs_dir / "tasks").glob("*")) == before
    with pytest.raises(QuotaExhausted):
        service.admit(free)


def test_a_full_disk_takes_nothing(
    service: Service, key: Key, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = LocalBlobs.put

    def full(blobs: LocalBlobs, name: str, data: bytes, **more: Any) -> Any:
        if name.endswith("/mask"):
            raise StorageFull
        return put(blobs, name, data, **more)

    before = set((service.settings.blobs_dir / "tasks").glob("*"))
    monkeypatch.setattr(LocalBlobs, "put", full)
    with pytest.raises(StorageFull, match="no space left"):
        service.submit(key, order())
    assert set((service.settings.blobs_dir / "tasks").glob("*")) == before
    assert service.list(key, Query()).total == 0


def test_a_task_is_its_keys_alone(service: Service, key: Key) -> None:
    task = service.submit(key, order())
    other, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
    assert service.get(other, task.id) is None
    assert service.list(other, Query()).tasks == ()
    with pytest.raises(UnknownTask):
        service.cancel(other, task.id)
    assert service.cancel(key, task.id).state is State.CANCELED
    with pytest.raises(NotPending):
        service.cancel(key, task.id)


def test_a_result_is_opened_by_its_signed_path_until_it_expires(
    service: Service, key: Key, clock: Clock
) -> None:
    service.submit(key, order(options={"n": 2}))
    task = paint(service)
    prefix, task_id, expires, signature, name = service.sign_file(task, 1).split("/")
    assert int(expires) == -(-clock.now // 1000) + 24 * 3600
    assert (prefix, task_id, name) == ("files", task.id, f"{task.id}-1.png")
    assert service.open_file(task_id, expires, signature, name) == (BASE, "image/png")
    forged = [
        (task_id, expires, signature, f"{task.id}-0.png"),
        (task_id, str(int(expires) + 1), signature, name),
        (task_id, expires, "0" * 64, name),
        (task_id, expires, "签名", name),
        ("other", expires, signature, name),
    ]
    for parts in forged:
        with pytest.raises(UnknownTask, match="no such file"):
            service.open_file(*parts)
    clock.forward(hours=24, seconds=2)
    with pytest.raises(UnknownTask, match="has expired"):
        service.open_file(task_id, expires, signature, name)
    assert service.get(key, task.id) is None


def test_a_damaged_result_is_not_handed_out(service: Service, key: Key) -> None:
    service.submit(key, order())
    task = paint(service)
    _, *parts = service.sign_file(task, 0).split("/")
    blob = task.pictures[0].blob
    assert blob is not None
    (service.settings.blobs_dir / blob.name).write_bytes(BASE[:-1] + b"x")
    with pytest.raises(BlobDamaged):
        service.open_file(*parts)


def fields_of(service: Service, key: Key, name: str = "图 1.png") -> dict[str, str]:
    policy = service.uploads.policy(key)
    return {
        "OSSAccessKeyId": policy.access_key_id,
        "policy": policy.policy,
        "Signature": policy.signature,
        "key": f"{policy.upload_dir}/{name}",
    }


def test_an_upload_is_its_owners_until_it_expires(service: Service, key: Key, clock: Clock) -> None:
    fields = fields_of(service, key)
    upload = service.uploads.receive(fields, BASE)
    second = {**fields, "key": fields["key"].replace("图 1", "图 2")}  # one policy, several files
    service.uploads.receive(second, MASK)
    url = f"oss://{upload.name}"
    assert service.uploads.read(key, url, field="base_image_url") == BASE
    assert service.uploads.read(key, f"oss://{second['key']}", field="mask_image_url") == MASK
    other, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
    for who, asked in ((other, url), (key, url + "x"), (key, "oss://"), (key, upload.name)):
        with pytest.raises(InvalidURL, match="base_image_url: must be an oss:// address"):
            service.uploads.read(who, asked, field="base_image_url")
    clock.forward(hours=48, seconds=1)
    with pytest.raises(InvalidURL):
        service.uploads.read(key, url, field="base_image_url")
    folder = service.settings.blobs_dir / upload.blob.name
    assert folder.exists()
    assert service.sweep().uploads >= 2
    assert not folder.exists()


def test_a_name_is_taken_once_but_the_same_bytes_may_come_again(service: Service, key: Key) -> None:
    fields = fields_of(service, key)
    first = service.uploads.receive(fields, BASE)
    assert service.uploads.receive(fields, BASE) == first
    with pytest.raises(AlreadyUploaded, match=r"file of this name already: dash.*图 1\.png"):
        service.uploads.receive(fields, MASK)


def test_only_what_the_policy_allows_is_taken(service: Service, key: Key, clock: Clock) -> None:
    fields = fields_of(service, key)
    folder = fields["key"].rpartition("/")[0]
    said = json.loads(base64.b64decode(fields["policy"]))
    said["expires_ms"] += 10**6
    longer = base64.b64encode(json.dumps(said).encode()).decode()
    for change in (
        {"policy": longer},
        {"policy": ""},
        {"Signature": ""},
        {"Signature": "签"},
        {"OSSAccessKeyId": ""},
        {"OSSAccessKeyId": "another"},
        {"key": "elsewhere/a.png"},
        {"key": f"{folder}/"},
        {"key": f"{folder}/a/b.png"},
        {"key": f"{folder}/a\n.png"},
        {"key": f"{folder}/{'a' * 600}"},
    ):
        with pytest.raises(UploadRefused):
            service.uploads.receive({**fields, **change}, BASE)
    with pytest.raises(FileTooLarge):
        service.uploads.receive(fields, b"\0" * (10 * 1024**2 + 1))
    clock.forward(seconds=301)
    with pytest.raises(UploadRefused, match="has expired"):
        service.uploads.receive(fields, BASE)


def test_a_key_uploads_no_more_than_its_share(tmp_path: Path) -> None:
    with service_in(tmp_path, upload_capacity_mb=1) as (service, _):
        key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
        service.uploads.receive(fields_of(service, key), b"a" * 600_000)
        with pytest.raises(QuotaExhausted):
            service.uploads.receive(fields_of(service, key), b"b" * 600_000)
        assert len(list((tmp_path / "blobs/uploads").iterdir())) == 1


def test_a_session_stands_for_its_key(service: Service, key: Key, clock: Clock) -> None:
    cookie = service.new_session(key)
    found = service.session(cookie)
    assert found is not None
    assert found.id == key.id
    for wrong in ("", "a.b.c", cookie[:-1], cookie.replace(key.id, "k0"), "会话"):
        assert service.session(wrong) is None
    clock.forward(hours=24 * 30, seconds=1)
    assert service.session(cookie) is None
    fresh = service.new_session(key)
    service.keys.revoke(key.id)
    assert service.session(fresh) is None


def test_the_sweep_forgets_what_ended_long_ago_and_nothing_else(tmp_path: Path) -> None:
    with service_in(tmp_path) as (service, clock):
        key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
        old = service.submit(key, order())
        paint(service)
        clock.forward(hours=23)
        late = service.submit(key, order())
        paint(service)
        waiting = service.submit(key, order())
        orphan = service.blobs.put("tasks/orphan/base", BASE)
        os.utime(tmp_path / "blobs/tasks/orphan", (1, 1))
        clock.forward(hours=1, seconds=2)
        swept = service.sweep()
        assert (swept.tasks, swept.orphans) == (1, 1)
        left = {path.name for path in (tmp_path / "blobs/tasks").iterdir()}
        assert left == {late.id, waiting.id}
        assert not (tmp_path / "blobs" / orphan.name).exists()
        assert service.tasks.get(old.id) is None
        clock.forward(hours=24 * 365)
        service.sweep()
        kept = service.get(key, waiting.id)  # what waits is never forgotten
        assert kept is not None


def test_the_sweep_removes_uploads_whose_row_was_never_written(tmp_path: Path) -> None:
    with service_in(tmp_path) as (service, _):
        key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
        upload = service.uploads.receive(fields_of(service, key), BASE)
        for name, hours in (("recent", 48), ("lost", 50)):
            service.blobs.put(f"uploads/{name}/file", BASE)
            then = time.time() - hours * 3600
            os.utime(tmp_path / "blobs/uploads" / name, (then, then))
        assert service.sweep().orphans == 1
        left = {path.name for path in (tmp_path / "blobs/uploads").iterdir()}
        assert left == {"recent", upload.blob.name.split("/")[1]}


def test_what_has_expired_is_neither_told_nor_listed_before_it_is_swept(tmp_path: Path) -> None:
    with service_in(tmp_path) as (service, clock):
        key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
        old, waiting = (service.submit(key, order()) for _ in range(2))
        paint(service)
        clock.forward(hours=24)
        assert service.list(key, Query()).total == 2
        clock.forward(seconds=1)
        assert service.get(key, old.id) is None
        listing = service.list(key, Query())
        assert ([task.id for task in listing.tasks], listing.total) == ([waiting.id], 1)
        assert service.list(key, Query(task_id=old.id)).total == 0
        assert service.list(key, Query(state=State.SUCCEEDED)).total == 0
        service.sweep()
        assert service.list(key, Query()) == listing


def test_the_policy_sees_prompts(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("枪\n")
    with service_in(tmp_path / "data", policy=f"words:{tmp_path}/words") as (service, _):
        key, _ = service.keys.create(uuid.uuid4().hex, PLANS["unlimited"])
        for change in ({"prompt": "一把枪"}, {"options": {"negative_prompt": "枪"}}):
            with pytest.raises(ContentRefused):
                service.submit(key, order(**change))
        service.submit(key, order())


def test_it_says_what_is_not_ready(service: Service, clock: Clock) -> None:
    clock.forward(hours=1)
    assert service.ready() == {"workers": "no worker has been seen lately"}
    service.tasks.beat("worker-1", pid=1, task_id=None)
    assert service.ready() == {}


def test_an_engine_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path, models={"a": "flurb"})
    with pytest.raises(InvalidOption, match=r"models: must map a to one of auto, builtin, .*flurb"):
        Service.open(settings, migrate=True)


@pytest.mark.parametrize(
    ("engine", "why"),
    [
        ("many:/models/a?fast=1", "engine: must have options that are known, got /models/a?fast=1"),
        ("many:/models/missing", "/models/missing is not there: overpaint checkpoints fetch"),
    ],
)
def test_a_checkpoint_that_cannot_be_used_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str, why: str
) -> None:
    settings = Settings(data_dir=tmp_path, models={"photo": engine})
    with family(monkeypatch), pytest.raises(InvalidOption) as raised:
        Service.open(settings, migrate=True)
    assert str(raised.value) == (
        f"models: must map photo to an engine that can be used ({why}), got {engine!r}"
    )


def test_a_setting_that_no_checkpoint_could_be_opened_with_is_named_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OVERPAINT_DIFFUSERS", "devic=cpu")
    with pytest.raises(InvalidOption, match=r"diffusers: an option must be one of .* got devic"):
        Service.open(Settings(data_dir=tmp_path), migrate=True)


def test_a_checkpoint_that_can_be_used_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        family(monkeypatch),
        service_in(tmp_path, models={"photo": f"many:{SECRET}/a"}) as (service, _),
    ):
        assert service.engine_of("photo") == f"many:{SECRET}/a"
