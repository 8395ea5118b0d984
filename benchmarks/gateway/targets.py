"""What is measured: how each target is started, and what it has switched on."""

import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.gateway.launch import Launch, Place
from benchmarks.gateway.legato_target import launch_legato
from benchmarks.gateway.processes import free_port

BASELINE = "tensorzero-embedded"

_HERE = Path(__file__).parent
_ROOT = _HERE.parents[1]
_NGINX = """
worker_processes 1; daemon off; pid {folder}/nginx.pid; error_log /dev/null;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; client_body_buffer_size 64k;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  upstream up {{ server 127.0.0.1:{upstream_port}; keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location / {{
      proxy_pass {scheme}://up; proxy_http_version 1.1; proxy_set_header connection "";
      proxy_buffering off; {tls}
    }}
  }}
}}
"""
_NGINX_TLS = (
    "proxy_ssl_verify on; proxy_ssl_name localhost; proxy_ssl_trusted_certificate {ca_file};"
)
_TENSORZERO = """
[gateway]
observability.enabled = false
[models.mock]
routing = ["mock"]
[models.mock.providers.mock]
type = "openai"
model_name = "mock"
api_base = "{url}"
api_key_location = "none"
"""
_LITELLM = """
model_list:
  - model_name: mock
    litellm_params: {{model: openai/mock, api_base: "{url}", api_key: sk-upstream}}
litellm_settings: {{telemetry: false, num_retries: 0}}
general_settings: {{master_key: sk-bench}}
"""


@dataclass(frozen=True)
class Programs:
    """Interpreters and programs of the peers, None where none was found."""

    tensorzero_python: Path | None
    litellm: Path | None


@dataclass(frozen=True)
class Target:
    """One thing to measure. `missing` says what it lacks on this machine, None for nothing."""

    name: str
    switched_on: str
    launch: Callable[[Place], Launch] | None
    missing: str | None = None
    caches: bool = False
    """Whether a repeated prompt is answered without asking upstream."""


def all_targets(programs: Programs) -> dict[str, Target]:
    tensorzero, litellm = programs.tensorzero_python, programs.litellm
    targets = [
        Target("direct", "the upstream alone, no gateway", None),
        Target(
            "nginx-proxy",
            "proxying only",
            _launch_nginx,
            None if shutil.which("nginx") else "no nginx (Debian: apt install nginx-light)",
        ),
        Target("stack", "bare Python pass-through: uvicorn, msgspec, pyreqwest", _launch_stack),
        Target(
            BASELINE,
            "routing; observability, authentication, cache and database off",
            lambda place: _launch_tensorzero(place, tensorzero or Path()),
            None if tensorzero else "no environment with TensorZero (see benchmarks/README.md)",
        ),
        Target(
            "litellm-key",
            "routing, one master key; no database, cache or budget",
            lambda place: _launch_litellm(place, litellm or Path()),
            None if litellm else "no LiteLLM: name it with --litellm",
        ),
        Target(
            "legato",
            "authentication, rate and concurrency limits, exact cache, routing, a budget's hold, "
            "journal and ledger, metrics, traces",
            launch_legato,
            caches=True,
        ),
        Target(
            "legato-semantic",
            "the same and the semantic cache (WordLlama), which finds nothing to serve",
            lambda place: launch_legato(place, semantic=True),
            caches=True,
        ),
        Target(
            "legato-semantic-routed",
            "the same and a route that asks a trained router where each question goes",
            lambda place: launch_legato(place, semantic=True, routed=True),
            caches=True,
        ),
        Target(
            "legato-translated",
            "the same, upstream speaking Anthropic's dialect, callers OpenAI's",
            lambda place: launch_legato(place, "anthropic"),
            caches=True,
        ),
    ]
    return {target.name: target for target in targets}


def _launch_nginx(place: Place) -> Launch:
    port, config = free_port(), place.folder / "nginx.conf"
    scheme, _, address = place.upstream.partition("://")
    tls = _NGINX_TLS.format(ca_file=place.ca_file) if place.ca_file else ""
    upstream_port = address.partition("/")[0].rpartition(":")[2]
    config.write_text(
        _NGINX.format(
            folder=place.folder, port=port, upstream_port=upstream_port, scheme=scheme, tls=tls
        )
    )
    command = ["nginx", "-p", str(place.folder), "-c", str(config)]
    return Launch(command, url=f"http://127.0.0.1:{port}/v1")


def _launch_stack(place: Place) -> Launch:
    port = free_port()
    env = {"BENCH_UPSTREAM": place.upstream, "PYTHONPATH": str(_ROOT)}
    if place.ca_file is not None:
        env["BENCH_CA_FILE"] = str(place.ca_file)
    options = "--loop uvloop --http httptools --lifespan off --no-access-log --log-level error"
    module = "benchmarks.gateway.pass_through:app"
    command = [sys.executable, "-m", "uvicorn", module, "--port", str(port), *options.split()]
    return Launch(command, url=f"http://127.0.0.1:{port}/v1", env=env)


def _launch_tensorzero(place: Place, python: Path) -> Launch:
    config, url_file = place.folder / "tensorzero.toml", place.folder / "tensorzero.url"
    config.write_text(_TENSORZERO.format(url=place.upstream))
    env = {} if place.ca_file is None else {"SSL_CERT_FILE": str(place.ca_file)}
    command = [str(python), str(_HERE / "tensorzero_server.py"), str(config), str(url_file)]
    return Launch(
        command,
        url=lambda: url_file.read_text().rstrip("/") if url_file.exists() else "",
        model="tensorzero::model_name::mock",
        env=env,
    )


def _launch_litellm(place: Place, program: Path) -> Launch:
    port, config = free_port(), place.folder / "litellm.yaml"
    config.write_text(_LITELLM.format(url=place.upstream))
    env = {
        "LITELLM_LOG": "ERROR",
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    }
    if place.ca_file is not None:
        env["SSL_CERT_FILE"] = str(place.ca_file)
    options = f"--config {config} --host 127.0.0.1 --port {port} --num_workers 1".split()
    return Launch(
        [str(program), *options],
        url=f"http://127.0.0.1:{port}/v1",
        headers=["authorization: Bearer sk-bench"],
        env=env,
    )
