// Compiles the Python files of wheels with Pyodide's own Python, in Node.js.
// Arguments: Pyodide's folder, a folder of wheels, a folder for a zip of bytecode for each wheel.
import { pathToFileURL } from "node:url";

const [core, wheels, output] = process.argv.slice(2);
const { loadPyodide } = await import(pathToFileURL(`${core}/pyodide.mjs`).href);
const pyodide = await loadPyodide({ indexURL: `${core}/` });
pyodide.mountNodeFS("/wheels", wheels);
pyodide.mountNodeFS("/output", output);
pyodide.runPython(`
from importlib._bootstrap_external import _code_to_hash_pyc
from importlib.util import cache_from_source, source_hash
from pathlib import Path
from zipfile import ZipFile

for wheel in sorted(Path("/wheels").glob("*.whl")):
    with ZipFile(wheel) as packed, ZipFile(f"/output/{wheel.name}", "w") as compiled:
        for name in packed.namelist():
            if name.endswith(".py"):
                text = packed.read(name)
                place = f"/lib/python3.14/site-packages/{name}"
                code = compile(text, place, "exec", dont_inherit=True)
                compiled.writestr(cache_from_source(name), _code_to_hash_pyc(code, source_hash(text), False))
`);
