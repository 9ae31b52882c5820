"""A JupyterHub on one machine: a JupyterLab for each learner, and the class's board beside them.

`python3 workshop.py hub` starts it. Everything that it keeps lies in `.hub` (or the folder of
WORKSHOP_HUB_STATE): the learners' lessons, the hub's database, two passwords. Learners choose a
name and share one password; `instructor`, with a password of its own, is the admin and sees the
board.

All servers run as one user of the system, so learners who try can read each other's files: this is
for people in one room. For others, and for more than one machine can hold, there is
`zero-to-jupyterhub.yaml` beside this file.

https://jupyterhub.readthedocs.io/en/stable/reference/config-reference.html
"""

import os
import secrets
import socket
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))
import workshop  # noqa: E402 - the course's commands, which know how lessons are copied

STATE = Path(os.environ.get("WORKSHOP_HUB_STATE", ROOT / ".hub"))
STATE.mkdir(mode=0o700, parents=True, exist_ok=True)
LEARNERS = STATE / "learners"
CORES = os.cpu_count() or 1
MIB = 2**20
A_LEARNER = 400 * MIB  # a server takes 137 MiB, and the kernel of a lesson 211 to 226
c: Any = get_config()  # type: ignore[name-defined]  # noqa: F821 - JupyterHub gives it


def free_port() -> int:
    """A port of this machine that nobody uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def password(name: str, bytes_: int) -> str:
    """The password in that file, made on the first start; only the hub's user may read it."""
    file = STATE / name
    if not file.exists():
        file.touch(mode=0o600)
        file.write_text(secrets.token_urlsafe(bytes_) + "\n")
    return file.read_text().strip()


# --- Who may come in --------------------------------------------------------------------------

c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = password("password", 9)
c.SharedPasswordAuthenticator.admin_password = password("instructor-password", 32)
c.Authenticator.allow_all = True  # whoever has the password, under the name that they choose
c.Authenticator.admin_users = {"instructor"}
c.Authenticator.username_pattern = r"[a-z0-9][a-z0-9._-]{0,39}"

# --- Where everything is ----------------------------------------------------------------------

LISTENS = os.environ.get("WORKSHOP_HUB_LISTENS", "http://127.0.0.1:8000")
ADDRESS = os.environ.get("WORKSHOP_HUB_ADDRESS", LISTENS)  # what people type
CLASS = f"http://127.0.0.1:{free_port()}"
c.JupyterHub.bind_url = LISTENS
c.JupyterHub.hub_port = free_port()
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{free_port()}"
c.JupyterHub.ssl_cert = os.environ.get("WORKSHOP_HUB_CERT", "")
c.JupyterHub.ssl_key = os.environ.get("WORKSHOP_HUB_KEY", "")
c.JupyterHub.db_url = f"sqlite:///{STATE / 'jupyterhub.sqlite'}"
c.JupyterHub.cookie_secret_file = str(STATE / "cookie-secret")
c.ConfigurableHTTPProxy.pid_file = str(STATE / "proxy.pid")
c.ConfigurableHTTPProxy.command = [
    os.environ.get("WORKSHOP_NODE", "node"),
    os.environ.get("WORKSHOP_HUB_PROXY", "configurable-http-proxy"),
    "--log-level=warn",
]

# --- A learner's server -----------------------------------------------------------------------


def give_lessons(spawner: Any) -> None:
    """Copy the lessons into the learner's folder, as `workshop.py lab` does: theirs stay."""
    home = LEARNERS / spawner.user.name
    workshop.copy_lessons(home / workshop.COPIES.name)
    images = home / "images"
    if not images.is_symlink():
        images.symlink_to(ROOT / "images")


c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = str(LEARNERS / "{username}")
c.Spawner.pre_spawn_hook = give_lessons
c.Spawner.cmd = [str(Path(sys.executable).with_name("jupyterhub-singleuser"))]
c.Spawner.default_url = f"/lab/tree/{workshop.COPIES.name}/00_start_here.ipynb"
c.Spawner.args = ["--KernelManager.transport_encryption=auto", "--ServerApp.log_level=ERROR"]
if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container
    c.Spawner.args.append("--allow-root")
c.Spawner.mem_limit = A_LEARNER * 2  # for spawners that can hold a process to it

# --- A class that begins all at once ----------------------------------------------------------

# JupyterHub does not queue: beyond this it answers 429, and the learner's page tries again.
c.JupyterHub.concurrent_spawn_limit = 2 * CORES
c.Spawner.start_timeout = 180
c.Spawner.http_timeout = 120
memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
c.JupyterHub.active_server_limit = max(1, int(memory * 0.8) // A_LEARNER)

# --- Beside the learners ----------------------------------------------------------------------

IDLE = os.environ.get("WORKSHOP_HUB_IDLE", "3600")  # seconds until a server nobody uses is ended

c.Spawner.environment = {"WORKSHOP_CLASS_URL": f"{CLASS}/services/class"}  # kernels join it
c.JupyterHub.services = [
    {
        "name": "class",
        "url": CLASS,
        "command": [
            sys.executable, "-m", "classroom.hub",
            "--folder", str(STATE / "class"), "--address", f"{ADDRESS}/services/class",
        ],
        "cwd": str(ROOT),
        "oauth_no_confirm": True,
    },
    {
        "name": "idle-culler",
        "command": [sys.executable, "-m", "jupyterhub_idle_culler", f"--timeout={IDLE}"],
    },
]  # fmt: skip
# https://github.com/jupyterhub/jupyterhub-idle-culler#as-a-hub-managed-service
c.JupyterHub.load_roles = [
    {
        "name": "idle-culler",
        "services": ["idle-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    },
]
