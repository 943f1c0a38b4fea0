#!/usr/bin/env python3
"""Prints a bill of materials in CycloneDX 1.5 JSON (https://cyclonedx.org/docs/1.5/json/).

Arguments: VERSION, DATE, a file with a Debian package's name and version on each line, and jars. A jar's
group is told by Maven's repository, where it came from, or for this project's own by what Maven left in it."""
import hashlib
import json
import os
import re
import sys
import uuid
import zipfile


def repository():
    """Returns the group, artifact and version of each jar in Maven's repository, by the jar's name."""
    root = os.path.expanduser("~/.m2/repository")
    found = {}
    for directory, _, files in os.walk(root):
        parts = os.path.relpath(directory, root).split("/")
        for name in files:
            if name.endswith(".jar") and len(parts) > 2:
                found[name] = (".".join(parts[:-2]), parts[-2], parts[-1])
    return found


def from_jar(path, known):
    name = path.rsplit("/", 1)[-1]
    base, version = re.fullmatch(r"(.+?)-(\d.*)\.jar", name).groups()
    group, base, version = known.get(name, (None, base, version))
    with zipfile.ZipFile(path) as jar:
        for entry in jar.namelist():
            found = re.fullmatch(r"META-INF/maven/([^/]+)/([^/]+)/pom\.properties", entry)
            if found and found.group(2) == base:
                group = found.group(1)
    with open(path, "rb") as jar:
        digest = hashlib.sha256(jar.read()).hexdigest()
    component = {"type": "library", "name": base, "version": version,
                 "hashes": [{"alg": "SHA-256", "content": digest}]}
    if group:
        component["group"] = group
        classifier = name[len(f"{base}-{version}"):-len(".jar")].lstrip("-")
        component["purl"] = f"pkg:maven/{group}/{base}@{version}" + (f"?classifier={classifier}" if classifier else "")
    return component


def from_debian(line):
    name, version = line.split()
    name = name.split(":")[0]
    return {"type": "library", "group": "debian", "name": name, "version": version,
            "purl": f"pkg:deb/debian/{name}@{version.replace('+', '%2B')}"}


def main():
    version, date, packages, *jars = sys.argv[1:]
    with open(packages, encoding="utf-8") as lines:
        components = [from_debian(line) for line in sorted(lines)]
    known = repository()
    components += [from_jar(jar, known) for jar in sorted(jars)]
    for component in components:
        component["bom-ref"] = component.get("purl", component["name"] + "@" + component["version"])
    content = json.dumps(components, sort_keys=True)
    print(json.dumps({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": "urn:uuid:" + str(uuid.uuid5(uuid.NAMESPACE_URL, content)),
        "version": 1,
        "metadata": {"timestamp": date,
                     "component": {"type": "container", "name": "calico-node", "version": version,
                                   "bom-ref": "calico-node"}},
        "components": components}, indent=1, sort_keys=True))


main()
