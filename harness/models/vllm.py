"""`vllm:PATH_OR_ID`: a vLLM server of one's own, for as long as the model is in use."""

import json
import logging
import shutil
import socket
import subprocess
import sys
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from http.client import HTTPConnection, HTTPException
from importlib.util import find_spec
from pathlib import Path
from tempfile import NamedTemporaryFile
from time import monotonic, sleep
from typing import TYPE_CHECKING

from harness.errors import ModelError
from harness.models.local import templates
from harness.models.local.weights import check, fingerprint
from harness.models.openai import Server
from harness.models.serving import leash
from harness.models.serving.completions import ByTokens, Post
from harness.models.serving.failures import showable
from harness.models.serving.remote import Ask, Patience, Remote, is_unusual
from harness.types import UNWATCHED, Generation, ModelOptions, Prompt, Watch

if TYPE_CHECKING:
    from harness.models.hf import HuggingFace

_POLL_SECONDS = 0.2
_REPORT_SECONDS = 30.0
_TAIL_LINES = 20
_SERVED_AS = "checkpoint"
_WAYS = {
    "likelihoods": "vLLM's prompt_logprobs",
    "log-softmax": "float32",
    "tokens": "the checkpoint's tokenizer, as hf: reads; a window holds two tokens less",
    "BOS": "by the tokenizer's own rule, never twice",
}

_log = logging.getLogger(__name__)


def build(name: str, options: ModelOptions) -> "Vllm":
    """A checkpoint behind a vLLM server, which starts when it is first asked.

    Args:
        name: `vllm:PATH` or `vllm:ID`. A folder of that name comes first.
        options: `concurrency`, `dtype` and `trust_remote_code` are read.

    Raises:
        DataError: The folder's files are incomplete.
        ModelError: vLLM is not installed, or a chat template is given.
    """
    if options.chat_template is not None:
        raise ModelError(
            f"{name} takes the chat template that its checkpoint ships, came the option "
            f"chat_template = '{options.chat_template}'; leave it out, or run the model as hf:"
        )
    checkpoint = name.removeprefix("vllm:")
    command = [*_executable(), "serve", checkpoint, *_arguments(options)]
    identity, local = _identity(checkpoint, options.dtype), partial(_local, name, options)
    return Vllm(name, identity, command, options.concurrency, local)


@dataclass(eq=False)
class Vllm:
    """A checkpoint behind a vLLM server, which lives until `close` or the end of this process.

    Sampling defaults in the checkpoint's generation_config.json are not applied.
    """

    name: str
    identity: Mapping[str, str]
    command: Sequence[str]
    """Starts the server; the port is added."""
    concurrency: int
    """Most calls in flight at once."""
    open_local: "Callable[[], HuggingFace]"
    """Finds the checkpoint's template and tokenizer, which need no server."""
    patience: Patience = field(default_factory=Patience)
    _process: "_Process | None" = field(default=None, init=False, repr=False)

    def generate(self, prompts: Sequence[Prompt], watch: Watch = UNWATCHED) -> list[Generation]:
        """One generation per prompt, in the order of the prompts.

        Raises:
            ModelError: The server did not start, or it ended, or calls failed at every attempt.
        """
        if not prompts:
            return []
        self.examine(prompts)
        process = self._process or self._start()
        try:
            return self._remote(process, prompts).generate(prompts, watch)
        except ModelError as error:
            if process.is_healthy():
                raise
            self.close()
            raise ModelError(f"{self.name}: {process.obituary()}") from error

    def examine(self, prompts: Sequence[Prompt]) -> None:
        """Sees that there is what such prompts need: a tokenizer, a chat template.

        Raises:
            DataError: The checkpoint cannot be had.
            ModelError: There is none, or it cannot be loaded.
        """
        if any(map(is_unusual, prompts)):
            _ = self.local.pairs
        if self.identity.get("template") == "none" or any(map(is_unusual, prompts)):
            self.local.examine(prompts)

    def explain(self, prompts: Sequence[Prompt]) -> Mapping[str, str]:
        """How prompts are answered that are no conversations; nothing of those that are."""
        return _WAYS if any(map(is_unusual, prompts)) else {}

    @cached_property
    def local(self) -> "HuggingFace":
        """The checkpoint without its weights."""
        return self.open_local()

    def close(self) -> None:
        """Ends the server, if there is one, which frees its GPU."""
        if self._process is not None:
            self._process.end()
            self._process = None

    def _remote(self, process: "_Process", prompts: Sequence[Prompt]) -> Remote:
        server = Server(f"http://127.0.0.1:{process.port}/v1", _SERVED_AS, "", authorization="")
        connect = server.connect
        if any(map(is_unusual, prompts)):
            connect = partial(connect, self._by_tokens(process))
        return Remote(self.name, self.identity, connect, self.concurrency, self.patience)

    def _by_tokens(self, process: "_Process") -> Callable[[Post], Ask]:
        local = self.local
        pairs = replace(local.pairs, window=process.window() or local.pairs.window)
        ends = sorted(local.own_stop_ids)
        return lambda post: ByTokens(post, pairs, local.context, ends).ask

    def _start(self) -> "_Process":
        process = _launch(self.command)
        with ExitStack() as stack:
            stack.callback(process.end)
            _wait_until_ready(process, self.name)
            stack.pop_all()
        # At the latest when this process ends, or when nobody holds the model any more.
        weakref.finalize(self, process.end)
        self._process = process
        return process


@dataclass(frozen=True, slots=True)
class _Process:
    leash: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def status(self) -> int | None:
        return self.leash.poll()

    def is_healthy(self) -> bool:
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/health")
                return connection.getresponse().status == 200
            except (OSError, HTTPException):
                return False

    def window(self) -> int | None:
        """Most tokens of prompt and answer together; None if the server does not say."""
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=30)) as connection:
            try:
                connection.request("GET", "/v1/models")
                told = json.load(connection.getresponse())["data"][0].get("max_model_len")
            except (OSError, HTTPException, LookupError, ValueError) as error:
                raise ModelError(f"expected the server's models, came {error!r}") from error
        return told if isinstance(told, int) else None

    def obituary(self) -> str:
        with self.log.open(errors="replace") as lines:
            tail = "".join(deque(lines, maxlen=_TAIL_LINES))
        return f"vLLM ended with status {self.status}; its log, {self.log}, ends:\n{showable(tail)}"

    def end(self) -> None:
        # communicate() closes its standard input, which is the sign to end.
        self.leash.communicate()


def _launch(command: Sequence[str]) -> _Process:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with NamedTemporaryFile(prefix="vllm-", suffix=".log", delete=False) as log:
        process = subprocess.Popen(  # noqa: S603  # no shell, and the user's own words
            [sys.executable, "-P", leash.__file__, *command, "--port", str(port)],
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    return _Process(process, port, Path(log.name))


def _wait_until_ready(process: _Process, name: str) -> None:
    begun = reported = monotonic()
    while not process.is_healthy():
        if process.status is not None:
            raise ModelError(f"{name}: {process.obituary()}")
        if monotonic() - reported > _REPORT_SECONDS:
            reported = monotonic()
            _log.info("%s: loading for %.0f s, log %s", name, reported - begun, process.log)
        sleep(_POLL_SECONDS)


def _executable() -> list[str]:
    if found := shutil.which("vllm"):
        return [found]
    if find_spec("vllm"):
        return [sys.executable, "-m", "vllm.entrypoints.cli.main"]
    raise ModelError("expected vllm on the PATH, came none; pip install 'iterbench[vllm]'")


def _arguments(options: ModelOptions) -> list[str]:
    asked = ["--served-model-name", _SERVED_AS, "--host", "127.0.0.1", "--dtype", options.dtype]
    # Otherwise vLLM takes top_k and penalties that nobody asked for from the checkpoint.
    asked += ["--generation-config", "vllm"]
    return [*asked, "--trust-remote-code"] if options.trust_remote_code else asked


def _identity(checkpoint: str, dtype: str) -> dict[str, str]:
    folder = Path(checkpoint).expanduser()
    if not folder.is_dir():
        return {"engine": "vllm", "weights": f"hub:{checkpoint}", "dtype": dtype}
    check(folder)
    template = templates.find(folder, None).digest
    weights = fingerprint(folder)
    return {"engine": "vllm", "weights": weights, "template": template, "dtype": dtype}


def _local(name: str, options: ModelOptions) -> "HuggingFace":
    from harness.models.hf import HuggingFace, locate
    from harness.models.local.loading import Checkpoint

    folder, revision = locate(name.removeprefix("vllm:"), weights=False)
    # Its weights are the server's: nothing is loaded here but settings and tokenizer.
    checkpoint = Checkpoint(folder, "", "float32", options.trust_remote_code)
    return HuggingFace(name, checkpoint, templates.find(folder, None), revision=revision)
