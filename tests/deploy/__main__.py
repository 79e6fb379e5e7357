"""`deploy/kubernetes` held to the schemas of Kubernetes and of KEDA: `python -m tests.deploy`; 0 if all is as they say.

Strictly: a field that they do not have is a fault. Those of Kubernetes come with the package kubernetes-validate, which
carries them for every version; KEDA's with one of npm.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

import kubernetes_validate as kubernetes
from kubernetes_validate.utils import all_versions

from tests.deploy.manifests import Manifest, manifests

HERE: Final = Path(__file__).parent

KEDA: Final = "keda.sh/"


def faults(objects: list[Manifest], version: str) -> list[str]:
    """What the schemas of a version of Kubernetes say against the objects."""
    found = []
    for each in objects:
        try:
            kubernetes.validate(each, version, strict=True)
        except kubernetes.ValidationError as error:
            found.append(f"{each['kind']}/{each['metadata']['name']}, Kubernetes {version}: {error}")
    return found


def keda(objects: list[Manifest]) -> None:
    """Hold objects to KEDA's schema: its compiled validator for values, its types for fields that it does not have.

    Raises:
        CalledProcessError: they are not as it says.
    """
    with tempfile.TemporaryDirectory(prefix="stepbias-keda-") as name:
        directory = Path(name)
        shutil.copytree(HERE / "keda", directory, dirs_exist_ok=True)
        lines = ['import type * as keda from "@kubernetes-models/keda/keda.sh/v1alpha1";']
        lines += [f"({json.dumps(each)}) satisfies keda.I{each['kind']};" for each in objects]
        (directory / "types.ts").write_text("\n".join(lines), encoding="utf-8")
        subprocess.run(["npm", "ci", "--silent", "--ignore-scripts"], cwd=directory, check=True)
        subprocess.run(["node", "validate.mjs"], cwd=directory, input=json.dumps(objects), text=True, check=True)
        strict = ("--strict", "--noEmit", "--skipLibCheck", "--module", "esnext", "--moduleResolution", "bundler")
        subprocess.run(["node_modules/.bin/tsc", *strict, "types.ts"], cwd=directory, check=True)


def main() -> int:
    """All versions of Kubernetes that are known, then KEDA."""
    objects = {(each["kind"], each["metadata"]["name"]): each for each in [*manifests("keda"), *manifests("hpa")]}
    of_keda = [each for each in objects.values() if each["apiVersion"].startswith(KEDA)]
    known = [each for each in objects.values() if not each["apiVersion"].startswith(KEDA)]
    versions = list(dict.fromkeys(each.rpartition(".")[0] for each in all_versions()))
    wrong = [fault for version in versions for fault in faults(known, version)]
    for line in wrong:
        print(line, file=sys.stderr)  # noqa: T201 - a script that prints
    print(f"{len(known)} objects, Kubernetes {', '.join(versions)}: {len(wrong)} faults")  # noqa: T201 - as above
    if shutil.which("npm") is None:
        print("KEDA's schema was not asked: npm is not installed", file=sys.stderr)  # noqa: T201 - as above
        return 1
    keda(of_keda)
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
