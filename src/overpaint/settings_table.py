"""Every setting of Overpaint, in one table; `settings` reads them."""

from __future__ import annotations

from dataclasses import dataclass

PREFIX = "OVERPAINT_"

#: Names that callers may give as `model`, and the engine that paints for each.
MODELS = (
    "wanx-x-painting=auto,wanx2.1-imageedit=auto,overpaint=auto,builtin=builtin,collage=collage,"
    "erase=erase,gpt-image-1=auto,gpt-image-1-mini=auto,gpt-image-1.5=auto,gpt-image-2=auto,"
    "dall-e-2=auto"
)


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting: an environment variable, and its name in lower case in the file."""

    name: str
    default: str  # in words, where it depends on the system
    unit: str
    help: str
    limits: tuple[float, float] | None = None  # of a number


SETTINGS = (
    Setting(
        name="OVERPAINT_HOME",
        default=(
            "Linux: $XDG_DATA_HOME/overpaint or ~/.local/share/overpaint; "
            "macOS: ~/Library/Application Support/overpaint; Windows: %LOCALAPPDATA%\\overpaint"
        ),
        unit="folder",
        help="where what is yours is kept: concepts/ holds your own concepts",
    ),
    Setting(
        name="OVERPAINT_HOST",
        default="127.0.0.1",
        unit="address",
        help="the address the service listens on; anything but loopback needs a key first",
    ),
    Setting(
        name="OVERPAINT_PORT",
        default="8000",
        unit="TCP port",
        help="the port the service listens on; 0 takes a free one",
        limits=(0, 65535),
    ),
    Setting(
        name="OVERPAINT_DATA_DIR",
        default="OVERPAINT_HOME/server",
        unit="folder",
        help="where the service keeps tasks, pictures and keys",
    ),
    Setting(
        name="OVERPAINT_DATABASE_URL",
        default="none: overpaint.db in OVERPAINT_DATA_DIR",
        unit="URL",
        help="the database that keeps tasks and keys: postgresql://USER:PASSWORD@HOST/DATABASE for "
        "several machines, or sqlite:///PATH",
    ),
    Setting(
        name="OVERPAINT_BLOBS",
        default="none: blobs/ in OVERPAINT_DATA_DIR",
        unit="folder or s3://BUCKET[/PREFIX]",
        help="where pictures are kept; a bucket is reached and signed for by AWS_ENDPOINT_URL, "
        "AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN",
    ),
    Setting(
        name="OVERPAINT_BLOBS_PUBLIC_URL",
        default="none: AWS_ENDPOINT_URL",
        unit="URL",
        help="how clients reach the bucket's server, for the URLs of OVERPAINT_RESULT_URLS=bucket",
    ),
    Setting(
        name="OVERPAINT_RESULT_URLS",
        default="service",
        unit="service or bucket",
        help="whose URLs the answers to a key name as results: this service's, or presigned ones "
        "of the bucket, which end with the task or after 7 days",
    ),
    Setting(
        name="OVERPAINT_NODE",
        default="the host's name",
        unit="name",
        help="what this machine is called among those of a cluster; no two have the same",
    ),
    Setting(
        name="OVERPAINT_PUBLIC_URL",
        default="none: as the request named the server",
        unit="URL",
        help="how clients reach the service, for the URLs it hands out",
    ),
    Setting(
        name="OVERPAINT_WORKERS",
        default="half of the cores, at least 1",
        unit="processes",
        help="how many worker processes paint",
        limits=(0, 256),
    ),
    Setting(
        name="OVERPAINT_DISPATCH",
        default="local",
        unit="local or ray",
        help="where the workers run: on this machine, or on the Ray cluster at RAY_ADDRESS",
    ),
    Setting(
        name="OVERPAINT_SLOTS",
        default="ordinary:cpus=1&min=1&tasks=2&idle_s=60, others: min=0&tasks=8&idle_s=600",
        unit="POOL:OPTION=VALUE&..., commas between",
        help="what a worker on the Ray cluster takes (cpus, gpus, memory_gb, accelerator), between "
        "how many and how many there are (min, max), how many tasks are worth one (tasks), and how "
        "long it is kept then (idle_s); a pool is `ordinary` or a model with workers of its own",
    ),
    Setting(
        name="OVERPAINT_MODELS",
        default=MODELS,
        unit="MODEL=ENGINE, commas between",
        help="the names that callers may give as model, and the engine that paints for each; an "
        "engine may be diffusers:ID_OR_PATH?OPTION=VALUE&..., a comma in it is written %2C",
    ),
    Setting(
        name="OVERPAINT_DIFFUSERS",
        default="none",
        unit="OPTION=VALUE, & between",
        help="how the checkpoints of diffusers:... are loaded and run, where their name does not "
        "say it: `device=cuda:0&batch=8`; a table in the file",
    ),
    Setting(
        name="OVERPAINT_RETENTION_HOURS",
        default="24",
        unit="hours",
        help="how long an ended task and its pictures are kept",
        limits=(0.001, 24 * 3650),
    ),
    Setting(
        name="OVERPAINT_UPLOAD_HOURS",
        default="48",
        unit="hours",
        help="how long an uploaded file is kept",
        limits=(0.001, 24 * 3650),
    ),
    Setting(
        name="OVERPAINT_UPLOAD_CAPACITY_MB",
        default="1000",
        unit="MB a key",
        help="how much a key may have uploaded at a time",
        limits=(1, 10**9),
    ),
    Setting(
        name="OVERPAINT_MAX_BODY_MB",
        default="32",
        unit="MB",
        help="the largest request body",
        limits=(1, 1024),
    ),
    Setting(
        name="OVERPAINT_MAX_PENDING",
        default="10000",
        unit="tasks a key",
        help="how many tasks a key may have waiting",
        limits=(1, 10**9),
    ),
    Setting(
        name="OVERPAINT_LEASE_SECONDS",
        default="15",
        unit="seconds",
        help="after how long without a sign of life a worker's task goes to another",
        limits=(1, 3600),
    ),
    Setting(
        name="OVERPAINT_TASK_SECONDS",
        default="900",
        unit="seconds",
        help="how long one try of a task may take",
        limits=(1, 86400),
    ),
    Setting(
        name="OVERPAINT_DRAIN_SECONDS",
        default="0",
        unit="seconds",
        help="how long a server that is told to end says so on /readyz and goes on answering, so "
        "that a balancer sends its clients elsewhere first",
        limits=(0, 600),
    ),
    Setting(
        name="OVERPAINT_FETCH_SECONDS",
        default="30",
        unit="seconds",
        help="how long fetching one input picture may take in all",
        limits=(0.1, 600),
    ),
    Setting(
        name="OVERPAINT_FETCH_REDIRECTS",
        default="3",
        unit="redirects",
        help="how many redirects are followed when an input picture is fetched",
        limits=(0, 20),
    ),
    Setting(
        name="OVERPAINT_FETCH_ALLOW_PRIVATE",
        default="0",
        unit="0 or 1",
        help="1: input pictures may lie on private and loopback addresses too",
        limits=(0, 1),
    ),
    Setting(
        name="OVERPAINT_POLICY",
        default="none",
        unit="words:FILE, or the name of a plugin",
        help="what checks prompts and results; a plugin is of the group overpaint.policies",
    ),
    Setting(
        name="OVERPAINT_TIME_ZONE",
        default="none: the system's",
        unit="IANA name",
        help="the time zone of the times in answers; Asia/Shanghai is the original's",
    ),
    Setting(
        name="OVERPAINT_LOG_FORMAT",
        default="text on a terminal, else json",
        unit="text or json",
        help="how the service's log lines look",
    ),
    Setting(
        name="OVERPAINT_LOG_LEVEL",
        default="info",
        unit="debug, info, warning or error",
        help="from what level on the service logs",
    ),
    Setting(
        name="OVERPAINT_BASE_URL",
        default="http://127.0.0.1:8000/api/v1",
        unit="URL",
        help="the server that submit, status, wait and cancel talk to; "
        "else DASHSCOPE_HTTP_BASE_URL",
    ),
    Setting(
        name="OVERPAINT_API_KEY",
        default="none",
        unit="key",
        help="the key that submit, status, wait and cancel send; else DASHSCOPE_API_KEY",
    ),
)
