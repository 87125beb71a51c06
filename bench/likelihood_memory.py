"""Peak memory of log-likelihoods by number of requests, beside the bytes of their texts.

    python -m bench.likelihood_memory --requests 1000

Each size runs in a process of its own, through a store, on a tiny real model.
"""

import argparse
import random
import resource
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.models.hf import build
from harness.store import Cached, Store
from harness.types import Decoding, ModelOptions, Prompt
from tests.tiny.checkpoint import make_checkpoint

_MIB = 1 << 20
_WORDS = ("sun", "moon", "river", "stone", "bread", "wine", "horse", "house")
_FACTOR = 4


def prompts(n: int) -> list[Prompt]:
    """Contexts of about 300 characters with four choices each, no two alike."""
    rng = random.Random(0)
    return [
        Prompt(
            f"p{i}",
            (f"{i} " + " ".join(rng.choices(_WORDS, k=60)),),
            Decoding(0),
            choices=tuple(f" {word}" for word in rng.sample(_WORDS, 4)),
            raw=True,
        )
        for i in range(n)
    ]


def peak() -> int:
    """Most bytes of this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measure(folder: Path, n: int) -> None:
    """Prints bytes of texts, and the growth of memory over a first small run."""
    model = build(f"hf:{folder / 'model'}", ModelOptions())
    with Store(folder / f"{n}.sqlite") as store:
        kept = Cached(model, store, "bench")
        kept.generate(prompts(64))
        asked = prompts(n)
        before = peak()
        answers = kept.generate(asked)
    texts = sum(len(p.turns[0]) + sum(map(len, p.choices)) for p in asked)
    print(n, texts, peak() - before, len(answers))


def main() -> None:
    """Measures two sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=1000)
    parser.add_argument("--one", type=Path)
    options = parser.parse_args()
    if options.one:
        measure(options.one, options.requests)
        return
    with TemporaryDirectory() as folder:
        make_checkpoint(Path(folder) / "model", template=None)
        for n in (options.requests, _FACTOR * options.requests):
            command = [sys.executable, "-m", "bench.likelihood_memory", "--one", folder]
            done = subprocess.run(
                [*command, "--requests", str(n)], check=True, capture_output=True, text=True
            )
            _, texts, grown, _ = map(int, done.stdout.split())
            print(
                f"{4 * n} requests: texts {texts / _MIB:.1f} MiB, memory grew by "
                f"{grown / _MIB:.1f} MiB, {grown / (4 * n):.0f} bytes for each"
            )


if __name__ == "__main__":
    main()
