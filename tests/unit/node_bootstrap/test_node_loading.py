"""How a handler setting finds its function, and what a wrong one says."""

import pytest
from node_function import Load

COMMON = "exports.handler = async () => __filename.split('/').pop()"
MODULE = "export const handler = async () => import.meta.url.split('/').pop()"


@pytest.mark.parametrize(
    ("handler", "files"),
    [
        ("index.handler", {"index.js": COMMON}),
        ("index.handler", {"index.cjs": COMMON}),
        ("index.handler", {"index.mjs": MODULE}),
        ("index.handler", {"index.js": MODULE, "package.json": '{"type": "module"}'}),
        ("src/deep/index.handler", {"src/deep/index.js": MODULE, "package.json": '{"type": "module"}'}),
        ("src/index.handler", {"src/index.js": COMMON, "package.json": '{"name": "plain"}'}),
        ("index.a.b.handler", {"index.js": COMMON.replace("exports", "exports.a = { b: {} }; exports.a.b")}),
        (
            "parcel.handler",
            {"node_modules/parcel/package.json": '{"main": "x.js"}', "node_modules/parcel/x.js": COMMON},
        ),
    ],
)
def test_a_handler_is_found(serve: Load, handler: str, files: dict[str, str]) -> None:
    name = next(file for file in files if not file.endswith(".json")).split("/")[-1]
    assert serve(handler=handler, files=files).invoke().json == name


def test_a_top_level_await_is_part_of_init(serve: Load) -> None:
    source = "const word = await new Promise((r) => setTimeout(r, 20, 'done')); export const handler = async () => word"
    assert serve(files={"index.mjs": source}).invoke().json == "done"


def test_a_commonjs_function_may_use_its_own_node_modules(serve: Load) -> None:
    files = {
        "index.js": "const word = require('word'); exports.handler = async () => word",
        "node_modules/word/index.js": "module.exports = 'found'",
    }
    assert serve(files=files).invoke().json == "found"


@pytest.mark.parametrize(
    ("handler", "source", "type", "message"),
    [
        ("index.other", "exports.handler = 1", "Runtime.HandlerNotFound", "index.other is undefined or not exported"),
        ("index.handler", "exports.handler = 1", "Runtime.HandlerNotFound", "index.handler is not a function"),
        ("index", "", "Runtime.MalformedHandlerName", "Bad handler"),
        ("../index.handler", "", "Runtime.MalformedHandlerName", "'../index.handler' is not a valid handler name."),
        ("absent.handler", "", "Runtime.ImportModuleError", "Error: Cannot find module 'absent'"),
        ("index.handler", "require('absent')", "Runtime.ImportModuleError", "Error: Cannot find module 'absent'"),
        ("index.handler", "exports.handler = (", "Runtime.UserCodeSyntaxError", "SyntaxError: "),
        ("index.handler", "throw new TypeError('at once')", "TypeError", "at once"),
        ("index.handler", "throw undefined", "handled", "callback called with Error argument"),
    ],
)
def test_a_function_that_cannot_be_loaded_says_why(
    load: Load, handler: str, source: str, type: str, message: str
) -> None:
    function = load(source, handler=handler)
    answer = function.platform.answer()
    assert (answer.kind, answer.error_type, answer.json["errorType"]) == ("init_error", type, type)
    assert answer.json["errorMessage"].startswith(message)
    assert function.exit_code() == 129


def test_a_syntax_error_names_its_file_and_line(load: Load) -> None:
    answer = load("const a = 1;\nconst b = ;").platform.answer()
    assert answer.json["trace"][0].endswith("index.js:2")


def test_a_failed_es_module_import_says_what_is_missing(load: Load) -> None:
    answer = load(files={"index.mjs": "import 'absent'"}).platform.answer()
    assert "Cannot find package 'absent'" in answer.json["errorMessage"]


def test_an_unhandled_rejection_during_init_is_told_as_such(load: Load) -> None:
    function = load("Promise.reject(new Error('early')); setTimeout(() => {}, 1e6); exports.handler = 1")
    answer = function.platform.answer()
    assert answer.kind == "init_error"
    assert function.exit_code() in (128, 129)


def test_a_package_json_that_is_not_json_is_named(load: Load) -> None:
    answer = load(files={"index.js": COMMON, "package.json": "{"}).platform.answer()
    assert "package.json" in answer.json["errorMessage"]
