"""Run commands, report progress, and run a graph of tasks on a few threads."""

from __future__ import annotations

import contextlib
import fcntl
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path

_STARTED_AT = time.monotonic()
_print_lock = threading.Lock()


class LabError(Exception):
    """Something is missing or went wrong; the text names it and the next command."""


def say(text: str) -> None:
    """Print one progress line to standard error, with the seconds since the start."""
    with _print_lock:
        print(f"[{time.monotonic() - _STARTED_AT:6.1f} s] {text}", file=sys.stderr, flush=True)


def run(
    argv: Sequence[str | Path],
    *,
    stdin: bytes | None = None,
    cwd: Path | None = None,
    env: dict[str, str] | None = None,
    check: bool = True,
    timeout_seconds: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command and return its result with text output.

    `env` is added to this process's environment. Raises LabError with the command and the end of its output when it
    fails (unless `check` is false), is not installed, or outlives `timeout_seconds`.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            cwd=cwd,
            env={**os.environ, **env} if env else None,
            capture_output=True,
            timeout=timeout_seconds,
        )
    except FileNotFoundError as error:
        raise LabError(f"the command `{words[0]}` is not installed; run `apt-get install {words[0]}`") from error
    except subprocess.TimeoutExpired as error:
        raise LabError(f"`{' '.join(words[:6])} …` did not end within {timeout_seconds:.0f} s") from error
    result = subprocess.CompletedProcess(
        words, done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    )
    if check and result.returncode != 0:
        tail = "\n".join((result.stdout + result.stderr).strip().splitlines()[-25:])
        raise LabError(f"`{' '.join(words)[:300]}` failed with exit code {result.returncode}:\n{tail}")
    return result


def bind_mount(source: Path, target: str) -> str:
    """Value of `--mount` that shows a file read-only in a container.

    Unlike `-v` it fails when the file is not there, where `-v` makes a folder of its name: also when the engine starts
    again and brings back containers of a checkout that is gone.
    """
    return f"type=bind,source={source},target={target},readonly"


def docker(*argv: str | Path, stdin: bytes | None = None, check: bool = True) -> str:
    """Run `docker …` and return its standard output, stripped. Raises LabError as `run` does."""
    return run(["docker", *argv], stdin=stdin, check=check).stdout.strip()


def wait_until(what: str, probe: Callable[[], bool], *, seconds: float, hint: str, pause_seconds: float = 0.2) -> None:
    """Call `probe` until it returns true; raise LabError naming `what` and `hint` after `seconds`."""
    deadline = time.monotonic() + seconds
    while not probe():
        if time.monotonic() > deadline:
            raise LabError(f"{what} did not come up within {seconds:.0f} s; see `{hint}`")
        time.sleep(pause_seconds)


@contextlib.contextmanager
def file_lock(path: Path, what: str) -> Iterator[None]:
    """Hold an exclusive lock on a file; says what it waits for when another process has it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"waiting for another lab command: {what}")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@dataclass(frozen=True)
class Task:
    """One piece of work of `up`: `action` runs when all tasks named in `needs` are done.

    A task whose action returns a text gets one progress line with its seconds; one that returns None stays silent.
    """

    name: str
    action: Callable[[], str | None]
    needs: tuple[str, ...] = ()


def run_tasks(tasks: Iterable[Task], *, workers: int = 3) -> None:
    """Run tasks as their needs are met, earlier ones first, at most `workers` at a time.

    After a failure nothing new starts; what runs is waited for. Raises LabError with every failure.
    """
    waiting = list(tasks)
    known = {task.name for task in waiting}
    missing = {need for task in waiting for need in task.needs} - known
    if missing:
        raise ValueError(f"tasks need unknown tasks: {sorted(missing)}")
    done: set[str] = set()
    failures: list[str] = []
    running: dict[Future[str | None], Task] = {}
    started_at: dict[str, float] = {}
    with ThreadPoolExecutor(max_workers=workers) as pool:
        while waiting or running:
            for task in list(waiting):
                if failures or len(running) >= workers:
                    break
                if done.issuperset(task.needs):
                    waiting.remove(task)
                    started_at[task.name] = time.monotonic()
                    running[pool.submit(task.action)] = task
            if not running:
                if failures:
                    break
                raise ValueError(f"tasks wait for each other: {[task.name for task in waiting]}")
            finished, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in finished:
                task = running.pop(future)
                seconds = time.monotonic() - started_at[task.name]
                error = future.exception()
                if isinstance(error, LabError):
                    failures.append(f"{task.name}: {error}")
                    say(f"{task.name}: FAILED after {seconds:.1f} s")
                elif error is not None:
                    raise error
                else:
                    done.add(task.name)
                    if text := future.result():
                        say(f"{task.name}: {text} ({seconds:.1f} s)")
    if failures:
        raise LabError("\n".join(failures))
