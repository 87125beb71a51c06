"""Stands in for the `vllm` command: the same arguments, the loopback server behind them.

Of a folder with weights it serves the checkpoint itself.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.servers.loopback import Reply, Seen, serving

SCRIPT = """#!{python}
import sys
sys.path.insert(0, {root!r})
from tests.servers.fake_vllm import main
main(sys.argv[1:])
"""


def install(folder: Path) -> None:
    """Puts an executable `vllm` into a folder."""
    root = str(Path(__file__).parents[2])
    file = folder / "vllm"
    file.write_text(SCRIPT.format(python=sys.executable, root=root))
    file.chmod(0o755)


def _behave(seen: Seen, _before: int) -> Reply:
    if seen.asked == "crash":
        os._exit(7)
    return Reply(404 if seen.asked == "deny" else 200)


def main(arguments: Sequence[str]) -> None:
    """Serves until it is ended; the question "crash" ends it, and "deny" is denied.

    It appends its process id and arguments to the file that FAKE_VLLM_DIARY names.
    """
    command, checkpoint, *options = arguments
    with Path(os.environ["FAKE_VLLM_DIARY"]).open("a") as diary:
        diary.write(f"{os.getpid()} {command} {checkpoint} {' '.join(options)}\n")
    if checkpoint == "owner/broken":
        sys.exit("\x1b[31mValueError: no such architecture")
    port = int(options[options.index("--port") + 1])
    if Path(checkpoint, "model.safetensors").is_file():
        from tests.tiny.server import make_server

        name = options[options.index("--served-model-name") + 1]
        make_server(Path(checkpoint), port, name).serve_forever()
    with serving(port) as server:
        server.script = _behave
        sys.stderr.write("ready\n")
        time.sleep(3600)
