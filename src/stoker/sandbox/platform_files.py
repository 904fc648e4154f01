"""What every sandbox sees at /var/runtime: runtime clients, boto3 and our bootstraps, as a directory of plain files.

Assembled once per version under the data directory, with hard links where the file system allows, since the parts lie
in Stoker's own environment and nothing else of that may be in view of a function.
"""

import hashlib
import importlib.metadata
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import stoker

# Importable by a function, as on AWS. All of them run as pure Python, so one copy serves every interpreter; simplejson,
# which reads events and writes results, is faster where the interpreter is of the kind that Stoker itself runs on.
DISTRIBUTIONS = (
    "awslambdaric",
    "boto3",
    "botocore",
    "jmespath",
    "python-dateutil",
    "s3transfer",
    "simplejson",
    "six",
    "snapshot-restore-py",
    "urllib3",
)
PLATFORM = "platform"
SHIPPED = ("linux", "bootstrap")


def assemble(data: Path) -> Path:
    """The directory for /var/runtime, made if this version's is not there yet."""
    target = data / "runtime" / _digest()
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=target.parent))
    scratch.chmod(0o755)
    for source in _modules():
        _place(source, scratch / source.name)
    own = Path(stoker.__file__).parent
    package = scratch / PLATFORM / "stoker"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    for name in SHIPPED:
        _place(own / name, package / name)
    _place(own / "bootstrap" / "node", scratch / "node")
    _place(own / "bootstrap" / "wrapped_python.py", scratch / "bootstrap.py")
    # Another process may have been first; its copy is as good.
    try:
        scratch.rename(target)
    except OSError:
        shutil.rmtree(scratch)
    return target


def compile_for(interpreter: Path, runtime_dir: Path) -> None:
    """Keep the modules compiled for one interpreter: a sandbox may not write, and would do it anew at every import.

    Takes 0.6 s the first time. A module that an older interpreter cannot read is left out; it could not import it.
    """
    command = [str(interpreter), "-I", "-S", "-m", "compileall", "-q", str(runtime_dir)]
    subprocess.run(command, stdout=subprocess.DEVNULL, env={}, check=False)


def _modules() -> list[Path]:
    """The packages and modules that the distributions installed, but for metadata and extensions beside packages."""
    found = set()
    for name in DISTRIBUTIONS:
        distribution = importlib.metadata.distribution(name)
        for file in distribution.files or ():
            top = file.parts[0]
            if top != ".." and not top.endswith((".dist-info", ".so")) and top != "__pycache__":
                found.add(Path(str(distribution.locate_file(top))))
    return sorted(found)


def _digest() -> str:
    """Names this version of the contents: distributions by version, our own files by their bytes."""
    digest = hashlib.sha256()
    for name in DISTRIBUTIONS:
        digest.update(f"{name}=={importlib.metadata.version(name)}\n".encode())
    own = Path(stoker.__file__).parent
    for name in SHIPPED:
        for path in sorted((own / name).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(str(path.relative_to(own)).encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _place(source: Path, target: Path) -> None:
    """Copy a file or a tree. Compiled extensions have their interpreter in their names; others pass them over."""
    ignore = shutil.ignore_patterns("__pycache__")
    if source.is_dir():
        shutil.copytree(source, target, ignore=ignore, copy_function=_link)
    else:
        _link(str(source), str(target))


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
