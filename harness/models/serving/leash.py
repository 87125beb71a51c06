"""Runs a command that must not outlive whoever asked for it, however that one ends.

    python -P leash.py COMMAND...

It ends the command and everything that the command started when its own standard input closes,
which the kernel does even for a parent that was killed. Its exit status is the command's.
"""

import os
import signal
import subprocess
import sys
import threading
import time

_GRACE_SECONDS = 10.0


def main(command: list[str]) -> int:
    """The command's exit status, negative for a signal.

    Args:
        command: The program and its arguments.
    """
    # An interrupt at the terminal is for the parent to deal with.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    child = subprocess.Popen(  # noqa: S603  # running a given command is what it is for
        command, stdin=subprocess.DEVNULL, start_new_session=True
    )
    threading.Thread(target=_end_when_alone, args=(child,), daemon=True).start()
    return child.wait()


def _end_when_alone(child: subprocess.Popen[bytes]) -> None:
    os.read(0, 1)  # not sys.stdin, whose lock would still be held when the interpreter ends
    os.killpg(child.pid, signal.SIGTERM)
    time.sleep(_GRACE_SECONDS)
    os.killpg(child.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
