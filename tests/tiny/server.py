"""A real OpenAI-compatible server around a checkpoint: chat completions with log-probabilities.

As a program: `python -m tests.tiny.server --port 8000 CHECKPOINT`.
"""

import argparse
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from harness.errors import ModelError
from harness.models.hf import HuggingFace, build
from harness.models.local import templates
from harness.models.local.loading import loaded
from harness.models.local.network import Network
from harness.models.local.sampling import Request
from harness.types import Decoding, ModelOptions, Response, Token


@contextmanager
def serve(checkpoint: Path, port: int = 0) -> Iterator[str]:
    """A server in threads of this process while the context lasts.

    Args:
        checkpoint: A folder with a chat template.
        port: 0 is any free one.

    Yields:
        The base URL, which ends in /v1; the model's name is the folder's.
    """
    server = make_server(checkpoint, port)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make_server(checkpoint: Path, port: int) -> ThreadingHTTPServer:
    """A server that listens on the loopback interface and does not run yet."""
    model = build(f"hf:{checkpoint}", ModelOptions())

    class Handler(_Handler):
        served = model
        name = checkpoint.name

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: HuggingFace
    name: str

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._error(404, f"no such path: {self.path}")
        return self._send(200, {"object": "list", "data": [{"id": self.name, "object": "model"}]})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path != "/v1/chat/completions":
            return self._error(404, f"no such path: {self.path}")
        asked = json.loads(body)
        if asked["model"] != self.name:
            return self._error(404, f"no such model: {asked['model']}")
        try:
            return self._complete(asked)
        except ModelError as error:
            return self._error(400, str(error))

    def log_message(self, *_: Any) -> None:
        """Say nothing."""

    def _complete(self, asked: dict[str, Any]) -> None:
        request = self._request(asked)
        with loaded(self.served.checkpoint) as weights:
            network = Network(weights, self.served.tokenizer, self.served.stop_ids)
            if len(request.ids) + request.decoding.max_tokens > (network.window or 0):
                return self._error(
                    400, f"more than {network.window} tokens", "context_length_exceeded"
                )
            return self._send(200, self._completion(request, network.respond([request])[0]))

    def _request(self, asked: dict[str, Any]) -> Request:
        text = self.served.template.render(asked["messages"], self.served.tokenizer)
        stop = asked.get("stop") or ()
        decoding = Decoding(
            max_tokens=asked.get("max_completion_tokens") or asked.get("max_tokens") or 16,
            temperature=asked.get("temperature", 1.0),
            top_p=asked.get("top_p", 1.0),
            stop=(stop,) if isinstance(stop, str) else tuple(stop),
            top_logprobs=asked.get("top_logprobs", 1) if asked.get("logprobs") else 0,
        )
        # The same request draws the same sample, so that a test can be repeated.
        seed = hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).digest()[:16]
        ids = templates.encode(text, self.served.template, self.served.tokenizer)
        return Request(ids, decoding, int.from_bytes(seed))

    def _completion(self, request: Request, response: Response) -> dict[str, Any]:
        content = [_entry(token) for token in response.tokens]
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": response.text},
            "finish_reason": response.finish_reason,
            "logprobs": {"content": content} if request.decoding.top_logprobs else None,
        }
        usage = {
            "prompt_tokens": response.usage.prompt_tokens,
            "completion_tokens": response.usage.completion_tokens,
            "total_tokens": response.usage.total,
        }
        return {
            "id": "chatcmpl-tiny",
            "object": "chat.completion",
            "created": 0,
            "model": self.name,
            "system_fingerprint": self.served.checkpoint.weights[:8],
            "choices": [choice],
            "usage": usage,
        }

    def _error(self, status: int, message: str, code: str | None = None) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request", "code": code}})

    def _send(self, status: int, answer: dict[str, Any]) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _entry(token: Token) -> dict[str, Any]:
    top = [_scored(text, logprob) for text, logprob in token.top]
    return {**_scored(token.text, token.logprob), "top_logprobs": top}


def _scored(text: str, logprob: float) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode())}


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    arguments = parser.parse_args()
    make_server(arguments.checkpoint, arguments.port).serve_forever()


if __name__ == "__main__":
    main()
