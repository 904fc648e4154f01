"""`stoker deploy`: from a folder to a function that answers."""

import base64
import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stoker.cli import screen
from stoker.cli.archive import pack, unzipped_size
from stoker.cli.connection import Connection, connect
from stoker.cli.dependencies import find_dependencies, vendor
from stoker.cli.failures import CliError
from stoker.cli.function_file import FunctionSettings, parse_variables, read_function_file
from stoker.cli.guess import guess_handler, guess_kind, kind_of, newest
from stoker.cli.places import cache_directory
from stoker.cli.role import default_role
from stoker.cli.runtimes import runtimes_here
from stoker.cli.source import Source, SourceFile, read_source
from stoker.cli.upload import Deployed, Upload
from stoker.model.runtime import Runtime

if TYPE_CHECKING:
    from stoker.functions.runtimes import RuntimeCatalogue


def deploy(
    context: typer.Context,
    path: Annotated[Path, typer.Argument(help="A folder, or a single .py, .js or .mjs file or executable.")],
    name: Annotated[str | None, typer.Option(help="Else from function.toml, else the folder's name.")] = None,
    runtime: Annotated[str | None, typer.Option(help="Else the newest on this machine for this code.")] = None,
    handler: Annotated[str | None, typer.Option(help="FILE.FUNCTION; else found in the code.")] = None,
    memory: Annotated[int | None, typer.Option(help="In MB, 128 to 10240.")] = None,
    timeout: Annotated[int | None, typer.Option(help="In seconds, 1 to 900.")] = None,
    env: Annotated[list[str] | None, typer.Option(metavar="KEY=VALUE", help="A variable; may be repeated.")] = None,
    role: Annotated[str | None, typer.Option(help="The ARN of the role that the function has.")] = None,
    layer: Annotated[list[str] | None, typer.Option(metavar="ARN", help="A layer version; may be repeated.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait until the function takes invocations.")] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was deployed as JSON.")] = False,
) -> None:
    """Create a function from code, or bring the one of that name up to date."""
    said = FunctionSettings(
        name=name,
        runtime=runtime,
        handler=handler,
        memory=memory,
        timeout=timeout,
        role=role,
        layers=layer or None,
        env=parse_variables(env or []),
    )
    deployed = deploy_path(connect(context), runtimes_here(), path, said, wait=wait, quiet=as_json)
    if as_json:
        screen.show_json(deployed.as_members())
    else:
        _tell(deployed)


def deploy_path(
    connection: Connection,
    catalogue: "RuntimeCatalogue",
    path: Path,
    said: FunctionSettings,
    *,
    wait: bool = True,
    quiet: bool = False,
) -> Deployed:
    """Read, complete, install, pack and send what lies at a path."""
    upload = prepare(catalogue, path, said, wait=wait, quiet=quiet)
    with screen.working(f"uploading {screen.size(len(upload.package))}", quiet=quiet):
        return upload.send(connection.client("lambda"), lambda: default_role(connection))


def prepare(
    catalogue: "RuntimeCatalogue", path: Path, said: FunctionSettings, *, wait: bool = True, quiet: bool = False
) -> Upload:
    """Read, complete, install and pack what lies at a path. The same code and settings make an equal upload."""
    source = read_source(path)
    settings = complete(said.over(read_function_file(source.folder)), source, catalogue.all())
    files = with_dependencies(source, settings, catalogue.get(settings.runtime or ""), quiet=quiet)
    total = unzipped_size(files)
    with screen.advancing(f"packing {screen.size(total)} in {len(files)} files", total, quiet=quiet) as advance:
        package = pack(files, advance)
    digest = base64.b64encode(hashlib.sha256(package).digest()).decode()
    return Upload(settings=settings, package=package, package_sha256=digest, wait=wait)


def complete(said: FunctionSettings, source: Source, runtimes: list[Runtime]) -> FunctionSettings:
    """Fill in name, runtime and handler where nothing was said. Raises CliError where the code doesn't tell."""
    kind = kind_of(said.runtime) if said.runtime else guess_kind(source)
    chosen = said.runtime
    if chosen is None:
        found = newest(runtimes, kind)
        if found is None:
            raise CliError(f"This machine has no runtime for {kind} code. `stoker runtimes` says what to install.")
        chosen = found.name
    return replace(
        said,
        name=said.name or source.title,
        runtime=chosen,
        handler=said.handler or guess_handler(source, kind),
    )


def with_dependencies(
    source: Source, settings: FunctionSettings, runtime: Runtime | None, *, quiet: bool
) -> list[SourceFile]:
    """The source's files and what its list of dependencies brings; the code's own file wins over one of a package."""
    name = settings.runtime or ""
    dependencies = find_dependencies(source, kind_of(name), name, runtime)
    if dependencies is None:
        return list(source.files)
    with screen.working(f"{dependencies.tool}: installing dependencies for {name}", quiet=quiet):
        installed = vendor(dependencies, cache_directory(os.environ, home=Path.home()))
    # npm's outcome replaces a node_modules that was made for the workshop, with its development tools.
    own = [file for file in source.files if dependencies.tool != "npm" or not file.name.startswith("node_modules/")]
    return list({file.name: file for file in (*installed, *own)}.values())


def _tell(deployed: Deployed) -> None:
    known = deployed.configuration
    name = known["FunctionName"]
    print(f"{name} {deployed.outcome}: {known.get('Runtime')}, {known['Handler']}, {screen.size(known['CodeSize'])}")
    print(known["FunctionArn"])
    screen.say(f"Invoke it: stoker invoke {name} --payload '{{}}'", style="dim")
