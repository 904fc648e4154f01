import subprocess
import sys
from pathlib import Path

from stoker.sandbox.platform_files import assemble


def test_a_function_on_the_interpreter_of_stoker_itself_has_its_json_from_compiled_code(tmp_path: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(assemble(tmp_path))!r})\n"
    code += "from simplejson import encoder, scanner; print(bool(encoder.c_make_encoder and scanner.c_make_scanner))"
    answer = subprocess.run([sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout == "True\n"
